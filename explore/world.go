package explore

import (
	"context"
	"strconv"
	"time"

	"vmdkvol/seam"
)

// World is the part of a run that lives and dies together: a process, a VM, an ESX host. It is the seam.Env of the
// code that runs there.
type World struct {
	k       *Kernel
	name    string
	crashed bool
	quiet   []string // names of monitors that do not yield
}

var (
	_ seam.Env   = (*World)(nil)
	_ seam.Stage = (*Kernel)(nil)
)

// Now is the run's virtual time.
//
//go:norace
func (w *World) Now() time.Time {
	w.k.looks()
	return w.k.time
}

// Sleep waits for d of virtual time.
//
//go:norace
func (w *World) Sleep(ctx context.Context, d time.Duration) error {
	k := w.k
	t := k.acting()
	t.ctx, t.woken = cancellable(ctx), false
	k.looks()
	k.schedule(timer{at: k.now + max(d, 0), sleeper: t})
	k.foreign(ctx)
	k.yield(t, sleeping, Point{"sleep", w.name})
	k.foreign(ctx)
	if !t.woken {
		k.drop(nil, t)
		return context.Cause(ctx)
	}
	return nil
}

// WithDeadline is context.WithDeadline in virtual time.
//
//go:norace
func (w *World) WithDeadline(ctx context.Context, at time.Time) (context.Context, context.CancelFunc) {
	k := w.k
	d := k.newDeadline(ctx, at)
	k.schedule(timer{at: k.now + max(at.Sub(w.Now()), 0), deadline: d})
	return d, d.cancel
}

// Go starts a background task of this world.
//
//go:norace
func (w *World) Go(name string, f func()) { w.k.spawn(name, w, false, f) }

// NewMonitor makes a monitor whose points read lock(name) and wait(name).
//
//go:norace
func (w *World) NewMonitor(name string) seam.Monitor {
	k := w.k
	if k.monitorsUsed == len(k.monitors) {
		k.monitors = append(k.monitors, &monitor{})
	}
	m := k.monitors[k.monitorsUsed]
	k.monitorsUsed++
	queue := m.queue[:0]
	*m = monitor{} // and then field by field: a struct that is copied makes the processor wait
	m.world, m.name, m.maker, m.step, m.queue = w, name, k.current, k.steps, queue
	m.fair = k.options.Locks == GoMutex
	for _, quiet := range w.quiet {
		m.quiet = m.quiet || quiet == name
	}
	if k.recognize(m) {
		return m
	}
	m.record = k.options.Records && k.recorded(name)
	switch m.object = name; {
	case m.quiet:
	case k.notes:
		k.identify(m)
	case k.watcher != nil && !m.record:
		k.made(name) // which makes a record of the next one of the name, here as in runs with notes
	}
	k.remember(m)
	return m
}

// Quiet names monitors of this world that guard sections without a yield in them, and that the explorer should not
// mention: to take one is no step and no choice. Simulators that must also work on real goroutines have such locks; the
// race detector needs them on threads. It panics if such a section yields.
//
//go:norace
func (w *World) Quiet(names ...string) { w.quiet = append(w.quiet, names...) }

// Touch records what the current step reads or writes.
//
//go:norace
func (w *World) Touch(object string, write bool) {
	if w.k.footprints {
		w.touched(object, write)
	}
}

// touched is on its own, so that Touch is short for those who look at no footprints.
//
//go:norace
//go:noinline
func (w *World) touched(object string, write bool) { w.k.touch(object, write) }

// Crash ends the world: its tasks unwind without acting, and its monitors are free. Durable state is the concern of
// other worlds.
//
//go:norace
func (w *World) Crash() {
	if t := w.k.current; w.crashed || t != nil && t.dying {
		return
	}
	w.crashed = true
	w.k.touch(everything, true) // it takes the next step away from every task of the world
	w.k.note(CrashEvent, w.name, "")
	for _, t := range w.k.live {
		if t.world == w {
			t.dying, w.k.wary = true, true
			if t.state == queued {
				t.on.leave(t)
			}
		}
	}
}

// Within lets the current task do f as a part of this world, as a client's call runs in the server that it calls. If the
// world crashes meanwhile, or had crashed before, only f ends, and Within reports true. If the world that the task came from
// crashes meanwhile, f goes on, and then the task ends.
//
//go:norace
func (w *World) Within(f func()) (crashed bool) {
	t := w.k.acting()
	if w.crashed {
		return true
	}
	outer := t.world
	t.world = w
	defer func() {
		t.world = outer
		switch {
		case w.k.stopped:
		case outer.crashed:
			t.dying, w.k.wary = true, true
		case w.crashed:
			if p := recover(); p != nil && p != (unwound{}) {
				panic(p)
			}
			if t.dying, crashed = false, true; t.killed {
				w.k.goesOn(t)
			}
		}
	}()
	f()
	if outer.crashed {
		panic(unwound{}) // there is nobody to return to
	}
	return w.crashed
}

// goesOn lets a task that a crash killed in a call do a step, the one after the crash. That is nobody's choice, and so a part
// of the crash: nothing comes between them.
//
//go:norace
func (k *Kernel) goesOn(t *Task) {
	t.killed, t.cause = false, k.steps-1
	k.touch(everything, true)
}

// unique numbers a task name that is taken: "retry", "retry'2". Those of the clock and of the set-up are the kernel's own.
//
//go:norace
func (k *Kernel) unique(name string, hash Hash) string {
	n, taken := 1, k.quoted
	if name == clockName || name == rootName {
		n = 2
	}
	for _, t := range k.tasks { // names themselves are rarely to be compared
		taken = taken || t.hash == hash
	}
	if !taken && n == 1 {
		return name
	}
	for _, t := range k.tasks {
		if t.name == name || len(t.name) > len(name) && t.name[:len(name)] == name && t.name[len(name)] == '\'' {
			n++
		}
	}
	if n == 1 {
		return name
	}
	for {
		numbered := name + "'" + strconv.Itoa(n)
		if !k.named(numbered) {
			return numbered
		}
		n++ // somebody else's own name
	}
}

// named reports whether a task has the name.
//
//go:norace
func (k *Kernel) named(name string) bool {
	for _, t := range k.tasks {
		if t.name == name {
			return true
		}
	}
	return false
}
