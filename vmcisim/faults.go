package vmcisim

// Tables of faults are variables only because a literal would be allocated at every call.
var (
	requestFaults = []string{"lose", "reset", "duplicate", "silence"}
	replyFaults   = []string{"lose", "truncate", "silence"}
)

// Positions in requestFaults, counted from 1 as Stage.Choose does.
const (
	requestLose = iota + 1
	requestReset
	requestDuplicate
	requestSilence
)

// Positions in replyFaults.
const (
	replyLose = iota + 1
	replyTruncate
	replySilence
)

// Faults lists every fault point with every fault, as op:fault, so that a search can say what no run came to.
func Faults() []string {
	var all []string
	for _, f := range requestFaults {
		all = append(all, "net.request:"+f)
	}
	for _, f := range replyFaults {
		all = append(all, "net.reply:"+f)
	}
	return all
}

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
