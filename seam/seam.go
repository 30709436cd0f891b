package seam

import (
	"context"
	"time"
)

// Env gives time, waiting and background work. Its methods are safe for concurrent use.
type Env interface {
	// Now is the current time; it never goes backwards within one Env.
	Now() time.Time
	// Sleep returns nil after d, or context.Cause(ctx) as soon as ctx is done.
	Sleep(ctx context.Context, d time.Duration) error
	// WithDeadline is context.WithDeadline on this Env's clock. The cause at expiry is context.DeadlineExceeded.
	// The caller calls the CancelFunc when the work is done.
	WithDeadline(ctx context.Context, t time.Time) (context.Context, context.CancelFunc)
	// Go runs f in the background. The owner of f counts it and waits for it in its own Close.
	Go(name string, f func())
	// NewMonitor makes a lock with a condition. The name appears in schedules and deadlock reports.
	NewMonitor(name string) Monitor
	// Touch declares that the current step reads (or writes) object, so that an explorer knows which steps
	// commute. It does nothing in production.
	Touch(object string, write bool)
}

// Monitor is a lock with one condition, on which every other lock of the project is built.
type Monitor interface {
	// Lock acquires the monitor. If ctx is done before that, it returns context.Cause(ctx) and the caller does
	// not hold the lock.
	Lock(ctx context.Context) error
	// Unlock releases the monitor. It panics if nobody holds it.
	Unlock()
	// Wait releases the monitor, waits for a Wake and acquires it again. It returns holding the lock in every
	// case; the error is context.Cause(ctx) if ctx was done before a Wake came.
	Wait(ctx context.Context) error
	// Wake lets everyone who waits go on. The caller holds the lock.
	Wake()
}

// Stage is how a simulator takes part in the schedule: it says what it is about to do before it does it, and asks
// which fault, if any, happens there. Only simulators use it; production code has no Stage.
type Stage interface {
	// Before yields; the step that follows does op to object, for example Before("esx.attach", "data").
	Before(op, object string)
	// Choose returns 0 if nothing bad happens at this point, or i if faults[i-1] does. It does not yield: it
	// belongs to the step that the preceding Before began.
	Choose(op, object string, faults ...string) int
}

// Quiet is the Stage on which nothing is scheduled and nothing fails, for simulators that serve real programs.
type Quiet struct{}

// Before does nothing.
func (Quiet) Before(op, object string) {}

// Choose always returns 0.
func (Quiet) Choose(op, object string, faults ...string) int { return 0 }
