package scenarios

import (
	"context"
	"fmt"
	"slices"
	"time"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/explore"
	"vmdkvol/guestsim"
	"vmdkvol/seam"
	"vmdkvol/vmcisim"
)

// esxHost is an ESX host: its service, which can crash and start again, and the network between it and its VMs.
//
// A crash ends what the service was doing and frees its locks; what is in flight is lost. The datastores stay, and so
// does what the host knows of its VMs: which run, and which disks are in them. That knowledge lives in esxsim.Service,
// so the service stays the same value, and gets a new world under it.
type esxHost struct {
	w       *World
	name    string
	world   *explore.World
	service *esxsim.Service
	net     *vmcisim.Network

	plugging int // disks that are being plugged into a guest
	restarts int
	down     sign // the service does not run
	failed   sign // the host does not
	watchdog esxsim.Watchdog
}

// erect makes a host with its service and its network. The first one also has what all share.
func (w *World) erect(e *esxHost, index int) error {
	t := w.t
	e.w, e.name = w, esxName
	if index > 0 {
		e.name = t.script.ESX[index-1]
	}
	e.world = w.k.World(e.name)
	var env seam.Env = e.world
	if t.esx {
		env = esxEnv{e}
	}
	e.hush()
	if index == 0 {
		if t.threads {
			w.media = guestsim.NewMedia(e.world)
		} else {
			t.media.Reset()
			w.media = t.media
		}
		w.store = &t.stock.store
		w.store.Reset(env, !t.threads, t.stores...)
		if t.foreign != nil { // only then can there be clones
			w.store.OnCopy(func(from, to esxsim.Disk) { w.media.Copy(from.ID, to.ID) })
		}
		if err := w.configure(env); err != nil {
			return err
		}
	}
	var store esxsim.Store = w.store
	if len(t.script.Local) > 0 {
		store = w.store.Reach(t.script.reached(e.name)...)
	}
	cfg := esxsim.Config{
		Env: env, Stage: &w.props, Store: store, Bus: bus{e}, Serial: !t.threads, Quirks: t.quirks, EveryStep: t.script.Every,
		Memo: e.memo(), Log: t.log,
		SharedStore: len(w.esxs) > 1, Host: e.name, Latency: t.script.Latency,
	}
	if t.script.mayEnd() {
		cfg.Ended = e.giveUp
	}
	if w.config != nil {
		cfg.Groups = w.config
	}
	var err error
	var handler vmcisim.Handler
	if e.service, handler, err = t.stock.service(index, cfg); err != nil {
		return err
	}
	var pool *vmcisim.Pool
	if !t.threads { // to the race detector, memory that is used again looks shared
		pool = &t.pool
	}
	var giveUp func()
	if t.script.GivesUp {
		giveUp = e.giveUp
	}
	var asker func() string
	if t.script.Fine {
		asker = t.stock.asker
	}
	e.net = item(&t.stock.networks, index)
	e.net.Renew(vmcisim.Config{
		Env: e.world, Stage: &w.props, Handler: handler, Shared: t.script.Shared, Cooperative: true,
		Direct: t.script.Direct, Guarded: t.threads, Pool: pool, Asker: asker,
		Faults: t.faults, OneRecv: t.script.OneRecv, LeftoverID: t.script.LeftoverID, GiveUp: giveUp,
		OneReceiver: t.script.OneReader, BacklogOne: t.script.BacklogOne, Orphans: t.notices(),
	})
	return nil
}

// hush names the simulators' short locks, which only the race detector needs, in the current world of the host.
func (e *esxHost) hush() {
	if e.w.t.threads {
		e.world.Quiet("esx.vms", "esx.locks", "esx.store", "esx.config", "net", "guest media")
	}
}

// busy reports whether a request about a volume is on its way to or from any host.
//
//go:norace
func (w *World) busy(volume string) bool {
	for _, e := range w.esxs {
		if e.net.Busy(volume) {
			return true
		}
	}
	return false
}

// reached are the datastores that a host reaches.
func (s *Script) reached(esx string) []string {
	return slices.DeleteFunc(append([]string{datastore}, s.Stores...), func(ds string) bool {
		local := s.Local[ds]
		return local != "" && local != esx
	})
}

// bus lets a disk that ESX plugs into a VM appear in its guest.
type bus struct{ e *esxHost }

func (b bus) Plug(_ context.Context, vm string, at wire.Device, d esxsim.Disk) error {
	b.e.plugging++
	defer b.e.plugged()
	b.e.w.plug = d.Name
	return b.e.w.host(vm).guest.Plug(at, d.ID, d.Size)
}

func (b bus) Unplug(_ context.Context, vm string, at wire.Device, _ esxsim.Disk) error {
	return b.e.w.host(vm).guest.Unplug(at)
}

func (e *esxHost) plugged() { e.plugging-- }

// esx returns the ESX host of that name, which must exist.
func (w *World) esx(name string) *esxHost {
	for _, e := range w.esxs {
		if e.name == name {
			return e
		}
	}
	panic("scenarios: no ESX host " + name)
}

// halt ends the service, if it runs. The host itself finishes what it does to a VM's hardware.
func (e *esxHost) halt(ctx context.Context) {
	for e.plugging > 0 {
		_ = e.w.docker.Sleep(ctx, time.Millisecond) // cannot fail: the context never ends
	}
	e.w.docker.Touch(everything, true)
	e.world.Crash()
	e.restarts++
	e.down.set(true)
	e.w.judge.trouble()
	e.w.sync()
}

func (e *esxHost) crash(ctx context.Context) {
	e.w.disrupt("esx.crash", e.name)
	e.halt(ctx)
	e.net.Reset(nil)
}

func (e *esxHost) restart(ctx context.Context) {
	e.w.disrupt("esx.restart", e.name)
	e.halt(ctx)
	e.down.set(false)
	e.failed.set(false)
	e.world = e.w.k.World(e.name)
	e.hush()
	e.w.sync()
	e.service.Started()
	e.watchdog.Started(e.w.docker.Now())
	e.net.Reset(e.world)
	e.listen(0)
}

// replace starts another process of the service, which serves from now on; the old one finishes what it has.
func (e *esxHost) replace(ctx context.Context) {
	if e.down.is() {
		e.restart(ctx)
		return
	}
	e.w.disrupt("esx.replace", e.name)
	e.w.judge.replaced = true
	e.service.TakeOver()
	e.watchdog.Started(e.w.docker.Now())
	e.net.Replace(e.world, e.service.Handle)
	e.listen(0)
}

// stop is the signal that ends the service; false if it lives on.
func (e *esxHost) stop(ctx context.Context) bool {
	if e.down.is() {
		return true
	}
	e.w.judge.trouble()
	if !e.service.Stop(ctx) {
		return false
	}
	e.halt(ctx)
	e.net.Reset(nil)
	return true
}

// fail is the end of the host, and of all its VMs with it.
func (e *esxHost) fail(ctx context.Context) error {
	defer e.w.moving(ctx)()
	e.w.disrupt("esx.host.fail", e.name)
	e.failed.set(true)
	for _, h := range e.w.hosts {
		if h.site() == e {
			h.die()
		}
	}
	e.halt(ctx)
	e.net.Reset(nil)
	_, err := e.service.Fail(ctx)
	return err
}

// hostd ends or starts the agent of the host.
func (e *esxHost) hostd(up bool) {
	if !up {
		e.w.disrupt("hostd.crash", e.name)
		e.w.judge.trouble()
		e.service.HostdDown()
		return
	}
	e.w.disrupt("hostd.restart", e.name)
	if pause, ok := e.service.HostdUp(); ok {
		e.listen(pause)
	}
}

// listenerTask is how the names of the listener's tasks begin; that of a VM or an ESX host follows.
const listenerTask = "listener:"

// listen lets the listener begin after a pause.
func (e *esxHost) listen(pause time.Duration) {
	if on, set := e.w.t.quirks[esxsim.FirstSnapshotIgnored]; !set || on || e.down.is() {
		return // it would do nothing
	}
	world := e.world
	world.Go(listenerTask+e.name, func() {
		ctx := context.Background()
		if pause > 0 {
			_ = world.Sleep(ctx, pause) // cannot fail: the context never ends
		}
		e.service.Resubscribe(ctx)
	})
}

// cut takes a VM's power; the listener hears of it when the schedule lets it.
func (e *esxHost) cut(ctx context.Context, vm string) error {
	heard, err := e.service.CutPower(ctx, vm)
	if heard && !e.down.is() {
		e.world.Go(listenerTask+vm, func() { e.service.Notice(context.Background(), vm) })
	}
	return err
}

// watchdog is the task that starts a service again that has ended by itself.
const watchdog = "watchdog"

// mayEnd reports whether the service can end by itself.
func (s *Script) mayEnd() bool {
	return s.GivesUp || s.Quirks[string(esxsim.DetachFaultEnds)] || s.Quirks[string(esxsim.ConfigRestarts)]
}

// notices reports whether the service looks if somebody waits for what it does.
func (t *theatre) notices() bool {
	on, said := t.quirks[esxsim.OrphansRunOn]
	return said && !on
}

func (e *esxHost) giveUp() {
	e.w.docker.Go(watchdog, func() {
		ctx := context.Background()
		if e.watchdog.Ended(e.w.docker.Now()) {
			e.restart(ctx)
			return
		}
		e.crash(ctx)
	})
}

// operateESX does what concerns a host or its VMs beyond their power.
func (w *World) operateESX(ctx context.Context, op *Op) (answer string, err error) {
	switch op.Verb {
	case "stop":
		if !w.esx(op.Target).stop(ctx) {
			return "lives on", nil
		}
	case "fail":
		err = w.esx(op.Target).fail(ctx)
	case "replace":
		w.esx(op.Target).replace(ctx)
	case "migrate":
		err = w.host(op.Target).migrate(ctx, w.esx(op.Text))
	case "suspend":
		err = w.host(op.Target).suspend(ctx)
	case "resume":
		err = w.host(op.Target).resume(ctx)
	case "reset":
		err = w.host(op.Target).reset(ctx)
	case "rename":
		h := w.host(op.Target)
		w.disrupt("vm.rename", h.name)
		w.judge.hearsRename()
		err = h.site().service.Rename(h.name, op.Text)
	default:
		return "", fmt.Errorf("scenarios: unknown verb %s", op.Verb)
	}
	return "", err
}

// memo is what a service remembers of pure functions. On threads each has its own: it is guarded by the service's lock.
func (e *esxHost) memo() *esxsim.Memo {
	if e.w.t.threads {
		return new(esxsim.Memo)
	}
	return e.w.t.memo
}
