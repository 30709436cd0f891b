package explore

import "context"

// monitor is a seam.Monitor.
type monitor struct {
	world  *World
	name   string
	object string // its name in footprints, see Kernel.identify
	holder *Task
	maker  *Task // until its first step after making it ends, nobody else can know the monitor

	// of the last acquisition, see Kernel.gave
	step int // in which it was acquired, or made
	mark int // length of the footprint then

	waited bool // someone has waited, or was woken, since then

	quiet  bool // see World.Quiet
	record bool // see Options.Records

	// of a GoMutex, see LockModel
	fair     bool
	starving bool
	how      Mode // of the last acquisition: visit, barge or handed
	barged   int  // how often a newcomer has taken it before the queue
	queue    []*Task
}

//go:norace
func (m *monitor) Lock(ctx context.Context) error {
	k := m.world.k
	if m.quiet {
		if m.holder != nil {
			panic("explore: quiet monitor " + m.name + " is held across a yield")
		}
		m.holder = k.current // in a crashed world too: it must not matter whether a simulator takes such locks
		happenedAfter(m)
		return nil
	}
	t := k.acting()
	unknown := m.maker == t && m.step == k.steps && m.holder == nil && !m.record
	switch {
	case unknown:
		m.how = visit
	case m.fair:
		t.on, t.ctx = m, cancellable(ctx)
		k.yield(t, ready, Point{"lock", m.name})
		if ctx.Err() == nil {
			m.compete(t)
		}
	default:
		t.on, t.ctx = m, cancellable(ctx)
		k.yield(t, locking, Point{"lock", m.name})
	}
	if (unknown || k.wary || k.notes) && ctx.Err() != nil { // after a yield in any other kernel it has not ended
		if d, ok := ctx.(*deadline); (!ok || !d.plain) && t.follows == "" {
			k.touch(everything, true) // somebody may end it without a word
		}
		return context.Cause(ctx)
	}
	m.holder = t
	k.took(m)
	happenedAfter(m)
	return nil
}

//go:norace
func (m *monitor) Unlock() {
	t := m.world.k.current
	if t.dying && !m.quiet {
		return // the crashed world's monitors have no other user
	}
	if m.holder == nil {
		panic("explore: unlock of unlocked monitor " + m.name)
	}
	if m.holder != t {
		panic("explore: monitor " + m.name + " of " + m.holder.name + " unlocked by " + t.name)
	}
	happensBefore(m)
	m.holder = nil
	if !m.quiet {
		m.world.k.gave(m)
	}
}

//go:norace
func (m *monitor) Wait(ctx context.Context) error {
	k := m.world.k
	t := k.acting()
	if m.holder != t {
		panic("explore: wait on monitor " + m.name + " without holding it")
	}
	happensBefore(m)
	m.holder, m.waited = nil, true
	k.gave(m)
	t.on, t.ctx, t.woken = m, cancellable(ctx), false
	var woken bool
	if m.fair {
		k.yield(t, parked, Point{"wait", m.name})
		if woken = t.woken; !woken {
			m.giveUp(t, ctx, ready)
		}
		t.ctx = nil
		m.compete(t)
	} else {
		k.yield(t, waiting, Point{"wait", m.name})
		if woken = t.woken; !woken {
			m.giveUp(t, ctx, locking)
		}
	}
	m.holder = t
	k.took(m)
	happenedAfter(m)
	m.waited = true
	if !woken {
		return context.Cause(ctx)
	}
	return nil
}

// giveUp is a step of a task whose time to wait is over: whoever wakes it from then on comes too late, also if the monitor is
// taken, or will be before the task has it again.
//
//go:norace
func (m *monitor) giveUp(t *Task, ctx context.Context, s state) {
	k := m.world.k
	t.ctx = nil
	k.access(m.object, Write)
	k.foreign(ctx)
	k.yield(t, s, Point{"late", m.name})
}

//go:norace
func (m *monitor) Wake() {
	k := m.world.k
	t := k.current
	if !m.quiet {
		t = k.acting()
	}
	if m.holder != t {
		panic("explore: wake of monitor " + m.name + " without holding it")
	}
	m.waited = true
	k.access(m.object, Write) // so that it races with giveUp
	if m.fair {
		k.access(m.object, change)
	}
	for _, t := range k.live {
		if (t.state == waiting || t.state == parked) && t.on == m && !t.woken {
			k.forestalls(t)
			t.woken, t.gate = true, m
			if t.late = t.expired(); !t.late { // or else it could go on before
				t.cause = k.steps
			}
		}
	}
}

// cancellable drops contexts that never end, so that the kernel need not ask them.
//
//go:norace
func cancellable(ctx context.Context) context.Context {
	if d, ok := ctx.(*deadline); ok { // most are, and this is the faster question
		return d
	}
	if ctx == context.Background() {
		return nil
	}
	return ctx
}
