package host

import (
	"maps"
	"slices"
	"strings"

	"vmdkvol/esxsim"
)

// Quirks are the switches of the simulated service, see [QuirkList].
type Quirks = esxsim.Quirks

// The quirks of this package, besides those of esxsim.
const (
	// OneReceiver: one thread accepts and receives for all VMs, so that a client that sends nothing blocks the whole host
	// (docs/original.md §1.4, D16); here until Config.Timeout drops it, in the original for ever.
	OneReceiver esxsim.Quirk = "one-receiver"
	// GivesUp: sixteen receive errors in a row, of all VMs, end the service (docs/original.md §1.4): Serve returns
	// [ErrGaveUp]. What runs is finished first, which the original did not wait for. Who starts it again is for the caller.
	GivesUp esxsim.Quirk = "gives-up"
)

// own are they.
func own() []esxsim.QuirkFact {
	return []esxsim.QuirkFact{
		{Name: GivesUp, Fact: "docs/original.md §1.4", Default: true},
		{Name: OneReceiver, Fact: "docs/original.md §1.4, D16", Default: true},
	}
}

// QuirkList returns all switches, sorted by name.
func QuirkList() []esxsim.QuirkFact {
	list := append(esxsim.QuirkList(), own()...)
	slices.SortFunc(list, func(a, b esxsim.QuirkFact) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return list
}

// ParseQuirks reads "faithful", "fixed", NAME=on and NAME=off, separated by commas, see [esxsim.ParseQuirks].
func ParseQuirks(text string) (Quirks, error) {
	var service []string
	ours := Quirks{}
	for word := range strings.SplitSeq(text, ",") {
		trimmed := strings.TrimSpace(word)
		name, value, _ := strings.Cut(trimmed, "=")
		mine := slices.ContainsFunc(own(), func(q esxsim.QuirkFact) bool { return string(q.Name) == name })
		switch {
		case mine && value == "on":
			ours[esxsim.Quirk(name)] = true
			continue
		case mine && value == "off":
			ours[esxsim.Quirk(name)] = false
			continue
		case trimmed == esxsim.Faithful, trimmed == esxsim.Fixed:
			for _, q := range own() {
				ours[q.Name] = trimmed == esxsim.Faithful
			}
		}
		service = append(service, word)
	}
	q, err := esxsim.ParseQuirks(strings.Join(service, ","))
	if err != nil {
		return nil, err
	}
	for name, on := range ours {
		if !on {
			q[name] = false
		}
	}
	return q, nil
}

// OnlySimulated reports whether a quirk of [QuirkList] changes nothing in a host that is a program: there nobody powers a VM
// off, disks have no snapshots, metadata is replaced as a whole, an end waits for what runs, and nobody notices that a client
// is gone.
func OnlySimulated(name esxsim.Quirk) bool {
	switch name {
	case esxsim.BlindListener, esxsim.FirstSnapshotIgnored, esxsim.ListenerEnds, esxsim.ListenerUnchecked, esxsim.OwnerByName,
		esxsim.BIOSUUIDFirst, esxsim.GlobNames,
		esxsim.BusyOnce, esxsim.BusyUnderLock, esxsim.RemoveOnce, esxsim.TornMetadata,
		esxsim.OrphansRunOn, esxsim.StopKills, esxsim.StopLivesOn:
		return true
	}
	return false
}

// WithoutEffect returns the quirks that a text for [ParseQuirks] switches by their names although a host that is a program
// does the same without them, in the order of the text.
func WithoutEffect(text string) []string {
	var names []string
	for word := range strings.SplitSeq(text, ",") {
		name, _, single := strings.Cut(strings.TrimSpace(word), "=")
		if single && OnlySimulated(esxsim.Quirk(name)) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// split takes the quirks of this package out, which are on unless they are set off.
func split(q Quirks) (service, ours Quirks) {
	service, ours = maps.Clone(q), Quirks{}
	for _, f := range own() {
		on, set := q[f.Name]
		ours[f.Name] = on || !set
		delete(service, f.Name)
	}
	return service, ours
}
