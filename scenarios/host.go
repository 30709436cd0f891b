package scenarios

import (
	"context"
	"errors"

	"vmdkvol/dockersim"
	"vmdkvol/driver"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/esxsim"
	"vmdkvol/explore"
	"vmdkvol/guestsim"
	"vmdkvol/model"
	"vmdkvol/seam"
)

// host is one VM: a guest, which outlives its plugin, and the plugin in one of its lives.
type host struct {
	w     *World
	index int
	name  string
	esx   *esxHost // where it is now
	guest *guestsim.Guest
	power seam.Monitor // held by whoever switches the VM on or off; made by the first

	plugin *explore.World
	env    pluginEnv // the plugin as its driver sees it
	props  props
	driver *driver.Driver
	docker *dockersim.Daemon // nil: drivers do not recover
	hints  hints
	life   int     // of the plugin, from 0
	ends   []int64 // the judge's time at which earlier lives ended, and this one if it is down
	down   sign    // the plugin does not run
	off    sign    // the VM does not run
	frozen sign    // it is suspended
	busy   tally   // requests in its plugin; counted only if something ends lives

	// for the judge
	refs      map[string]int // at the end, by full name
	counts    []uint64       // the numbers of references that the answers allow, as bits, by volume
	start     model.Start    // of the last life
	undecided bool           // an earlier life's history was too much for the checker
}

// furnish gives a host its guest, its place at ESX and its plugin.
func (w *World) furnish(h *host, index int) error {
	h.w, h.index, h.name = w, index, vmName
	if index > 0 {
		h.name = w.t.script.VMs[index-1]
	}
	h.plugin = w.k.World(h.process())
	h.props = props{w.k, w, h}
	h.guest = item(&w.t.stock.guests, index)
	cfg := guestsim.Config{Env: h.plugin, Stage: &h.props, Media: w.media, Violation: w.t.stock.fail, Listed: w.t.script.Recovery > 0}
	if !w.t.threads { // as it would be a race there
		cfg.Changed = &w.judge.stale
	}
	h.guest.Reset(cfg)
	vm := esxsim.VM{ID: h.name, Home: datastore}
	if other := w.t.script.Homes[h.name]; other != "" {
		vm.Home = other
	}
	if len(w.t.script.BIOS) > 0 { // ESX takes two of one BIOS uuid only if vCenter knows them apart
		vm.BIOSUUID, vm.InstanceUUID = w.t.script.BIOS[h.name], "vc-"+h.name
	}
	h.settle(w.esxs[0])
	if other := w.t.script.On[h.name]; other != "" {
		h.settle(w.esx(other))
	}
	if err := h.site().service.AddVM(vm); err != nil {
		return err
	}
	return h.open()
}

// process is the name of the plugin's world in schedules and traces.
func (h *host) process() string {
	if h.index == 0 {
		return "plugin"
	}
	return "plugin@" + h.name
}

// open starts the driver in h.plugin.
func (h *host) open() error {
	cfg := vmdkops.Config{Transport: h.transport(), Env: h.plugin, Log: h.w.t.log}
	if !h.w.t.threads { // shared maps would look like data races
		cfg.Codec = &h.w.t.codec
	}
	client, err := vmdkops.New(cfg)
	if err != nil {
		return err
	}
	env := &h.env
	if h.life > 0 { // what is left of an earlier life still has its own
		env = &pluginEnv{}
	}
	*env = pluginEnv{h.plugin, &h.w.judge}
	h.driver, err = driver.New(driver.Config{Backend: client, Guest: h.guest, Env: env, MountRoot: mountRoot, Log: h.w.t.log, Recovery: h.recovery()})
	if err == nil {
		h.driver.Recover()
	}
	return err
}

// crash ends the plugin's life; disks and mounts stay.
func (h *host) crash() {
	if h.down.is() {
		return
	}
	if h.w.k.Collects() {
		h.w.judge.sawCrash(h)
	}
	h.plugin.Crash()
	h.down.set(true)
	h.ends = append(h.ends, h.w.judge.tick())
	h.w.judge.trouble()
	h.w.sync()
}

// boot begins the plugin's next life on the same guest. Without recovery it knows nothing of the last one.
func (h *host) boot() {
	h.crash()
	h.life++
	if h.docker == nil {
		h.w.judge.empty(h)
	}
	h.plugin = h.w.k.World(h.process())
	h.down.set(false)
	if err := h.open(); err != nil {
		h.w.k.Fail("set-up", err.Error())
	}
	h.w.sync()
}

// within does what a client asks of the plugin; false if the plugin did not live to answer.
func (h *host) within(f func()) bool {
	if !h.w.t.lives {
		f()
		return true
	}
	down, plugin := h.down.is(), h.plugin
	h.busy.add(1)
	h.w.sync()
	lived := !down && !plugin.Within(f)
	h.w.sync()
	h.busy.add(-1)
	return lived
}

// powerOff ends plugin, mounts and containers at once, then ESX takes the disks away.
func (h *host) powerOff(ctx context.Context) error {
	defer h.switching(ctx)()
	h.w.disrupt("vm.poweroff", h.name)
	h.die()
	return h.site().cut(ctx, h.name)
}

// die ends everything in the VM.
func (h *host) die() {
	h.crash()
	h.w.judge.empty(h)
	if h.docker != nil {
		h.docker.PowerOff()
	}
	h.guest.PowerOff()
	h.w.judge.powerLost(h)
	h.off.set(true)
	h.frozen.set(false)
	h.w.sync()
}

// powerOn boots the VM, and its plugin with it.
func (h *host) powerOn(ctx context.Context) error {
	defer h.switching(ctx)()
	h.w.disrupt("vm.poweron", h.name)
	if !h.off.is() {
		return nil
	}
	if h.site().failed.is() {
		return errors.New("its ESX host has failed")
	}
	if err := h.site().service.PowerOn(ctx, h.name); err != nil {
		return err
	}
	h.off.set(false)
	h.boot()
	return nil
}

// site is the ESX host that the VM is on.
//
//go:norace
func (h *host) site() *esxHost { return h.esx }

// settle moves the VM; see sign for why the race detector does not see it.
//
//go:norace
func (h *host) settle(on *esxHost) { h.esx = on }

// switching keeps two clients from switching one VM at the same time.
//
//go:norace
func (h *host) switching(ctx context.Context) (done func()) {
	if h.power == nil {
		h.power = h.w.docker.NewMonitor("power:" + h.name)
	}
	_ = h.power.Lock(ctx) // cannot fail: the context never ends
	return h.power.Unlock
}
