package explore

// newThread is a worker on a goroutine of its own instead of a coroutine. It takes the same turns, so a program makes the
// same steps on it; the race detector, which sees coroutines as one goroutine, can tell its tasks apart.
//
// The kernel's own memory is used by whoever has the turn, without anything that the race detector could take for
// synchronisation. That is why everything in this package that a task calls carries go:norace, and why strategies and
// oracles, which do not, run on the runner's goroutine only.
//
// A goroutine knows, for the race detector, all that its creator has done and seen: the runner, who looks at everything,
// must not be the creator. Nor may one worker run two tasks of a run, see Kernel.turn.
//
//go:norace
func (n *nursery) newThread(k *Kernel) *worker {
	w := &worker{}
	turn, back := make(chan bool), make(chan struct{})
	n.start(func() { w.serve(k, turn, back) })
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
		k.resting = append(k.resting, w) // till the next run: what it did next would come after what it did
	}
}

// serve is a thread's life.
//
//go:norace
func (w *worker) serve(k *Kernel, turn <-chan bool, back chan<- struct{}) {
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
}

// nursery creates goroutines from one that has seen nothing since the runner was made.
type nursery struct{ births chan func() }

func newNursery() *nursery {
	n := &nursery{births: make(chan func())}
	go func() {
		for {
			hide()
			f := <-n.births
			unhide()
			if f == nil {
				return
			}
			go f()
		}
	}()
	return n
}

func (n *nursery) start(f func()) {
	hide()
	n.births <- f
	unhide()
}

// close ends the nursery; who was born lives on.
func (n *nursery) close() { n.start(nil) }
