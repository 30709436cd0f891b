package esxsim

import (
	"fmt"
	"maps"
	"slices"
)

// Quirk names a behaviour of the original service that is not what one would build.
type Quirk string

// The quirks that can be switched. Those that are on by default are what the last release did.
const (
	// HomeDatastoreLock: the lock of a volume is named after the home datastore of the calling VM instead of the
	// volume's own, so two VMs with different homes do not exclude each other (docs/original.md §2.11, D8).
	HomeDatastoreLock Quirk = "home-datastore-lock"
	// StaleAttached: detach of a disk that is not in the VM leaves the metadata alone, even if it says attached
	// to that VM (docs/original.md §2.8, D19).
	StaleAttached Quirk = "stale-attached"
	// NullGet: get of a volume whose metadata cannot be read answers null (docs/original.md §2.9, D14).
	NullGet Quirk = "null-get"
	// OwnerByName: at power-off the metadata is cleared if it names a VM with the same display name
	// (docs/original.md §2.13, D28). Off: the uuid decides.
	OwnerByName Quirk = "owner-by-name"
	// ReservedNames: names that end with -flat, -delta, -ctk or -digest are accepted, never listed, and collide with
	// the files of another volume; list drops every ".vmdk" from a name (docs/original.md §2.3, D20). Off: such
	// names are refused.
	ReservedNames Quirk = "reserved-names"
	// NoVMLock: attach and detach take no lock of the VM, so a second one at the same time fails with "Another task
	// is already in progress." The last release had the lock (docs/original.md §2.7, §2.11, commit ca19ada).
	NoVMLock Quirk = "no-vm-lock"
)

// QuirkFact describes a quirk.
type QuirkFact struct {
	Name    Quirk
	Fact    string // where docs/original.md describes it
	Default bool
}

// QuirkList returns all quirks, sorted by name.
func QuirkList() []QuirkFact {
	return []QuirkFact{
		{HomeDatastoreLock, "docs/original.md §2.11, D8", true},
		{NoVMLock, "docs/original.md §2.7, §2.11", false},
		{NullGet, "docs/original.md §2.9, D14", true},
		{OwnerByName, "docs/original.md §2.13, D28", true},
		{ReservedNames, "docs/original.md §2.3, D20", true},
		{StaleAttached, "docs/original.md §2.8, D19", true},
	}
}

// Quirks sets switches that differ from their default.
type Quirks map[Quirk]bool

type switches struct {
	homeLock, staleAttached, nullGet, ownerByName, reservedNames, noVMLock bool
}

func (q Quirks) resolve() (switches, error) {
	known := QuirkList()
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.ContainsFunc(known, func(f QuirkFact) bool { return f.Name == name }) {
			return switches{}, fmt.Errorf("esxsim: unknown quirk %q", name)
		}
	}
	on := func(name Quirk) bool {
		if v, set := q[name]; set {
			return v
		}
		i := slices.IndexFunc(known, func(f QuirkFact) bool { return f.Name == name })
		return known[i].Default
	}
	return switches{
		homeLock: on(HomeDatastoreLock), staleAttached: on(StaleAttached), nullGet: on(NullGet),
		ownerByName: on(OwnerByName), reservedNames: on(ReservedNames), noVMLock: on(NoVMLock),
	}, nil
}
