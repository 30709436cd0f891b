package explore

import "strconv"

// EventKind says what an Event is.
type EventKind uint8

// The kinds of events. All of them enter the hash of a run.
const (
	StepEvent    EventKind = iota // a task passes a yield point
	SpawnEvent                    // a task exists from now on
	EndEvent                      // a task has ended
	FaultEvent                    // a simulator was told to fail; Text names the fault
	ClockEvent                    // virtual time has moved; Text is the time since the start
	CrashEvent                    // a world has crashed
	VisibleEvent                  // what the outside sees: a call or a reply; Text says it
	FailureEvent                  // an oracle has objected
)

var eventNames = [...]string{"step", "spawn", "end", "fault", "clock", "crash", "visible", "failure"}

func (e EventKind) String() string { return eventNames[e] }

// Event is one line of a run.
type Event struct {
	Kind  EventKind
	Task  string
	Point Point
	Text  string
	// Deviation is set on the first event after a departure from the default schedule.
	Deviation bool
}

// Hash is a running 64-bit FNV-1a over events. Strings are separated, so that no two event lists run together.
type Hash uint64

const (
	fnvOffset Hash = 14695981039346656037
	fnvPrime  Hash = 1099511628211
)

// NewHash is the hash of no events.
func NewHash() Hash { return fnvOffset }

// Add returns the hash of the events so far and e.
func (h Hash) Add(e Event) Hash {
	h = (h ^ Hash(e.Kind)) * fnvPrime
	h = h.str(e.Task)
	h = h.str(e.Point.Op)
	h = h.str(e.Point.Object)
	return h.str(e.Text)
}

func (h Hash) str(s string) Hash {
	for i := range len(s) {
		h = (h ^ Hash(s[i])) * fnvPrime
	}
	return (h ^ 0xff) * fnvPrime // 0xff occurs in no UTF-8 text
}

// String is 16 hexadecimal digits.
func (h Hash) String() string {
	s := strconv.FormatUint(uint64(h), 16)
	return "0000000000000000"[len(s):] + s
}
