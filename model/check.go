package model

import (
	"math"
	"slices"
)

// Pending is the Return of a call that has not returned.
const Pending = math.MaxInt64

// Call is one operation of a history. The times are logical, on one clock for the whole history; Return must not be before
// Invoke. A call came before another if its Return is less than the other's Invoke; otherwise they overlap.
//
// A pending call may have happened, may happen at any time, or never; its Result is not looked at.
type Call struct {
	Op     Op
	Result Result
	Invoke int64
	Return int64
}

// Start is what is possible of each volume when a history begins. A volume that is not in it is absent.
type Start map[string]Possible

// Answer is what a check found.
type Answer uint8

// The answers. Undecided means that the search was given up at its limit, or that too many calls of one volume overlap.
const (
	Undecided Answer = iota
	Yes
	No
)

// Verdict is the answer for a history. Everything but Answer is there to be read by people; on No, it describes one
// longest explanation that was found.
type Verdict struct {
	Answer Answer
	Volume string // the volume that decided it, "" on Yes
	Order  []Call // of that volume: the longest order that explains its results
	State  State  // after Order
	Stuck  Call   // a call that had to come next and could not
	Want   Result // what the answer to it would have been
}

// DefaultLimit is the search's limit of steps per volume: a few hundredths of a second.
const DefaultLimit = 1 << 17

// maxCalls is how many calls of one volume can be judged if any of them overlap.
const maxCalls = 64

// Checker judges histories. The zero value is ready. It keeps what it learnt and its memory from one history to the next;
// it is not safe for concurrent use.
type Checker struct {
	Limit int // steps per volume before the answer is Undecided; 0 means DefaultLimit
	// Truth is Step, if it is nil. Another is for whoever wants to know whether a wrong model is noticed. Set it before the
	// first history.
	Truth func(State, Op) (State, Result)

	table   table
	volumes []string // of this history, in the order of their first calls
	volume  []int32  // for each call, its index in volumes
	search  search
}

// Linearizable judges one history with a Checker of its own.
func Linearizable(start Start, calls []Call) Verdict {
	var c Checker
	return c.Linearizable(start, calls)
}

// Linearizable says whether some order of the calls, which respects real time, explains every result. A No of one volume
// comes before an Undecided of another. The calls may be in any order and are only read.
func (c *Checker) Linearizable(start Start, calls []Call) Verdict {
	c.split(calls)
	verdict := Verdict{Answer: Yes}
	for i, volume := range c.volumes {
		c.prepare(start, calls, i)
		switch c.search.find(false) {
		case No:
			return c.explain(calls, volume)
		case Undecided:
			verdict = Verdict{Answer: Undecided, Volume: volume}
		}
	}
	return verdict
}

// Final returns every state in which the history can have left the volume, also those in which a call with an unknown
// outcome never happened; the set is empty if the history cannot be explained. On Undecided the set is not complete.
func (c *Checker) Final(start Start, calls []Call, volume string) (Possible, Answer) {
	c.split(calls)
	i := slices.Index(c.volumes, volume)
	if i < 0 {
		if p, given := start[volume]; given {
			return p, Yes
		}
		return Only(State{}), Yes
	}
	c.prepare(start, calls, i)
	answer := c.search.find(true)
	var p Possible
	for _, s := range c.search.finals {
		p.add(c.table.states[s])
	}
	return p, answer
}

// split finds the volumes of a history.
func (c *Checker) split(calls []Call) {
	c.table.truth = c.Truth
	c.table.recycle()
	c.volumes, c.volume = c.volumes[:0], c.volume[:0]
	for i := range calls {
		v := slices.Index(c.volumes, calls[i].Op.Volume)
		if v < 0 {
			v = len(c.volumes)
			c.volumes = append(c.volumes, calls[i].Op.Volume)
		}
		c.volume = append(c.volume, int32(v))
	}
}

// prepare loads the search with the calls of one volume that say anything, in the order of their invocations.
func (c *Checker) prepare(start Start, calls []Call, volume int) {
	s := &c.search
	s.reset(&c.table, c.Limit)
	p, given := start[c.volumes[volume]]
	if !given {
		s.initial = append(s.initial, absent)
	}
	for i := range p.states {
		s.initial = append(s.initial, c.table.state(p.states[i]))
	}
	failing := false
	for i := range calls {
		if c.volume[i] != int32(volume) {
			continue
		}
		failing = failing || unmade(&calls[i])
		s.add(i, &calls[i])
	}
	if failing {
		s.items = slices.DeleteFunc(s.items, func(it item) bool { return glimpse(calls, &calls[it.call]) })
	}
}

// unmade reports whether a call is a Create that may have been taken back.
func unmade(c *Call) bool {
	return c.Op.Kind == Create && (c.Return == Pending || c.Result.Kind == Unknown || c.Result.Kind == Refused)
}

// glimpse reports whether a call is a Get that may have seen a volume which a Create took back: it waits for no lock.
func glimpse(calls []Call, get *Call) bool {
	if get.Op.Kind != Get || get.Result.Kind != OK {
		return false
	}
	for i := range calls {
		c := &calls[i]
		if unmade(c) && c.Op.Volume == get.Op.Volume && c.Invoke <= get.Return && get.Invoke <= c.Return {
			return true
		}
	}
	return false
}

// explain turns the best attempt of a search that failed into a verdict.
func (c *Checker) explain(calls []Call, volume string) Verdict {
	s := &c.search
	v := Verdict{Answer: No, Volume: volume}
	if len(s.initial) == 0 {
		return v
	}
	for _, i := range s.best {
		v.Order = append(v.Order, calls[s.items[i].call])
	}
	v.State = c.table.states[s.bestState]
	v.Stuck = calls[s.items[s.blocker()].call]
	_, v.Want = c.table.said(v.State, v.Stuck.Op)
	return v
}
