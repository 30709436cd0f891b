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
	w.next = func() (struct{}, bool) {
		hide()
		turn <- true
		<-back
		unhide()
		happenedAfter(k.clock) // the oracles may look at what all tasks have done
		return struct{}{}, true
	}
	w.yield = func(struct{}) bool {
		happensBefore(k.clock)
		hide()
		back <- struct{}{}
		<-turn
		unhide()
		return true
	}
	w.stop = func() { turn <- false }
	return w
}
