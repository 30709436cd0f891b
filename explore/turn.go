package explore

import "fmt"

// yield is where a task gives way. It returns when the task may do what p announces.
//
//go:norace
func (k *Kernel) yield(t *Task, s state, p Point) {
	t.state, t.point = s, p
	if t == k.root {
		waits := !t.enabled()
		t.state = done // as far as schedules are concerned, it has ended before the first task begins
		if waits {
			panic("explore: set-up and oracles must not wait, but came to " + p.String())
		}
		return
	}
	t.visited = append(t.visited, p)
	if k.threads {
		t.worker.yield(struct{}{})
	} else {
		k.stepped(t)
		if next := k.choose(t); next != t {
			k.next = next
			t.worker.yield(struct{}{})
		}
	}
	if t.dying {
		panic(unwound{})
	}
	t.state = ready
	k.noteStep(t)
}

// ended is the last thing a task does.
//
//go:norace
func (k *Kernel) ended(t *Task) {
	t.state = done
	if !k.threads {
		k.bury(t)
	}
}

// bury takes a task that has ended out of the run and says who goes on.
//
//go:norace
func (k *Kernel) bury(t *Task) {
	kept := 0
	for _, l := range k.live { // by hand: the race detector sees into append, whatever this function says
		if l != t {
			k.live[kept] = l
			kept++
		}
	}
	k.live = k.live[:kept]
	if k.stopped {
		return
	}
	k.note(Event{Kind: EndEvent, Task: t.name})
	if !t.dying {
		k.stepped(t)
	}
	k.next = k.choose(t)
}

// stepped ends a step of t: the oracles look at the state it left.
//
//go:norace
func (k *Kernel) stepped(t *Task) {
	k.steps++
	if k.pulse != nil && k.pulse.flag.Load() {
		k.pulse.flag.Store(false)
	}
	if k.watcher != nil {
		for _, m := range k.taken {
			if m.holder == t {
				k.footprint = append(k.footprint, Access{m.name, m.acquisition()})
			}
		}
		if t.follows != "" {
			k.footprint = append(k.footprint, Access{t.follows, Read})
		}
		k.watcher.Stepped(t, k.footprint)
		if k.denied != nil {
			k.tellDenied()
		}
	}
	k.footprint, k.taken = k.footprint[:0], k.taken[:0]
	for _, f := range k.atStep {
		f()
	}
	if k.steps >= k.options.MaxSteps {
		k.Fail(LivelockOracle, "still running after "+itoa(k.steps)+" steps")
	}
}

// resume gives the turn to a task and returns when its coroutine gives way.
//
//go:norace
func (k *Kernel) resume(t *Task) {
	k.current = t
	if t.worker == nil {
		k.start(t)
		return
	}
	k.turn(t.worker)
}

// turn lets the current task run until it gives way.
//
//go:norace
func (k *Kernel) turn(w *worker) {
	t := w.task
	w.next()
	if k.threads {
		for k.asking != nil {
			q := k.asking
			k.asking = nil
			q.answer = k.strategy.Fault(q.task, q.point, q.faults)
			w.next()
		}
		k.observe()
		switch {
		case t.state == done:
			k.bury(t)
		case !k.stopped:
			k.stepped(t)
			k.next = k.choose(t)
		}
	}
	k.reclaim(w)
}

//go:norace
func (k *Kernel) start(t *Task) {
	var w *worker
	if n := len(k.free); n > 0 {
		w, k.free = k.free[n-1], k.free[:n-1]
	} else {
		w = k.makeWorker(k)
	}
	w.task, t.worker = t, w
	k.noteStep(t)
	k.turn(w)
}

// reclaim takes back the coroutine of a task that has ended.
//
//go:norace
func (k *Kernel) reclaim(w *worker) {
	switch {
	case w.gone:
		go w.stop() // a coroutine passes Goexit on to whoever stops it
	case w.task == nil:
		k.free = append(k.free, w)
	}
}

// loop runs until nothing is left to do or an oracle objects.
//
//go:norace
func (k *Kernel) loop() {
	k.footprint, k.taken = k.footprint[:0], k.taken[:0]
	if len(k.live) > 0 {
		k.next = k.choose(k.root)
	}
	for k.next != nil {
		k.resume(k.next)
	}
	k.current = k.root
	if k.failure == nil && !k.abandoned {
		k.judge()
	}
	k.observe()
	k.stopped = true
}

// judge asks the oracles at the end. One that comes to a lock that an ended task has kept cannot get it: that is a failure
// of the program, not of the oracle.
//
//go:norace
func (k *Kernel) judge() {
	defer func() {
		if p := recover(); p != nil {
			k.Fail(PanicOracle, fmt.Sprintf("at the end: %v", p))
		}
	}()
	for _, f := range k.atEnd {
		f()
	}
}

// unwind ends what a stopped run left behind; nothing acts any more.
//
//go:norace
func (k *Kernel) unwind() {
	for len(k.live) > 0 {
		t := k.live[len(k.live)-1]
		t.dying = true
		if t.worker == nil {
			k.live = k.live[:len(k.live)-1]
			continue
		}
		k.resume(t)
	}
	k.current = nil
}
