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

//go:norace
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

// Hash is a running 64-bit hash over events. Strings are separated by their lengths, so that no two event lists run
// together. It depends on nothing but the events, and so is the same in every process.
type Hash uint64

// Odd constants with well mixed bits: the golden ratio, and a prime of the xxHash family.
const (
	hashStart Hash = 0x9e3779b97f4a7c15
	hashPrime Hash = 0xc2b2ae3d27d4eb4f
)

// NewHash is the hash of no events.
//
//go:norace
func NewHash() Hash { return hashStart }

// Add returns the hash of the events so far and e.
//
//go:norace
func (h Hash) Add(e Event) Hash {
	if e.Kind == StepEvent && e.Text == "" {
		return h.step(NewHash().str(e.Task), &e.Point)
	}
	h = h.mix(uint64(e.Kind) + 1)
	h = h.str(e.Task)
	h = h.str(e.Point.Op)
	h = h.str(e.Point.Object)
	return h.str(e.Text)
}

// bare is Add for an event without a point.
//
//go:norace
func (h Hash) bare(kind EventKind, task, text string) Hash {
	return h.mix(uint64(kind) + 1).str(task).str("").str("").str(text)
}

// Mix returns the hash of what is in h, and then x.
func (h Hash) Mix(x uint64) Hash { return h.mix(x) }

// step is Add for the one kind of event that is frequent; the task's part is known beforehand.
//
//go:norace
func (h Hash) step(task Hash, p *Point) Hash { return h.mix(uint64(task)).str(p.Op).str(p.Object) }

//go:norace
func (h Hash) mix(x uint64) Hash {
	h = (h ^ Hash(x)) * hashPrime
	return h ^ h>>29
}

// str takes eight bytes at a time, and the rest as if zeros followed: this runs for every step of every schedule. The rest
// is read in pieces that overlap, because a loop over it is a guess for the processor.
//
//go:norace
func (h Hash) str(s string) Hash {
	n := len(s)
	h ^= Hash(n+1) << 32
	switch {
	case n >= 8:
		at := 0
		for ; at <= n-8; at += 8 {
			h = h.mix(eight(s[at:]))
		}
		return h.mix(eight(s[n-8:]) >> uint(8*(7-(n-at))&63) >> 8)
	case n >= 4:
		t := s[n-4:]
		return h.mix(uint64(uint32(s[0])|uint32(s[1])<<8|uint32(s[2])<<16|uint32(s[3])<<24) |
			uint64(uint32(t[0])|uint32(t[1])<<8|uint32(t[2])<<16|uint32(t[3])<<24)<<uint(8*(n-4)&63))
	case n > 0:
		return h.mix(uint64(s[0]) | uint64(s[n/2])<<uint(8*(n/2)&63) | uint64(s[n-1])<<uint(8*(n-1)&63))
	}
	return h.mix(0)
}

//go:norace
func eight(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// String is 16 hexadecimal digits.
//
//go:norace
func (h Hash) String() string {
	s := strconv.FormatUint(uint64(h), 16)
	return "0000000000000000"[len(s):] + s
}
