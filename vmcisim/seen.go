package vmcisim

// What a search should have seen at least once.
const (
	seenTwo    = "net: two requests are in flight at once"
	seenLate   = "net: a request executes whose caller has given up"
	seenUnsaid = "net: a request has executed and its caller does not hear of it"
)

// Sometimes lists what a network tells a Stage that has a method Sometimes(name string, ok bool), in runs with faults or
// without.
func Sometimes(faults bool) []string {
	if !faults {
		return []string{seenTwo}
	}
	return []string{seenTwo, seenLate, seenUnsaid}
}

// witness is such a Stage.
type witness interface {
	Sometimes(name string, ok bool)
}

// saw tells the stage that something held.
func (n *Network) saw(name string) {
	if n.witness != nil {
		n.witness.Sometimes(name, true)
	}
}
