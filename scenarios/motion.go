package scenarios

import (
	"context"
	"errors"
	"time"

	"vmdkvol/driver/vmdkops"
)

// route is the transport of a plugin whose VM can be on another ESX host tomorrow. An exchange that has begun ends where
// it began.
type route struct{ h *host }

// RoundTrip implements vmdkops.Transport.
func (r route) RoundTrip(ctx context.Context, request []byte) ([]byte, error) {
	return r.h.site().net.Endpoint(r.h.name, r.h.plugin).RoundTrip(ctx, request)
}

// transport is the plugin's way to ESX.
func (h *host) transport() vmdkops.Transport {
	if len(h.w.esxs) > 1 {
		return route{h}
	}
	return h.site().net.Endpoint(h.name, h.plugin)
}

// moving keeps a VM from arriving on a host that fails.
//
//go:norace
func (w *World) moving(ctx context.Context) (done func()) {
	if w.motion == nil {
		w.motion = w.docker.NewMonitor("motion")
	}
	_ = w.motion.Lock(ctx) // cannot fail: the context never ends
	return w.motion.Unlock
}

// migrate moves the VM to another ESX host: as vMotion does if it runs, and without a word if it is off.
func (h *host) migrate(ctx context.Context, to *esxHost) error {
	defer h.switching(ctx)()
	defer h.w.moving(ctx)()
	h.w.disrupt("vm.migrate", h.name)
	h.w.judge.trouble() // what the old host executes for it does not find it any more
	if to.failed.is() {
		return errors.New("ESX host " + to.name + " has failed")
	}
	if err := h.site().service.Move(ctx, h.name, to.service); err != nil {
		return err
	}
	h.settle(to)
	return nil
}

// reset is the button: plugin, mounts and containers end, and start again with the same disks. ESX hears nothing of it.
func (h *host) reset(ctx context.Context) error {
	defer h.switching(ctx)()
	h.w.disrupt("vm.reset", h.name)
	if h.off.is() || h.frozen.is() {
		return errors.New("the VM does not run")
	}
	h.die()
	h.off.set(false)
	h.boot()
	return nil
}

// suspend freezes the VM between two requests of its plugin.
func (h *host) suspend(ctx context.Context) error {
	defer h.switching(ctx)()
	for {
		h.w.disrupt("vm.suspend", h.name)
		if h.busy.is() == 0 {
			break
		}
		_ = h.w.docker.Sleep(ctx, time.Millisecond) // cannot fail: the context never ends
	}
	h.frozen.set(true)
	h.w.judge.trouble() // its disks are its own no more
	if err := h.site().service.Suspend(ctx, h.name); err != nil {
		h.frozen.set(false)
		return err
	}
	return nil
}

func (h *host) resume(ctx context.Context) error {
	defer h.switching(ctx)()
	h.w.disrupt("vm.resume", h.name)
	if !h.frozen.is() {
		return nil
	}
	if err := h.site().service.Resume(ctx, h.name); err != nil {
		return err
	}
	h.frozen.set(false)
	return nil
}
