package explore

// newThread is a worker on a goroutine of its own instead of a coroutine. It takes the same turns, so a program makes the
// same steps on it; the race detector, which sees coroutines as one goroutine, can tell its tasks apart.
//
// The kernel's own memory is used by whoever has the turn, without anything that the race detector could take for
// synchronisation. That is why everything in this package that a task calls carries go:norace, and why strategies and
// oracles, which do not, run on the runner's goroutine only.
func newThread(k *Kernel) *worker {
	w := &worker{}
	turn, back := make(chan bool), make(chan struct{})
	go func() {
		w.id = goroutine()
		for {
			hide()
			goOn := <-turn
			unhide()
			if !goOn {
				return
			}
			happenedAfter(w.task)
			w.task.run(k)
			happensBefore(k.clock)
			w.task = nil
			hide()
			back <- struct{}{}
			unhide()
		}
	}()
	w.next = func() {
		hide()
		turn <- true
		<-back
		unhide()
		happenedAfter(k.clock) // the oracles may look at what all tasks have done
	}
	w.yield = func() {
		happensBefore(k.clock)
		hide()
		back <- struct{}{}
		<-turn
		unhide()
	}
	w.stop = func() { turn <- false }
	return w
}

// turn gives the turn to a thread and returns when it gives way.
//
//go:norace
func (k *Kernel) turn(w *worker) {
	t := w.task
	w.next()
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
	switch {
	case w.gone:
		go w.stop()
	case w.task == nil:
		k.free = append(k.free, w)
	}
}
