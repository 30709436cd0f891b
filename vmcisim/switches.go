package vmcisim

// Switch is something that the original's side of the network did and one would not build, as a field of [Config].
type Switch struct {
	Name    string // in scenarios: given network NAME
	Fact    string // where docs/original.md describes it
	Default bool   // what the last release did; a Config has none of them
}

// Switches returns all switches, sorted by name.
func Switches() []Switch {
	return []Switch{
		{"backlog-one", "docs/original.md §1.1, B23", false},
		{"gives-up", "docs/original.md §1.4, D16", true},
		{"leftover-id", "docs/original.md §1.4, D24", true},
		{"one-receiver", "docs/original.md §1.4, D16", true},
		{"one-recv", "docs/original.md §1.5", true},
	}
}
