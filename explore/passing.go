package explore

// passing lets steps go on over yields at which there is nothing to decide, because whatever others do there they may as well do before
// the step.
type passing struct {
	state   passingState
	over    int  // yields of the step that is under way
	stopped bool // it has come to one that it would pass, but for who holds a monitor
	seen    map[Access]reliance
	known   []uint8 // of what is broken the modes, as bits, by object: it is asked often
	halt    bool    // if the search begins again, it is to stop at every yield
}

type passingState uint8

const (
	stopping passingState = iota // at every yield
	straight                     // on
	anew                         // the search has to begin again
)

// reliance is what steps rely on of an object that they may read, or of a monitor that they may have a section of, before they pass
// a yield: that nobody writes the object, or keeps the monitor beyond a step.
type reliance uint8

const (
	untried  reliance = iota
	reliedOn          // a step has passed a yield because of it
	broken            // it is not so
)

// mostPassed bounds how many yields a step passes: a task that does nothing for ever has to give way.
const mostPassed = 64

// passes is called by the kernel. A step passes a yield before which it has done nothing that others could notice. That is not known
// beforehand of one that only reads, but the first steps after a call are relied on to read only what nobody writes, until somebody
// does: then the search begins again. For it is calls that a step should not part from what the call is about, or they would be made
// earlier than they need to be, see NewStrict.
//
// Held says that the step cannot pass because somebody holds the monitor that comes next. Where it is free, the task's step is
// this one and the next in one.
func (d *Exhaustive) passes(footprint []Access, held bool) bool {
	p := &d.passing
	if n := len(d.trace.steps); d.trace.repeating() {
		again := p.over < d.trace.steps[:n+1][n].passed
		if again {
			p.over++
		}
		return again
	}
	if p.state != straight || p.over == mostPassed {
		return false
	}
	called, leans := false, false
	for _, a := range footprint {
		switch {
		case a.Object == timersObject && a.Mode == arrange, a.Object == timeObject && a.Mode == Read: // without faults only who waits notices
		case a.Mode == callMode && d.strict:
			called = true
		case (a.Mode == Read || a.Mode == section) && a.Object != everything && p.seen[a] != broken:
			leans = true
		default:
			return false
		}
	}
	if leans && !called {
		return false
	}
	if leans {
		for _, a := range footprint {
			if a.Mode == Read && a.Object != timeObject || a.Mode == section {
				p.note(a, reliedOn)
			}
		}
	}
	if p.stopped = held; !held {
		p.over++
	}
	return true
}

func (p *passing) note(a Access, r reliance) {
	if p.seen == nil {
		p.seen = map[Access]reliance{}
	}
	p.seen[a] = r
}

// went notes what the last step has passed, and what others rely on that it has broken. Where a step commutes with no other, because
// it ends a world for example, it matters how far every task had got.
func (p *passing) went(s *step, over int, stopped bool) {
	s.passed, s.stopped = over, stopped
	if p.state == stopping {
		return
	}
	for i, id := range s.objects {
		switch a := &s.footprint[i]; {
		case id == starID:
			p.state, p.halt = anew, true
		case a.Mode == Write:
			p.breaks(id, Access{a.Object, Read})
		case a.Mode >= acquire && a.Mode != section:
			p.breaks(id, Access{a.Object, section})
		}
	}
}

func (p *passing) breaks(object int, a Access) {
	for len(p.known) <= object {
		p.known = append(p.known, 0)
	}
	if bit := uint8(1) << a.Mode; p.known[object]&bit == 0 {
		p.known[object] |= bit
		p.broke(a)
	}
}

func (p *passing) broke(a Access) {
	switch p.seen[a] {
	case broken:
		return
	case reliedOn:
		p.state = anew
	}
	p.note(a, broken)
}

// restart forgets what has been seen, but for the counts and what not to rely on.
func (d *Exhaustive) restart() {
	if d.passing.state = straight; d.passing.halt {
		d.passing.state = stopping
	}
	d.free = append(d.free, d.stack...)
	d.stack, d.prefix, d.trace.same, d.trace.known = d.stack[:0], 0, 0, 0
	d.stats.Blocked = d.stats.Runs
}

// Anew begins another search of the kind, of the same program or of another one, in the memory of this one.
func (d *Exhaustive) Anew() {
	t, p, kind := d.trace, passing{seen: d.passing.seen, known: d.passing.known}, d.reduction
	t.takeBack(0)
	if t.same, t.known = 0, 0; len(t.ids) > mostNames {
		t.ids, t.objects = nil, nil
	}
	clear(p.seen)
	clear(p.known)
	if kind == sourceSets {
		p.state = straight
	}
	*d = Exhaustive{
		reduction: kind, strict: d.strict, passing: p, trace: t, extension: d.extension, ops: d.ops[:0],
		stack: d.stack[:0], free: append(d.free, d.stack...), taken: d.taken[:0],
		found: d.found, ordering: d.ordering, place: d.place, given: d.given, pairs: d.pairs,
	}
}
