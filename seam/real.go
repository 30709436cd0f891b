package seam

import (
	"context"
	"time"
)

// Real is the Env of production: the standard library's clock and goroutines, and monitors built on channels so that
// waiting for one can be cancelled.
func Real() Env { return real{} }

type real struct{}

func (real) Now() time.Time { return time.Now() }

func (real) Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (real) WithDeadline(ctx context.Context, t time.Time) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, t)
}

func (real) Go(_ string, f func()) { go f() }

func (real) Touch(string, bool) {}

func (real) NewMonitor(name string) Monitor {
	return &monitor{name: name, held: make(chan struct{}, 1)}
}

// monitor holds its lock by having put a token into held.
type monitor struct {
	name string
	held chan struct{}

	// guarded by the monitor itself
	wake chan struct{} // closed by Wake; nil while nobody waits
}

func (m *monitor) Lock(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	select {
	case m.held <- struct{}{}:
		return nil
	default:
	}
	select {
	case m.held <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (m *monitor) Unlock() {
	select {
	case <-m.held:
	default:
		panic("seam: unlock of unlocked monitor " + m.name)
	}
}

func (m *monitor) Wait(ctx context.Context) error {
	if m.wake == nil {
		m.wake = make(chan struct{})
	}
	wake := m.wake
	m.Unlock()
	var err error
	select {
	case <-wake:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	m.held <- struct{}{} // not cancellable: the caller is promised the lock
	return err
}

func (m *monitor) Wake() {
	if m.wake != nil {
		close(m.wake)
		m.wake = nil
	}
}
