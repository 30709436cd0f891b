package explore

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

type state uint8

const (
	ready    state = iota // at a yield point, free to go on
	locking               // wants on
	waiting               // waits for a wake of on, then wants on
	sleeping              // until woken by its timer
	queued                // stands in the queue of on, a GoMutex
	parked                // waits for a wake of on, a GoMutex, and will then try for it
	done
)

// Task is one thread of a run. Strategies see its name; the rest belongs to the kernel.
type Task struct {
	// What a choice looks at comes first, so that it is in one line of the cache.
	state   state
	dying   bool // it only unwinds from now on
	woken   bool // by Wake or by its timer
	killed  bool // while another acted: its unwinding is no step
	late    bool // it could have given up, but this step woke it
	client  bool
	index   int      // among the run's tasks
	gate    *monitor // says the same as enabled, by whether it is held; not while the kernel is wary
	on      *monitor
	ctx     context.Context // ends a state of waiting early; nil if it cannot
	worker  *worker
	hash    Hash // of name
	point   Point
	visited []Point // every yield point so far, to number sites

	name      string
	cause     int // the step that made it able to go on: the one that created it, or woke it; -1 if none did
	world     *World
	f         func()
	recovered int // how often it wanted to act while dying

	ticket int // how often on, a GoMutex, had been barged for when the task queued

	told    Hash   // of what the task showed outside
	follows string // an object that every step reads, see Kernel.Follow

	asked []Point // every fault point so far, for the same end

	deadlines string // see Kernel.deadlinesOf; "" until somebody asks
}

// Name is unique within a run.
//
//go:norace
func (t *Task) Name() string { return t.name }

// enabled reports whether the task could go on.
//
//go:norace
func (t *Task) enabled() bool { return t.state == ready || t.unblocked() }

// unblocked is enabled for a task that is not ready.
//
//go:norace
func (t *Task) unblocked() bool {
	switch t.state {
	case locking:
		return t.on.holder == nil || t.expired()
	case waiting:
		if t.woken {
			return t.on.holder == nil
		}
		return t.expired()
	case sleeping, parked:
		return t.woken || t.expired()
	case queued:
		return t.on.holder == nil && t.on.queue[0] == t || t.expired()
	}
	return false
}

// expired reports whether what the task does under a context has to end.
//
//go:norace
func (t *Task) expired() bool {
	switch ctx := t.ctx.(type) {
	case nil:
		return false
	case *deadline:
		return ctx.ended() != nil
	default:
		return ctx.Err() != nil
	}
}

// wants reports whether the task is blocked in a state in which it waits for a monitor.
//
//go:norace
func (t *Task) wants() bool {
	return t.state == locking || t.state == waiting || t.state == queued || t.state == parked
}

// site numbers the point where the task is now.
//
//go:norace
func (t *Task) site() Site { return Site{Task: t.name, Point: t.point, N: count(t.visited, t.point)} }

// choices counts how often the task has asked about faults at p, this time included.
//
//go:norace
func (t *Task) choices(p Point) int { return count(t.asked, p) }

//go:norace
func count(ps []Point, p Point) int {
	n := 0
	for _, q := range ps {
		if p == q {
			n++
		}
	}
	return n
}

// unwound is the panic value that ends a task of a crashed world or of an abandoned run. Whoever recovers it meets it again
// where he next wants to act.
type unwound struct{}

// mostRecovered is how often.
const mostRecovered = 1000

// unwindOn ends a dying task that wants to act. One that recovers whatever happens and tries again would never end.
//
//go:norace
func (k *Kernel) unwindOn(t *Task) {
	if t.recovered++; t.recovered > mostRecovered {
		k.Fail(PanicOracle, "task "+t.name+" recovers the panic that ends it after a crash, and tries again without end: let through "+
			"what you did not panic with\n"+string(debug.Stack()))
		runtime.Goexit()
	}
	panic(unwound{})
}

// worker runs one task after another, so that a run need not start new ones. It is a coroutine or a thread.
type worker struct {
	task *Task
	id   int64 // of its goroutine
	gone bool  // its goroutine ends, see Task.run

	seat *seat // of a coroutine that waits: where

	next, yield, stop func() // of a thread
}

// run is the root of a task: nothing that happens in the task passes it, but for runtime.Goexit, which nothing can stop.
// The worker of a task that called it stays in exit until the runner throws it away.
//
//go:norace
func (t *Task) run(k *Kernel) {
	returned := false
	defer t.exit(k, &returned)
	t.attempt(k)
	returned = true
	k.ended(t)
}

// exit ends a task that has called Goexit.
//
//go:norace
func (t *Task) exit(k *Kernel, returned *bool) {
	if *returned {
		return
	}
	k.Fail(PanicOracle, "task "+t.name+" called runtime.Goexit, as t.FailNow and require do: in a task, call Kernel.Fail, "+
		"or keep what is wrong for a check after the run\n"+string(debug.Stack()))
	t.worker.gone, k.gone = true, true
	k.ended(t)
	k.giveWay(t)
}

// attempt does what the task is there for; a panic is a failure of the run.
//
//go:norace
func (t *Task) attempt(k *Kernel) {
	if t.dying {
		return
	}
	defer func() {
		switch p := recover(); p.(type) {
		case nil, unwound:
		default:
			k.Fail(PanicOracle, fmt.Sprintf("%v\n%s", p, debug.Stack()))
		}
	}()
	t.f()
}
