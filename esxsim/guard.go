package esxsim

import (
	"context"

	"vmdkvol/seam"
)

// guard protects a short section that never waits. Under a schedule explorer such a section is one step anyway, and a
// monitor there would only add yields; then it is nil.
type guard struct{ m seam.Monitor }

func newGuard(env seam.Env, serial bool, name string) guard {
	if serial {
		return guard{}
	}
	return guard{m: env.NewMonitor(name)}
}

func (g guard) lock() {
	if g.m != nil {
		// Cannot fail: the context is never done.
		_ = g.m.Lock(context.Background())
	}
}

func (g guard) unlock() {
	if g.m != nil {
		g.m.Unlock()
	}
}
