package explore

import (
	"math/bits"
	"slices"
)

// reverse adds to the decision before step i a task with which the last step, the j-th, can come before i, unless one is there
// already. It is a task that can go first in v: the steps between i and j that do not depend on i, and then the last.
func (t *trace) reverse(i, j int, last *step) {
	n := t.steps[i].node
	if n == nil {
		return // it was the only thing to do
	}
	v := t.none()
	for k := i + 1; k < j; k++ {
		if !t.happened(i, &t.steps[k]) {
			v[k/64] |= 1 << (k % 64)
		}
	}
	if last != &t.pending && n.dreams(last) {
		n.tryAll()
		return
	}
	t.call(n, v, last)
}

// none is scratch for a set of steps.
func (t *trace) none() []uint64 {
	for len(t.v) < t.words {
		t.v = append(t.v, 0)
	}
	v := t.v[:t.words]
	clear(v)
	return v
}

// call adds to a decision a task that can go first in v and then the last step, unless one is there already.
func (t *trace) call(n *node, v []uint64, last *step) {
	for w, set := range v {
		for ; set != 0; set &= set - 1 {
			if k := w*64 + bits.TrailingZeros64(set); t.steps[k].stopped {
				v[w] &^= 1 << (k % 64) // it does nothing by itself
			}
		}
	}
	candidate := none
	// in reports whether a task that can go first is among those to be tried.
	in := func(s *step) bool {
		if !t.first(s, v) || !slices.Contains(n.enabled, s.task) {
			return false
		}
		if candidate == none || s == last || s.task == last.task {
			candidate = s.task
		}
		return slices.Contains(n.backtrack, s.task)
	}
	for w, set := range v {
		for ; set != 0; set &= set - 1 {
			if in(&t.steps[w*64+bits.TrailingZeros64(set)]) {
				return
			}
		}
	}
	if in(last) {
		return
	}
	if candidate != none {
		n.backtrack = append(n.backtrack, candidate)
		return
	}
	if last.task == clockIndex && !slices.ContainsFunc(v, func(w uint64) bool { return w != 0 }) {
		return // there was no timer yet, or else the clock would be among the enabled
	}
	n.tryAll() // to be on the safe side
}

// tryAll lets everybody go on here who can.
func (n *node) tryAll() {
	for _, task := range n.enabled {
		if !slices.Contains(n.backtrack, task) {
			n.backtrack = append(n.backtrack, task)
		}
	}
}

// dreams reports whether the task of a step sleeps here, where it would do something that it did not do in that step, because
// what it found there was not what it finds here. While it sleeps, nobody sees whom it races with if it does that.
func (n *node) dreams(s *step) bool {
	for _, a := range n.sleep {
		if a.task == s.task {
			return !covers(s.footprint, a.footprint)
		}
	}
	return false
}

// covers reports whether a step conflicts with all that others would conflict with.
func covers(footprint, others []Access) bool {
	for _, o := range others {
		if !slices.ContainsFunc(footprint, func(a Access) bool {
			return a.Object == everything || a.Object == o.Object && (a.Mode == o.Mode || a.Mode == Write && o.Mode < acquire)
		}) {
			return false
		}
	}
	return true
}

const none = -2

// first reports whether nothing in v has to come before the step.
func (t *trace) first(s *step, v []uint64) bool {
	for w := range v {
		if s.past[w]&v[w] != 0 {
			return false
		}
	}
	return true
}
