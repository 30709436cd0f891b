package host

import (
	"maps"
	"slices"
	"strings"

	"vmdkvol/esxsim"
)

// Quirks are the switches of the simulated service, see [QuirkList].
type Quirks = esxsim.Quirks

// OneReceiver is a quirk of this package, besides those of esxsim: one thread accepts and receives for all VMs, so that a
// client that sends nothing blocks the whole host (docs/original.md §1.4, D16); here until Config.Timeout drops it, in the
// original for ever.
const OneReceiver esxsim.Quirk = "one-receiver"

// QuirkList returns all switches, sorted by name.
func QuirkList() []esxsim.QuirkFact {
	list := append(esxsim.QuirkList(), esxsim.QuirkFact{Name: OneReceiver, Fact: "docs/original.md §1.4, D16", Default: true})
	slices.SortFunc(list, func(a, b esxsim.QuirkFact) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return list
}

// ParseQuirks reads "faithful", "fixed", NAME=on and NAME=off, separated by commas, see [esxsim.ParseQuirks].
func ParseQuirks(text string) (Quirks, error) {
	var service []string
	ours := true
	for word := range strings.SplitSeq(text, ",") {
		switch trimmed := strings.TrimSpace(word); trimmed {
		case string(OneReceiver) + "=on":
			ours = true
			continue
		case string(OneReceiver) + "=off":
			ours = false
			continue
		case esxsim.Faithful:
			ours = true
		case esxsim.Fixed:
			ours = false
		}
		service = append(service, word)
	}
	q, err := esxsim.ParseQuirks(strings.Join(service, ","))
	if err == nil && !ours {
		q[OneReceiver] = false
	}
	return q, err
}

// OnlySimulated reports whether a quirk of [QuirkList] changes nothing in a host that is a program: there nobody powers a VM
// off, disks have no snapshots, metadata is replaced as a whole, an end waits for what runs, no two steps of the service are
// so close together, and nobody notices that a client is gone.
func OnlySimulated(name esxsim.Quirk) bool {
	switch name {
	case esxsim.BlindListener, esxsim.FirstSnapshotIgnored, esxsim.ListenerEnds, esxsim.ListenerUnchecked, esxsim.OwnerByName,
		esxsim.BIOSUUIDFirst, esxsim.GlobNames,
		esxsim.BusyOnce, esxsim.BusyUnderLock, esxsim.RemoveOnce, esxsim.TornMetadata,
		esxsim.DatastoreCacheRace, esxsim.LockTableRace,
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

// split takes the quirk of this package out.
func split(q Quirks) (service Quirks, oneReceiver bool) {
	on, set := q[OneReceiver]
	if !set {
		return q, true
	}
	service = maps.Clone(q)
	delete(service, OneReceiver)
	return service, on
}
