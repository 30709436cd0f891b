package explore

import "slices"

// races finds, for every step from the first new one on, the earlier steps that could just as well have come after it,
// and adds to the decisions there what leads to that. This is source-DPOR (Abdulla, Aronis, Jonsson, Sagonas, "Optimal
// dynamic partial order reduction", POPL 2014), with monitors: a step that waited for a monitor races with the
// acquisition before it, not with the release. Whoever tries for a GoMutex does not wait, and races with whatever was done
// to it last; only the first of the queue waits, and only while the monitor is taken.
func (t *trace) races(from int) {
	t.prepare()
	before, rivals, lockRivals := t.before, t.rivals, t.lockRivals
	denials := t.denials
	for len(denials) > 0 && denials[0].after < t.known {
		denials = denials[1:]
	}
	for j := t.known; j < len(t.steps); j++ {
		s := &t.steps[j]
		before, rivals, lockRivals = before[:0], rivals[:0], lockRivals[:0]
		released := -1
		if p := t.last[s.task+1]; p >= 0 {
			before = append(before, p)
		}
		if s.cause >= 0 && s.cause < j {
			before = append(before, s.cause)
		}
		for at, id := range s.objects {
			if id == starID {
				for i := range j {
					rivals = appendNew(rivals, i)
				}
				continue
			}
			o, mode := &t.objects[id], s.footprint[at].Mode
			switch mode {
			case release:
			case acquire, section:
				released = max(released, o.released)
				if o.acquired >= 0 {
					lockRivals = append(lockRivals, holding{o.acquired, o.released})
				}
				if mode == acquire {
					for _, i := range o.sections[o.section:] {
						lockRivals = append(lockRivals, holding{i, i})
					}
				}
			case handed:
				released = max(released, o.released)
				if o.latest > o.released {
					rivals = appendNew(rivals, o.latest)
				}
				if o.barged {
					lockRivals = append(lockRivals, holding{o.acquired, o.released})
				}
			case visit, barge, handover, change:
				if o.latest >= 0 {
					rivals = appendNew(rivals, o.latest)
				}
				if mode != visit {
					for _, i := range o.sections[o.section:] {
						rivals = appendNew(rivals, i)
					}
				}
			default:
				for _, r := range o.rivals(mode) {
					if r.mode != mode || mode == Write {
						rivals = appendNew(rivals, r.step)
					}
				}
			}
		}
		if star := t.objects[starID].acquired; star >= 0 {
			rivals = appendNew(rivals, star)
		}
		for _, i := range before {
			t.follow(s, i)
		}
		for _, i := range rivals {
			t.follow(s, i)
		}
		for _, h := range lockRivals {
			t.follow(s, h.acquired)
		}
		if released >= 0 {
			t.follow(s, released)
		}
		if j >= from {
			for _, i := range rivals {
				if t.steps[i].task != s.task && !t.implied(i, before, rivals, none) && !t.within(i, released) && !t.compels(i, s) {
					t.reverse(i, j, s)
				}
			}
			for _, h := range lockRivals {
				if t.steps[h.acquired].task != s.task && !t.implied(h.acquired, before, rivals, h.released) {
					t.reverse(h.acquired, j, s)
				}
			}
		}
		if j >= from {
			t.sleeper(j)
		}
		denials = t.recorded(j, denials, j >= from)
	}
	t.before, t.rivals, t.lockRivals = before, rivals, lockRivals
	t.known = len(t.steps)
}

// holding is the steps in which a task took a monitor and gave it back; released is -1 if it has not.
type holding struct{ acquired, released int }

// within reports whether step i comes no later than a release; a step that waited for the release can come before i only
// if it comes before the acquisition too.
func (t *trace) within(i, released int) bool {
	return released >= 0 && (i == released || t.happened(i, &t.steps[released]))
}

// implied reports whether i is before the step anyway: it must be, or another step that must be, or that conflicts too,
// comes after it. If i is the acquisition of a monitor, then what came before the release does not count: it goes with i.
func (t *trace) implied(i int, before, rivals []int, released int) bool {
	for _, k := range before {
		if k == i || t.happened(i, &t.steps[k]) {
			return true
		}
	}
	for _, k := range rivals {
		if k != i && t.happened(i, &t.steps[k]) && !t.within(k, released) {
			return true
		}
	}
	return false
}

// compels reports whether s is a step of the clock that had to move because nobody could go on, and for that cannot come before i: there
// somebody can, and the clock must not move early any more.
func (t *trace) compels(i int, s *step) bool {
	n := t.steps[i].node
	return s.task == clockIndex && n != nil && n.spent && slices.Contains(s.objects, starID)
}

func appendNew(list []int, x int) []int {
	if slices.Contains(list, x) {
		return list
	}
	return append(list, x)
}
