package scenarios

import (
	"context"
	"time"

	"vmdkvol/explore"
	"vmdkvol/seam"
)

// upkeep is the crashing and starting of the ESX service.
//
// A crash ends what the service was doing and frees its locks; what is in flight is lost. The datastores stay, and so
// does what the host knows of its VMs: which run, and which disks are in them. That knowledge lives in esxsim.Service,
// so the service stays the same value, and gets a new world under it.
type upkeep struct {
	plugging int    // disks that are being plugged into a guest
	plug     string // name of the volume that was plugged in last
	restarts int
	down     bool
	left     int // clients that have done all they do
}

func (u *upkeep) plugged() { u.plugging-- }

// everything is the explorer's object that no step commutes with.
const everything = "*"

// disrupt yields before a step that concerns all others.
func (w *World) disrupt(op, object string) {
	w.sync()
	w.k.Before(op, object)
	w.sync()
	w.docker.Touch(everything, true)
}

// halt crashes the service, if it runs. The host itself finishes what it does to a VM's hardware.
func (w *World) halt(ctx context.Context) {
	for w.upkeep.plugging > 0 {
		_ = w.docker.Sleep(ctx, time.Millisecond) // cannot fail: the context never ends
	}
	w.docker.Touch(everything, true)
	w.esx.Crash()
	w.upkeep.restarts++
	w.judge.trouble()
	w.sync()
}

func (w *World) crashESX(ctx context.Context) {
	w.disrupt("esx.crash", "esx")
	w.halt(ctx)
	w.upkeep.down = true
	w.sync()
	w.net.Reset(nil)
}

func (w *World) restartESX(ctx context.Context) {
	w.disrupt("esx.restart", "esx")
	w.halt(ctx)
	w.upkeep.down = false
	w.esx = w.k.World("esx")
	w.hush()
	w.sync()
	w.net.Reset(w.esx)
}

// watchdog is the task that starts a service again that has ended by itself.
const watchdog = "watchdog"

func (w *World) giveUp() {
	w.docker.Go(watchdog, func() { w.restartESX(context.Background()) })
}

// leave is the end of a client. A service that is down when the last one has ended is started again, because whatever the
// driver still has to do would go on for ever.
func (w *World) leave() {
	w.sync()
	defer w.sync()
	w.upkeep.left++
	if w.upkeep.down && w.upkeep.left >= len(w.t.roles) {
		w.restartESX(context.Background())
	}
}

// esxEnv is the world of a service that can be started again: always the current one.
type esxEnv struct{ w *World }

var _ seam.Env = esxEnv{}

func (w *World) current() *explore.World {
	w.sync()
	return w.esx
}

func (e esxEnv) Now() time.Time { return e.w.current().Now() }

func (e esxEnv) Sleep(ctx context.Context, d time.Duration) error { return e.w.current().Sleep(ctx, d) }

func (e esxEnv) WithDeadline(ctx context.Context, t time.Time) (context.Context, context.CancelFunc) {
	return e.w.current().WithDeadline(ctx, t)
}

func (e esxEnv) Go(name string, f func()) { e.w.esx.Go(name, f) }

func (e esxEnv) NewMonitor(name string) seam.Monitor { return &esxMonitor{w: e.w, name: name} }

func (e esxEnv) Touch(object string, write bool) { e.w.current().Touch(object, write) }

// esxMonitor is free after a crash, whoever held it.
type esxMonitor struct {
	w    *World
	name string
	of   *explore.World
	m    seam.Monitor
}

func (m *esxMonitor) now() seam.Monitor {
	m.w.sync()
	defer m.w.sync()
	if m.of != m.w.esx {
		m.of, m.m = m.w.esx, m.w.esx.NewMonitor(m.name)
	}
	return m.m
}

func (m *esxMonitor) Lock(ctx context.Context) error { return m.now().Lock(ctx) }

func (m *esxMonitor) Unlock() { m.now().Unlock() }

func (m *esxMonitor) Wait(ctx context.Context) error { return m.now().Wait(ctx) }

func (m *esxMonitor) Wake() { m.now().Wake() }
