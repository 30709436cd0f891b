package explore

import (
	"iter"
	"runtime"
)

// seat is where one coroutine waits for the turn. Whoever gives the turn to it takes its place, so that from task to task it
// is one switch, without a way through the runner: n coroutines and the runner have n seats, one of them runs, the others
// sit. Who sits where is another matter each time.
//
// It is an iter.Pull, which is a coroutine and the place for one that waits: next and yield go on with who waits there,
// and must take turns. Nobody asks who calls them.
type seat struct {
	next  func() (struct{}, bool)
	yield func(struct{}) bool
	taken bool // since the last yield: by next
}

// newCoroutine is a worker that is a coroutine.
//
//go:norace
func newCoroutine(k *Kernel) *worker {
	s := &seat{}
	w := &worker{seat: s}
	s.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		s.yield, w.id = yield, goroutine()
		defer k.leave(w)
		for !k.closing {
			w.task.run(k)
			w.task = nil
			k.free = append(k.free, w)
			k.handOn(w)
		}
	})
	k.seats = append(k.seats, s)
	return w
}

// handOn lets who is next go on, the runner if nobody is, and returns when w gets the turn again. If the next task has not
// begun, w itself may be the one to do it.
//
//go:norace
func (k *Kernel) handOn(w *worker) {
	if s := k.makeWay(w); s != nil {
		s.swap()
	}
}

// makeWay is handOn up to the swap, which is still to be done where it returns; it returns nil if w has the turn.
//
//go:norace
func (k *Kernel) makeWay(w *worker) *seat {
	to := &k.host
	if t := k.next; t != nil {
		if to = t.worker; to != nil {
			k.current = t
		} else {
			to = k.begin(t)
		}
	}
	if to == w {
		return nil
	}
	w.seat = to.seat
	return to.seat
}

// swap lets the caller wait here, and who waited here go on.
//
//go:norace
func (s *seat) swap() {
	if s.taken = !s.taken; s.taken {
		s.next()
	} else {
		s.yield(struct{}{})
	}
}

// escape is what passed the root of a task: a panic of an oracle or of a strategy, or the Goexit of one, when no task had
// the turn. It is the runner's, as those are that happen while it has the turn.
type escape struct{ panicked any }

// leave is the end of a coroutine.
//
//go:norace
func (k *Kernel) leave(w *worker) {
	if k.closing {
		return
	}
	k.escaped, k.gone = &escape{recover()}, true
	k.next = nil
	k.handOn(w)
}

// dismiss ends all coroutines, none of which has a task. Each, as it ends, lets the one go on that sits in its own seat, and
// so in the end the caller. The seat of one that has ended lets nobody wait.
func (k *Kernel) dismiss() {
	k.closing = true
	for _, s := range k.seats {
		if !k.gone {
			s.swap()
			continue
		}
		done := make(chan struct{})
		go func() { // one that ends by Goexit passes that on
			defer close(done)
			s.swap()
		}()
		<-done
	}
	k.seats, k.free, k.closing, k.gone = nil, nil, false, false
}

// settle is for the end of a run, when no coroutine has a task: none that is to be thrown away is kept, and what escaped goes
// on to the caller of Run.
func (k *Kernel) settle() {
	if k.threads || !k.gone {
		return
	}
	k.dismiss()
	switch e := k.escaped; {
	case e == nil:
	case e.panicked == nil:
		runtime.Goexit()
	default:
		panic(e.panicked)
	}
}
