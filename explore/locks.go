package explore

import "fmt"

// LockModel says who may take a monitor that is free.
type LockModel uint8

const (
	// Barging lets any waiter and any newcomer take it. This allows whatever some lock allows, and so is what to search
	// with.
	//
	// Under both models a task whose time to wait is over gives up in a step of its own, late(name), before it wants the
	// monitor again: as with seam.Real, it was not woken then, whoever comes before it.
	Barging LockModel = iota
	// GoMutex does as Go's sync.Mutex (its package documentation, and the comment on fairness in internal/sync/mutex.go).
	// Those who find it taken queue. While nobody starves, a newcomer may take it before the first of the queue does, but
	// nobody else of the queue may. When the first starves, newcomers queue too and the monitor goes from each holder to
	// the first, until the queue is empty or the one who gets it had not starved.
	//
	// In Go a waiter starves that comes too late once it has waited for 1 ms. Steps take no virtual time, so here it is
	// one before whom a newcomer has taken the monitor once. Any other number would allow more of what barging allows
	// already: a failure under both models does not need an unfair lock, and one under Barging alone needs a waiter to be
	// overtaken again, within Go's 1 ms, or one waiter by another.
	//
	// It costs a step, queue(name), whenever a monitor is found taken.
	GoMutex
)

var lockModels = [...]string{"barging", "go"}

// String is the name that ParseLockModel takes.
func (l LockModel) String() string { return lockModels[l] }

// ParseLockModel returns the model of a name.
func ParseLockModel(name string) (LockModel, error) {
	for i, n := range lockModels {
		if n == name {
			return LockModel(i), nil
		}
	}
	return 0, fmt.Errorf("unknown lock model %q: want %s or %s", name, lockModels[0], lockModels[1])
}

// compete lets a task try for a GoMutex, and queue if it does not get it. It returns when the task may take the monitor,
// or when its context has ended.
//
//go:norace
func (m *monitor) compete(t *Task) {
	k := m.world.k
	if m.holder == nil && !m.starving {
		m.how = visit
		if len(m.queue) > 0 {
			m.how, m.starving = barge, true
			m.barged++
		}
		return
	}
	k.access(m.object, change)
	t.ticket = m.barged
	m.queue = append(m.queue, t)
	k.yield(t, queued, Point{"queue", m.name})
	m.leave(t)
	if t.expired() {
		k.access(m.object, change)
		return
	}
	m.how = handed
	if t.ticket == m.barged {
		m.starving = false
	}
}

// leave takes a task out of the queue.
//
//go:norace
func (m *monitor) leave(t *Task) {
	n := 0
	for _, o := range m.queue { // not append: the runtime's copy reports to the race detector
		if o != t {
			m.queue[n] = o
			n++
		}
	}
	m.queue = m.queue[:n]
	if n == 0 {
		m.starving = false
	}
}

// acquisition is the mode in which a step acquired the monitor, if it holds it still, or has given it to someone.
//
//go:norace
func (m *monitor) acquisition() Mode {
	switch {
	case !m.fair:
		return acquire
	case m.how == handed:
		return handed
	}
	return barge
}
