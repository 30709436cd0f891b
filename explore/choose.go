package explore

//go:norace
func (k *Kernel) faultAt(t *Task, p Point, faults []string) int {
	if !k.threads {
		return k.strategy.Fault(t, p, faults)
	}
	q := &question{t, p, faults, 0}
	k.asking = q
	t.worker.yield()
	return q.answer
}

// question is a fault point, on its way from a thread to the strategy.
type question struct {
	task   *Task
	point  Point
	faults []string
	answer int
}

// choose says who goes on after cur gave way or ended; nil if the run is over.
//
//go:norace
func (k *Kernel) choose(cur *Task) *Task {
	for k.failure == nil {
		// Who can go on is nothing that a processor could guess. So every task is put into the list, and unless its gate is
		// open the next one into its place.
		enabled, n := k.enabled[:cap(k.enabled)], 0 // spawn sees to its size
		for _, t := range k.live {
			enabled[n] = t
			free := 0 // of this the compiler makes no branch
			if t.gate.holder == nil {
				free = 1
			}
			n += free
		}
		enabled = enabled[:n]
		if k.wary {
			var doomed bool
			if enabled, doomed = k.muster(); doomed {
				return k.unwindNext() // no choice, it acts no more
			}
		}
		if len(enabled) == 0 {
			if len(k.timers) > 0 && len(k.live) > 0 {
				k.tick()
				k.touch(everything, true) // it had to: nobody could go on
				k.ticked()
				continue
			}
			switch {
			case len(k.live) > 0:
				k.Fail(DeadlockOracle, k.waitsFor())
			case k.denied != nil:
				k.couldTick()
			}
			return nil
		}
		early := k.faults > 0 && len(k.timers) > 0
		if len(enabled) == 1 && !early && k.watcher == nil {
			return enabled[0]
		}
		if len(enabled) > 1 || early {
			k.shape.Choices++
		}
		if last := enabled[len(enabled)-1].index; last >= k.shape.Tasks {
			k.shape.Tasks = last + 1
		}
		def := 0
		for def < len(enabled) && enabled[def] != cur {
			def++
		}
		if def == len(enabled) {
			def = k.defaultIndex(cur, enabled)
		}
		if early {
			enabled = append(enabled, k.clock)
			k.choice.clock = k
		}
		c := &k.choice // field by field: what is put together elsewhere and copied in larger pieces makes the processor wait
		c.Current, c.Enabled, c.Default, c.Clock, c.Spent = cur, enabled, def, early, k.faults+k.kept == 0
		i := k.strategy.Next(c)
		if i == Abandon {
			k.abandoned = true
			return nil
		}
		next := enabled[i]
		if i != def {
			d := k.deviate(Pick, cur, len(cur.visited))
			d.to, d.ended = next, cur.state == done
			if enabled[def] == cur {
				d.kind = Switch
			}
		}
		if next != k.clock {
			return next
		}
		k.faults--
		k.tick()
		k.ticked()
	}
	return nil
}

// muster is what choose does in a kernel that is wary: it returns who can go on, or that there are tasks that are to die.
//
//go:norace
func (k *Kernel) muster() (enabled []*Task, doomed bool) {
	enabled = k.enabled[:0]
	for _, t := range k.live {
		if t.dying {
			return nil, true
		}
		if t.enabled() {
			enabled = append(enabled, t)
		}
	}
	return enabled, false
}

// unwindNext is the dying task that unwinds next: in the order of their names, because that of their creation may be one that
// footprints say makes no difference.
//
//go:norace
func (k *Kernel) unwindNext() (next *Task) {
	for _, t := range k.live {
		if t.dying && (next == nil || t.name < next.name) {
			next = t
		}
	}
	next.killed = true
	return next
}

// ticked ends a step of the clock.
//
//go:norace
func (k *Kernel) ticked() {
	if k.watcher != nil {
		k.watcher.Stepped(k.clock, k.footprint)
		k.repeated()
		if k.denied != nil {
			k.tellDenied()
		}
	}
	k.footprint = k.footprint[:0]
	k.steps++
}

// able reports whether a task could go on.
//
//go:norace
func (k *Kernel) able(t *Task) bool {
	if k.wary {
		return t.enabled()
	}
	return t.gate.holder == nil
}

// defaultIndex is the default schedule (see doc.go) for the tasks that can go on; cur cannot.
//
//go:norace
func (k *Kernel) defaultIndex(cur *Task, enabled []*Task) int {
	want := cur
	for range k.live { // at most once round: a cycle is a deadlock, and then nobody on it is enabled
		if want.state == done || k.able(want) {
			break
		}
		if !want.wants() {
			break
		}
		switch m := want.on; {
		case m.holder != nil:
			want = m.holder
		case want.state == queued:
			want = m.queue[0]
		}
	}
	background, started, fresh := -1, -1, -1
	for i, t := range enabled {
		switch {
		case t == want:
			return i
		case !t.client:
			if background < 0 {
				background = i
			}
		case t.worker != nil:
			if started < 0 {
				started = i
			}
		case fresh < 0:
			fresh = i
		}
	}
	switch {
	case background >= 0:
		return background
	case started >= 0:
		return started
	}
	return fresh
}
