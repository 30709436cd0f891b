package scenarios

import (
	"context"
	"time"

	"vmdkvol/explore"
	"vmdkvol/seam"
)

// everything is the explorer's object that no step commutes with.
const everything = "*"

// disrupt yields before a step that concerns all others.
func (w *World) disrupt(op, object string) {
	w.sync()
	w.k.Before(op, object)
	w.sync()
	w.docker.Touch(everything, true)
}

// leave is the end of a client. A service that is down when the last one has ended is started again, because whatever the
// driver still has to do would go on for ever. Recovery is given the time that it needs, and ended.
func (w *World) leave() {
	w.sync()
	defer w.sync()
	if w.left++; w.left < len(w.t.roles) {
		return
	}
	for _, e := range w.esxs {
		if e.down.is() && !e.failed.is() {
			e.restart(context.Background())
		}
	}
	if w.t.script.Recovery > 0 {
		w.docker.Go(closingTask, w.close)
	}
}

// esxEnv is the world of a service that can be started again: always the current one.
type esxEnv struct{ e *esxHost }

var _ seam.Env = esxEnv{}

func (e *esxHost) current() *explore.World {
	e.w.sync()
	return e.world
}

func (e esxEnv) Now() time.Time { return e.e.current().Now() }

func (e esxEnv) Sleep(ctx context.Context, d time.Duration) error { return e.e.current().Sleep(ctx, d) }

func (e esxEnv) WithDeadline(ctx context.Context, t time.Time) (context.Context, context.CancelFunc) {
	return e.e.current().WithDeadline(ctx, t)
}

func (e esxEnv) Go(name string, f func()) { e.e.current().Go(name, f) }

func (e esxEnv) NewMonitor(name string) seam.Monitor { return &esxMonitor{e: e.e, name: name} }

func (e esxEnv) Touch(object string, write bool) { e.e.current().Touch(object, write) }

// esxMonitor is free after a crash, whoever held it.
type esxMonitor struct {
	e    *esxHost
	name string
	of   *explore.World
	m    seam.Monitor
}

func (m *esxMonitor) now() seam.Monitor {
	m.e.w.sync()
	defer m.e.w.sync()
	if m.of != m.e.world {
		m.of, m.m = m.e.world, m.e.world.NewMonitor(m.name)
	}
	return m.m
}

func (m *esxMonitor) Lock(ctx context.Context) error { return m.now().Lock(ctx) }

func (m *esxMonitor) Unlock() { m.now().Unlock() }

func (m *esxMonitor) Wait(ctx context.Context) error { return m.now().Wait(ctx) }

func (m *esxMonitor) Wake() { m.now().Wake() }
