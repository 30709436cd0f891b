// Package seam is the only door to locks, time, waiting and background work.
//
// Packages that decide (driver, vmdkops and the simulators) contain no go statement, channel, sync lock or clock of
// their own; they ask an [Env]. In production the Env is [Real], which costs next to nothing; under test it is the
// schedule explorer, which then owns every interleaving of the very same compiled code.
//
// Invariants:
//
//   - A task yields to the scheduler before it acquires a lock, waits, or acts on the world; never after.
//   - A section between Lock and Unlock that neither waits nor acts is one indivisible step.
//   - A deadline comes from [Env.WithDeadline]; a context of the standard library that carries a real deadline must not
//     enter a decision package.
//   - Blocking happens in Lock, Wait and Sleep, and in the transports and guests that implement the interfaces of
//     driver and vmdkops; nowhere else.
//
// A keyed section, the shape that most callers build:
//
//	if err := m.Lock(ctx); err != nil {
//		return err // context.Cause(ctx)
//	}
//	defer m.Unlock()
//	for busy[key] {
//		if err := m.Wait(ctx); err != nil {
//			return err
//		}
//	}
//	busy[key] = true
package seam
