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
		doomed, def := k.muster(cur)
		if doomed {
			return k.unwindNext() // no choice, it acts no more
		}
		enabled := k.enabled
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
			case k.denied != nil && k.faults > 0 && len(k.timers) > 0:
				k.denied.couldTick(k.nextTick())
			}
			return nil
		}
		early := k.faults > 0 && len(k.timers) > 0
		if len(enabled) == 1 && !early && k.watcher == nil {
			return enabled[0]
		}
		if def < 0 {
			def = k.defaultIndex(cur)
		}
		if len(enabled) > 1 || early {
			k.shape.Choices++
		}
		k.shape.Tasks = max(k.shape.Tasks, enabled[len(enabled)-1].index+1)
		if early {
			enabled = append(enabled, k.clock)
			k.enabled = enabled
		}
		c := &k.choice // field by field: what is put together elsewhere and copied in larger pieces makes the processor wait
		c.Current, c.Enabled, c.Default, c.Clock = cur, enabled, def, early
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

// muster fills k.enabled, and returns the place of cur in it, -1 if it has none; or else that there are tasks that are to die.
//
// This runs at every step, and which tasks can go on is nothing that a processor could guess: so every task is put into the
// list, and unless its gate is open the next one into its place.
//
//go:norace
func (k *Kernel) muster(cur *Task) (doomed bool, place int) {
	if cap(k.enabled) <= len(k.live) { // room for the clock, too
		k.enabled = make([]*Task, 2*len(k.live)+2)
	}
	enabled, n, place := k.enabled[:len(k.live)], 0, -1
	for _, t := range k.live {
		if t.dying {
			return true, -1
		}
		enabled[n] = t
		if t == cur {
			place = n
		}
		free := t.gate.holder == nil
		if k.wary {
			free = t.enabled()
		}
		if free {
			n++
		}
	}
	k.enabled = enabled[:n]
	if place == n || place >= 0 && enabled[place] != cur {
		place = -1
	}
	return false, place
}

// ticked ends a step of the clock.
//
//go:norace
func (k *Kernel) ticked() {
	if k.watcher != nil {
		k.watcher.Stepped(k.clock, k.footprint)
		if k.denied != nil {
			k.tellDenied()
		}
	}
	k.footprint = k.footprint[:0]
	k.steps++
}

// defaultIndex is the default schedule (see doc.go) for the tasks in k.enabled.
//
//go:norace
func (k *Kernel) defaultIndex(cur *Task) int {
	want := cur
	for range k.live { // at most once round: a cycle is a deadlock, and then nobody on it is enabled
		if want.state == done || want.enabled() {
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
	for i, t := range k.enabled {
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
