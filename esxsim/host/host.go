package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

var (
	// ErrInUse is in the error of [Open] if another process serves the same directory of VMs.
	ErrInUse = errors.New("another process serves the VMs of this directory")
	// ErrNoLoop is in the error of [Open] if the machine has no loop devices.
	ErrNoLoop = errors.New("this machine has no loop devices (modprobe loop)")
	// ErrGaveUp is in the error of Serve with quirk gives-up; the text is the original's.
	ErrGaveUp = errors.New("vmci_get_one_op: too many errors. Giving up.")
	// ErrClosed is in the error of a request that came after Close.
	ErrClosed = errors.New("the simulated host is closed")
)

// Host is a running simulated ESX host. It is safe for concurrent use.
type Host struct {
	cfg   Config
	log   *slog.Logger
	esx   *esxsim.Service
	disks esxsim.Store
	store *store   // the same; nil if datastores are in memory
	loops *loopBus // nil without loop devices

	receiver   chan struct{} // of all VMs: who receives has its token; nil without quirk one-receiver
	givesUp    bool          // quirk gives-up
	administer chan struct{} // has the token of the administrator's command that runs

	mu        sync.Mutex // guards what follows; nothing waits under it
	closed    bool
	bad       int                          // receive errors in a row; counted only with givesUp
	end       func(cause error)            // ends Serve; nil while it does not run
	listeners map[string]*net.UnixListener // by VM; "" is the administrator's
	work      sync.WaitGroup               // requests that run; Add only under mu, while not closed
}

// Open makes a host of its files. It listens nowhere yet, but its ports work. The caller closes it.
func Open(c Config) (*Host, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	h := &Host{cfg: c, log: c.Log, listeners: make(map[string]*net.UnixListener), administer: make(chan struct{}, 1)}
	if err := h.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("simulated host: %w", err), h.release())
	}
	return h, nil
}

func (h *Host) open() (err error) {
	ctx := context.Background()
	env := seam.Real()
	var vsan map[string][]string
	if h.cfg.memory() {
		vsan = make(map[string][]string)
		for _, name := range h.cfg.VSAN {
			vsan[name] = nil
		}
		var names []string
		for _, d := range h.cfg.Datastores {
			names = append(names, d.Name)
		}
		h.disks = esxsim.NewMemStore(env, false, names...)
	} else {
		if h.store, err = openStore(h.cfg.Datastores); err != nil {
			return err
		}
		h.store.vsan = h.cfg.VSAN
		h.disks = h.store
	}
	var bus esxsim.Bus = hookBus{h.cfg.Hook}
	if h.cfg.Loop {
		if h.loops, err = openLoopBus(h.cfg, h.store); err != nil {
			return err
		}
		bus = h.loops
	}
	quirks, ours := split(h.cfg.Quirks)
	if ours[OneReceiver] {
		h.receiver = make(chan struct{}, 1)
	}
	h.givesUp = ours[GivesUp]
	h.esx, err = esxsim.New(esxsim.Config{
		Env: env, Stage: h.cfg.Stage, Store: h.disks, Bus: bus, VSAN: vsan, DefaultDatastore: h.cfg.DefaultDatastore,
		Groups: h.cfg.groups(), Quirks: quirks, Version: h.cfg.Version, Log: h.log,
		Ended: h.restart,
	})
	if err != nil {
		return err
	}
	for _, vm := range h.cfg.VMs {
		if err := h.esx.AddVM(esxsim.VM{ID: vm.Name, Home: vm.Home}); err != nil {
			return err
		}
	}
	if h.loops != nil {
		if err := h.loops.adopt(ctx, h.esx); err != nil {
			return err
		}
	}
	if h.store != nil {
		return h.forget(ctx)
	}
	return nil
}

// restart is the next life of a service that has ended by a quirk. Other requests are finished; whoever's request ended it
// sees his connection closed.
func (h *Host) restart() {
	h.log.Warn("the service has ended, as the original once did, and starts again")
	h.esx.Started()
}

// forget sets the metadata of the disks that nobody has any more to detached. The listener of power events
// (docs/original.md §2.13) would have done it when their VMs went off; there was none. The file lock says who has a disk,
// VMs of other processes included.
func (h *Host) forget(ctx context.Context) error {
	for _, ds := range h.store.names {
		uuids, err := h.store.Vmgroups(ctx, ds)
		if err != nil {
			return err
		}
		for _, uuid := range uuids {
			names, err := h.store.List(ctx, ds, uuid)
			if err != nil {
				return err
			}
			for _, name := range names {
				v := esxsim.Volume{Datastore: ds, Vmgroup: uuid, Name: name}
				if err := h.forgetOwner(ctx, v); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (h *Host) forgetOwner(ctx context.Context, v esxsim.Volume) error {
	attached := func() (esxsim.Meta, bool) {
		text, err := h.store.ReadMeta(ctx, v)
		if err != nil {
			return esxsim.Meta{}, false
		}
		meta, err := esxsim.DecodeMeta(text)
		return meta, err == nil && meta.Status != "detached"
	}
	if _, ok := attached(); !ok {
		return nil
	}
	ds, err := h.store.find(v)
	if err != nil {
		return err
	}
	lock, err := ds.lockData(v)
	if err != nil {
		return nil //nolint:nilerr // somebody has the disk, or it has none
	}
	defer lock.Close()
	meta, ok := attached() // nobody attaches it now
	if !ok {
		return nil
	}
	h.log.Info("volume was left attached and is detached now",
		"volume", v.Name, "datastore", v.Datastore, "vm", meta.AttachedName)
	meta.Status, meta.AttachedUUID, meta.AttachedName, meta.Device = "detached", "", "", nil
	return h.store.WriteMeta(ctx, v, esxsim.EncodeMeta(meta))
}

// Close ends the host: it waits for the requests that run, takes out the disks that nobody uses (with Config.Detach)
// and gives the directories free. Disks in use stay in their VMs, and the next host of the same directories finds them.
// Closing again does nothing.
func (h *Host) Close() error {
	h.mu.Lock()
	done := h.closed
	h.closed = true
	h.mu.Unlock()
	if done {
		return nil
	}
	h.work.Wait()
	var failed []error
	if h.cfg.Detach {
		failed = append(failed, h.detachIdle(context.Background()))
	}
	return errors.Join(append(failed, h.release())...)
}

func (h *Host) detachIdle(ctx context.Context) error {
	var failed []error
	for _, vm := range h.cfg.VMs {
		for _, p := range h.esx.Plugged(vm.Name) {
			v := p.Disk.Volume
			if h.loops != nil && h.loops.busy(v) {
				h.log.Warn("disk stays in its VM: it is in use", "vm", vm.Name, "volume", v.Name, "datastore", v.Datastore)
				continue
			}
			if err := h.esx.TakeOut(ctx, vm.Name, v); err != nil {
				failed = append(failed, err)
			}
		}
	}
	return errors.Join(failed...)
}

// release gives back what open took.
func (h *Host) release() error {
	h.mu.Lock()
	h.closed = true
	for _, l := range h.listeners {
		l.Close()
	}
	h.mu.Unlock()
	var err error
	if h.loops != nil {
		err = h.loops.close()
	}
	if h.store != nil {
		h.store.close()
	}
	return err
}

// begin counts a request in; false once the host is closed.
func (h *Host) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.work.Add(1)
	return true
}

// DevRoot is what a VM has for /dev: vmdkd's --dev-root. "" if the host has no loop devices or no such VM.
func (h *Host) DevRoot(vm string) string {
	if h.loops == nil || h.loops.trees[vm].dir == "" {
		return ""
	}
	return h.loops.trees[vm].dev()
}

// SysRoot is what a VM has for /sys: vmdkd's --sys-root. "" as for DevRoot.
func (h *Host) SysRoot(vm string) string {
	if h.loops == nil || h.loops.trees[vm].dir == "" {
		return ""
	}
	return h.loops.trees[vm].sys()
}

// Power cuts the power of a VM, and takes its disks out of it as the listener of power events does (docs/original.md
// §2.13), or gives it back.
func (h *Host) Power(ctx context.Context, vm string, on bool) error {
	if !h.begin() {
		return ErrClosed
	}
	defer h.work.Done()
	if on {
		return h.esx.PowerOn(ctx, vm)
	}
	return h.esx.PowerOff(ctx, vm)
}

// hookBus is a bus without devices.
type hookBus struct {
	hook func(ctx context.Context, p Plug) error
}

func (b hookBus) call(ctx context.Context, vm string, at wire.Device, d esxsim.Disk, out bool) error {
	if b.hook == nil {
		return nil
	}
	return b.hook(ctx, Plug{
		VM: vm, At: at, Datastore: d.Datastore, Volume: d.Name, Disk: d.ID, Size: d.Size, Out: out,
	})
}

// Plug implements esxsim.Bus.
func (b hookBus) Plug(ctx context.Context, vm string, at wire.Device, d esxsim.Disk) error {
	return b.call(ctx, vm, at, d, false)
}

// Unplug implements esxsim.Bus.
func (b hookBus) Unplug(ctx context.Context, vm string, at wire.Device, d esxsim.Disk) error {
	return b.call(ctx, vm, at, d, true)
}
