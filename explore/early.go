package explore

import "slices"

// The clock is a task that others take its next step away from: who ends a deadline before its time. What is not there any more
// races with nobody, so searches look for such races as if the clock had moved.

// stopped says that the clock cannot move any more, or that the run has ended. If it could before the step that has just been
// taken, then that step took it away, and the clock must go first to move at all.
func (d *Exhaustive) stopped() {
	n := d.current
	if n == nil || d.forced || d.reduction != sourceSets || len(n.early) == 0 {
		return
	}
	if !slices.Contains(n.backtrack, clockIndex) {
		n.backtrack = append(n.backtrack, clockIndex)
	}
}

// wakes notes that step j does not commute with an early step of the clock that sleeps there. The clock may do another one
// later, or none.
func (t *trace) wakes(j int) {
	s := &t.steps[j]
	if n := s.node; n != nil && len(n.early) > 0 && (j == 0 || t.steps[j-1].node != n) && contains(n.sleep, clockIndex) && !commute(n.early, s.footprint) {
		t.woken = append(t.woken, j)
	}
}

// sleeper is what a sleeping clock needs because nobody sees whom it races with: where a step woke it, some order of steps that
// do not depend on that one leads to the last of them, j, without it, if that one races with the clock's as it was there.
func (t *trace) sleeper(j int) {
	s := &t.steps[j]
	if s.task == clockIndex {
		return
	}
	for _, i := range t.woken {
		n := t.steps[i].node
		if i == j || t.happened(i, s) || commute(n.early, s.footprint) {
			continue
		}
		v := t.none()
		for w := range v {
			v[w] = s.past[w]
		}
		for k := range i {
			v[k/64] &^= 1 << (k % 64)
		}
		v[j/64] |= 1 << (j % 64)
		t.call(n, v, s)
	}
}
