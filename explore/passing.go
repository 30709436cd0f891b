package explore

// going says whether steps go on over yields.
type going uint8

const (
	stopping going = iota // at every yield
	straight              // on, while a step has done nothing that others can notice
	anew                  // no more: begin again
)

// mostPassed bounds how many yields a step passes: a task that does nothing for ever has to give way.
const mostPassed = 64

// passes is called by the kernel. What others do at a yield before which the step has done nothing that they could notice, they may as
// well do before the step, so that there is nothing to decide.
func (d *Exhaustive) passes(footprint []Access) bool {
	if d.goes != straight || d.passed == mostPassed {
		return false
	}
	for _, a := range footprint {
		switch {
		case a.Object == timersObject && a.Mode == arrange, a.Object == timeObject && a.Mode == Read: // without faults only who waits notices
		case a.Mode == callMode && d.strict:
		default:
			return false
		}
	}
	d.passed++
	return true
}

// wentOver notes how many yields the last step has passed. Where a step commutes with no other, because it ends a world for
// example, it matters how far every task had got: then the search begins again, and stops everywhere.
func (d *Exhaustive) wentOver(passed int) {
	s := &d.trace.steps[len(d.trace.steps)-1]
	s.passed = passed
	if d.goes != straight {
		return
	}
	for _, id := range s.objects {
		if id == starID {
			d.goes = anew
		}
	}
}

// restart forgets what has been seen, but for the counts.
func (d *Exhaustive) restart() {
	d.goes = stopping
	d.free = append(d.free, d.stack...)
	d.stack, d.prefix, d.trace.same, d.trace.known = d.stack[:0], 0, 0, 0
	d.stats.Blocked = d.stats.Runs
}
