package vmcisim

import "time"

// Tables of faults are variables only because a literal would be allocated at every call.
var (
	requestFaults = []string{"lose", "reset", "duplicate", "silence"}
	replyFaults   = []string{"lose", "truncate", "silence"}
)

// usual is what every network offers.
var usual = &Faults{request: menu{names: requestFaults}, reply: menu{names: replyFaults}}

// Positions in requestFaults, counted from 1 as Stage.Choose does. Rarer faults follow.
const (
	requestLose = iota + 1
	requestReset
	requestDuplicate
	requestSilence
	requestRare
)

// Positions in replyFaults.
const (
	replyLose = iota + 1
	replyTruncate
	replySilence
	replyRare
)

// maxDelay is the longest time for which a message can be held back.
const maxDelay = time.Hour

// Faults are the rarer faults that a network offers beside those that every network does. They never change, so that
// many networks may share them.
type Faults struct {
	connect, request, reply menu
}

// menu is the names of faults at one point, as Stage.Choose wants them, and what the rarer of them, the last ones, are.
type menu struct {
	names []string
	rare  []fault
}

// fault is one thing that can go wrong.
type fault struct {
	kind  kind
	where position                  // of cut and split
	wait  time.Duration             // of delay
	peer  string                    // of asOther
	harm  func(frame []byte) []byte // of garbage: makes another one
}

type kind uint8

const (
	noPort kind = iota
	refused
	hang
	highPort
	runsOn
	noID
	asOther
	delay
	cut
	split
	garbage
)

// position is a place in a frame: a number of bytes, or one of those below.
type position int

const (
	half position = -1 - iota // the middle of the text
	last                      // before the last byte
)

// in is the number of bytes before the place: some are, and some come after it.
func (p position) in(frame []byte, least int) int {
	n := int(p)
	switch p {
	case half:
		n = (8 + len(frame)) / 2
	case last:
		n = len(frame) - 1
	}
	return max(least, min(n, len(frame)-1))
}

// points is where a fault is offered.
type points struct{ connect, request, reply bool }

// kinds is what a scenario can ask for, and the names of the faults that it then gets, in the order of the menus. Of cut
// and split a search tries the places at which a decoder is in another state.
var kinds = []struct {
	name  string
	at    points
	names []string
}{
	{"connect", points{connect: true}, []string{"no-port", "refused", "hang"}},
	{"admission", points{request: true}, []string{"high-port", "no-id"}},
	{"orphan", points{request: true}, []string{"runs-on"}},
	{"delay", points{request: true, reply: true}, []string{"delay@1s"}},
	{"cut", points{request: true, reply: true}, []string{"cut@0", "cut@2", "cut@6", "cut@8", "cut@half", "cut@last"}},
	{"split", points{request: true, reply: true}, []string{"split@2", "split@6", "split@8", "split@half", "split@last"}},
	{"garbage", points{request: true, reply: true}, []string{
		"bad-magic", "zero-length", "huge-length", "long-length", "short-length", "no-nul", "inner-nul", "trailing", "not-json",
	}},
}
