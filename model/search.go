package model

import (
	"math"
	"math/bits"
	"slices"
)

// item is a call that says something about its volume.
type item struct {
	invoke, ret int64 // ret is Pending if the effect may come after the call returned
	op          int32
	want        Result
	sense       sense
	call        int // its index in the history
}

// search looks for an order of the items of one volume. It goes depth first over (items done, state), never twice to the
// same pair, and does at once what changes nothing.
type search struct {
	table   *table
	limit   int
	initial []int32
	items   []item

	must   uint64 // the items that are not optional
	looks  uint64 // those of them that change nothing in any state, such as a Get or a Mount that found no volume
	all    bool   // find every final state instead of any
	steps  int
	seen   memo
	finals []int32

	path      []int32 // the items done on the way to here
	best      []int32 // the longest such way
	bestState int32
	bestDone  int // how many items of must are in best
	stuck     int // the item at which a plain walk stopped, -1 if it was a search
}

func (s *search) reset(t *table, limit int) {
	if limit <= 0 {
		limit = DefaultLimit
	}
	s.table, s.limit = t, limit
	s.initial, s.items, s.finals = s.initial[:0], s.items[:0], s.finals[:0]
	s.path, s.best = s.path[:0], s.best[:0]
	s.must, s.looks, s.steps, s.bestDone, s.stuck = 0, 0, 0, -1, -1
}

// add takes a call in, at its place in the order of invocations, unless it says nothing.
func (s *search) add(index int, c *Call) {
	m := meaning(c.Op.Kind, c.Result.Kind, c.Return == Pending)
	if m.free {
		return
	}
	it := item{invoke: c.Invoke, ret: c.Return, op: s.table.op(c.Op), want: c.Result, sense: m, call: index}
	if m.optional {
		it.ret = Pending
	}
	i := len(s.items)
	for i > 0 && s.items[i-1].invoke > it.invoke {
		i--
	}
	s.items = slices.Insert(s.items, i, it)
}

// find answers whether there is an order. With all, it also fills finals.
func (s *search) find(all bool) Answer {
	s.all = all
	if s.sequential() {
		return s.walk()
	}
	if len(s.items) > maxCalls {
		return Undecided
	}
	for i := range s.items {
		it := &s.items[i]
		if it.sense.optional {
			continue
		}
		s.must |= 1 << i
		if !it.sense.blind && (s.table.list[it.op].Kind == Get || it.want.Kind != OK) {
			s.looks |= 1 << i
		}
	}
	s.seen.clear()
	found := false
	for _, state := range s.initial {
		found = s.run(0, state) || found
		if found && !all {
			return Yes
		}
	}
	switch {
	case s.steps > s.limit:
		return Undecided
	case found:
		return Yes
	}
	return No
}

// sequential reports whether only one order is possible.
func (s *search) sequential() bool {
	for i := range s.items {
		if s.items[i].sense.optional || i > 0 && s.items[i-1].ret >= s.items[i].invoke {
			return false
		}
	}
	return true
}

// walk does the items in their one order, from each initial state.
func (s *search) walk() Answer {
	answer := No
	for _, state := range s.initial {
		i := 0
		for i < len(s.items) {
			to, fits := s.fit(i, state)
			if !fits {
				break
			}
			state, i = to, i+1
		}
		if i == len(s.items) {
			answer = Yes
			s.final(state)
		} else if i > s.bestDone {
			s.bestDone, s.bestState, s.stuck = i, state, i
		}
	}
	if answer == No {
		for i := range s.stuck {
			s.best = append(s.best, int32(i))
		}
	}
	return answer
}

// fit is the state after an item, if its result is right.
func (s *search) fit(i int, state int32) (to int32, fits bool) {
	it := &s.items[i]
	to, r := s.table.step(state, it.op)
	return to, it.sense.blind || it.want.says(r)
}

// run continues from a point and reports whether the end was reached.
func (s *search) run(done uint64, state int32) bool {
	depth := len(s.path)
	next := s.next(done)
	// What may come next, fits, and could not change anything anywhere, can come now: an order that has it later works as
	// well with it here. Not so an Unmount that finds nothing to undo: later it may.
	for i := s.harmless(next, state); i >= 0; i = s.harmless(next, state) {
		s.path = append(s.path, int32(i))
		done |= 1 << i
		next = s.next(done)
	}
	found := s.enter(done, state) && s.goOn(done, state, next)
	s.path = s.path[:depth]
	return found
}

// enter visits a point. It is false if nothing new can come of it.
func (s *search) enter(done uint64, state int32) bool {
	if s.steps > s.limit || !s.seen.add(done, state) {
		return false
	}
	s.steps++
	if n := bits.OnesCount64(done & s.must); n > s.bestDone {
		s.bestDone, s.bestState = n, state
		s.best = append(s.best[:0], s.path...)
	}
	if done&s.must == s.must {
		s.final(state)
	}
	return true
}

// goOn continues from a new point. Optional items come last: most orders do without them.
func (s *search) goOn(done uint64, state int32, next uint64) bool {
	found := done&s.must == s.must
	if !found || s.all {
		found = s.branch(done, state, next&s.must) || found
	}
	if !found || s.all {
		found = s.branch(done, state, next&^s.must) || found
	}
	return found
}

// branch tries each of the items, all of which may come next.
func (s *search) branch(done uint64, state int32, items uint64) bool {
	found := false
	for ; items != 0; items &= items - 1 {
		i := bits.TrailingZeros64(items)
		to, fits := s.fit(i, state)
		found = fits && s.take(i, done, state, to) || found
		if s.items[i].sense.half && (!found || s.all) {
			to, _ = s.table.step(state, half)
			found = s.take(i, done, state, to) || found
		}
		if found && !s.all {
			return true
		}
	}
	return found
}

// take does one item and goes on. An optional one that would change nothing need not be done.
func (s *search) take(i int, done uint64, from, to int32) bool {
	if from == to && s.items[i].sense.optional {
		return false
	}
	s.path = append(s.path, int32(i))
	found := s.run(done|1<<i, to)
	s.path = s.path[:len(s.path)-1]
	return found
}

// next is the set of items that no other item, not yet done, came before.
func (s *search) next(done uint64) uint64 {
	var set uint64
	first := int64(math.MaxInt64) // the first return so far
	for i := range s.items {
		if s.items[i].invoke > first {
			break // the items are in the order of their invocations
		}
		if done>>i&1 == 0 {
			set |= 1 << i
			first = min(first, s.items[i].ret)
		}
	}
	return set
}

// harmless is an item among these that only looks, and fits; -1 if there is none.
func (s *search) harmless(items uint64, state int32) int {
	for items &= s.looks; items != 0; items &= items - 1 {
		i := bits.TrailingZeros64(items)
		if _, fits := s.fit(i, state); fits {
			return i
		}
	}
	return -1
}

func (s *search) final(state int32) {
	if s.all && !slices.Contains(s.finals, state) {
		s.finals = append(s.finals, state)
	}
}

// blocker is the item that should have come next after the best way: where a walk stopped, or the first of the others
// that had to return.
func (s *search) blocker() int {
	if s.stuck >= 0 {
		return s.stuck
	}
	at := -1
	for i := range s.items {
		it := &s.items[i]
		if it.sense.optional || slices.Contains(s.best, int32(i)) {
			continue
		}
		if at < 0 || it.ret < s.items[at].ret {
			at = i
		}
	}
	return at
}
