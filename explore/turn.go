package explore

import (
	"fmt"
	"runtime/debug"
)

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
	switch s {
	case ready:
		t.gate = &k.open
	case locking:
		t.gate = t.on
	default:
		t.gate = &k.shut
	}
	if t.ctx != nil {
		k.heed(t)
	}
	if k.passer != nil && k.passes(t) {
		return
	}
	if k.threads {
		t.worker.yield()
	} else {
		k.stepped(t)
		if k.next = k.choose(t); k.next != t {
			// handOn by hand: whoever goes on returns from here, and the processor guesses wrong where to for every call.
			if s := k.makeWay(t.worker); s != nil {
				if s.taken = !s.taken; s.taken {
					s.next()
				} else {
					s.yield(struct{}{})
				}
			}
		}
	}
	if t.dying {
		panic(unwound{})
	}
	t.state = ready
	k.noteStep(t)
}

// passes reports whether a task goes on over the yield that it has come to, as a part of the step that brought it there.
//
//go:norace
func (k *Kernel) passes(t *Task) bool {
	for _, m := range k.taken {
		if m.holder == t {
			return false
		}
	}
	held := t.gate.holder != nil
	if held && t.state != locking || t.dying || t.follows != "" || k.failure != nil || !k.passer.passes(k.footprint, held) || held {
		return false
	}
	t.state = ready
	k.noteStep(t)
	return true
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
	k.next = nil
	if k.stopped {
		return
	}
	k.noteLife(EndEvent, t)
	if !t.killed {
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
		k.watched(t)
	}
	k.footprint = k.footprint[:0]
	for i := range k.atStep {
		if *k.atStep[i].stale {
			k.look()
			break
		}
	}
	if k.steps >= k.options.MaxSteps {
		k.Fail(LivelockOracle, "still running after "+itoa(k.steps)+" steps")
	}
}

// watched tells the watcher what a step of t has done.
//
//go:norace
func (k *Kernel) watched(t *Task) {
	for _, m := range k.taken {
		if m.holder == t {
			k.footprint = append(k.footprint, Access{m.object, m.acquisition()})
		}
	}
	if t.follows != "" {
		k.footprint = append(k.footprint, Access{t.follows, Read})
	}
	k.watcher.Stepped(t, k.footprint)
	k.repeated()
	if k.denied != nil {
		k.tellDenied()
	}
	k.taken = k.taken[:0]
}

// look asks the oracles after a step.
//
//go:norace
func (k *Kernel) look() {
	returned := false
	defer func() {
		if returned { // to ask for a panic costs time
			return
		}
		if p := recover(); p != nil {
			k.Fail(PanicOracle, fmt.Sprintf("after a step: %v\n%s", p, debug.Stack()))
		}
	}()
	for _, o := range k.atStep {
		if *o.stale {
			o.look()
		}
	}
	returned = true
}

// giveWay lets a task that is not to go on, now or ever, wait.
//
//go:norace
func (k *Kernel) giveWay(t *Task) {
	if k.threads {
		t.worker.yield()
	} else {
		k.handOn(t.worker)
	}
}

// resume lets the runner give the turn to a task; it returns when the runner has it again.
//
//go:norace
func (k *Kernel) resume(t *Task) {
	k.next = t
	if !k.threads {
		k.handOn(&k.host)
		return
	}
	k.turn(k.begin(t))
}

// begin makes a task the current one, and gives it a worker if it has none.
//
//go:norace
func (k *Kernel) begin(t *Task) *worker {
	k.current = t
	if t.worker == nil {
		var w *worker
		if n := len(k.free); n > 0 {
			w, k.free = k.free[n-1], k.free[:n-1]
		} else {
			w = k.makeWorker(k)
		}
		w.task, t.worker = t, w
		k.noteStep(t)
	}
	return t.worker
}

// loop runs until nothing is left to do or an oracle objects.
//
//go:norace
func (k *Kernel) loop() {
	k.footprint, k.taken = k.footprint[:0], k.taken[:0]
	if len(k.live) > 0 {
		k.next = k.choose(k.root)
	}
	for k.next != nil { // with coroutines, once
		k.resume(k.next)
	}
	k.current = k.root
	if k.failure == nil && !k.abandoned && k.escaped == nil {
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
		t.dying, k.wary = true, true
		if t.worker == nil {
			k.live = k.live[:len(k.live)-1]
			continue
		}
		k.resume(t)
	}
	k.current = nil
}
