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
		k.enabled = k.enabled[:0]
		for _, t := range k.live {
			if t.dying {
				return t // to unwind; no choice, it acts no more
			}
			if t.enabled() {
				k.enabled = append(k.enabled, t)
			}
		}
		if len(k.enabled) == 0 {
			if len(k.timers) > 0 && len(k.live) > 0 {
				k.tick()
				k.ticked()
				continue
			}
			if len(k.live) > 0 {
				k.Fail(DeadlockOracle, k.waitsFor())
			}
			return nil
		}
		def := k.defaultIndex(cur)
		early := k.faults > 0 && len(k.timers) > 0
		if early {
			k.enabled = append(k.enabled, k.clock)
		}
		if len(k.enabled) == 1 && k.watcher == nil {
			return k.enabled[0]
		}
		k.choice = Choice{Current: cur, Enabled: k.enabled, Default: def, Clock: early}
		i := k.strategy.Next(&k.choice)
		if i == Abandon {
			k.abandoned = true
			return nil
		}
		next := k.enabled[i]
		if i != def {
			d := departure{kind: Pick, task: cur, visits: len(cur.visited), to: next, ended: cur.state == done}
			if k.enabled[def] == cur {
				d.kind = Switch
			}
			k.deviate(d)
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

// ticked tells the watcher of a step of the clock, with which nothing commutes.
//
//go:norace
func (k *Kernel) ticked() {
	if k.watcher != nil {
		k.watcher.Stepped(k.clock, []Access{{everything, Write}})
		if k.denied != nil {
			k.tellDenied()
		}
	}
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
