package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"vmdkvol/driver"
	"vmdkvol/driver/dockerapi"
	"vmdkvol/driver/front"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/seam"
)

const (
	// drainTimeout lets every request finish: what failed at its timeout has as long again to be undone.
	drainTimeout = 2*driver.DefaultTimeout + 5*time.Second
	// closeTimeout is for the driver's own background work after the last request.
	closeTimeout = 10 * time.Second
)

// serve runs the daemon until ctx is done.
func serve(ctx context.Context, o options, log *slog.Logger) (err error) {
	guest := guests()[o.guest]
	if guest.needsRoot && os.Geteuid() != 0 {
		return lacks("run vmdkd as root"+guest.insteadOfRoot, "mounting disks needs root")
	}
	l, err := listen(o.socket)
	if err != nil {
		return err
	}
	defer l.Close() // Serve does it, if it is reached; twice is harmless

	kind, address, err := o.host()
	if err != nil {
		return err
	}
	var extra map[string]any
	if kind.simulated {
		log = log.With("backend", "simulated")
		log.Warn("backend: simulated; volumes are on a simulated ESX host, not on ESX storage")
		extra = map[string]any{"backend": "simulated"}
	}
	s := settings{options: o, log: log, env: seam.Real()}
	host, err := kind.open(ctx, s, address)
	if err != nil {
		return fmt.Errorf("esx %s: %w", o.esx, err)
	}
	defer func() { err = errors.Join(err, host.close()) }()
	client, err := vmdkops.New(vmdkops.Config{Transport: host.transport, Env: s.env, Log: s.log})
	if err != nil {
		return err
	}
	m, err := guest.open(s, host, client)
	if err != nil {
		return fmt.Errorf("guest %s: %w", s.guest, err)
	}
	r, leave := recovery(s, m, l.Addr().String())
	defer leave()
	d, err := build(s, m, extra, r)
	if err != nil {
		return err
	}
	defer func() {
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, d.Close(done))
	}()
	d.Recover() // Docker may wait for the plugin meanwhile, and finds its socket listened on
	return accept(ctx, front.Config{Driver: d, SeenBy: m.seenBy, Drain: drainTimeout, Log: log}, l)
}

// build makes the driver of a machine.
func build(s settings, m machine, extra map[string]any, r *driver.Recovery) (*driver.Driver, error) {
	if len(m.guest.Filesystems()) == 0 {
		return nil, lacks("install e2fsprogs (or xfsprogs, btrfs-progs)", "no mkfs program was found")
	}
	return driver.New(driver.Config{
		Backend:   m.ops,
		Guest:     m.guest,
		Env:       s.env,
		MountRoot: s.mountRoot,
		Log:       s.log,
		Status:    extra,
		Recovery:  r,
	})
}

// recovery is what the driver of a machine recovers with, nil if it should not, or has nothing to. Docker knows the plugin by
// the name of its socket. leave gives the mount root and the state directory to others; it is for when the driver is closed.
func recovery(s settings, m machine, socket string) (r *driver.Recovery, leave func()) {
	if s.docker == "" || m.remain == nil {
		return nil, func() {}
	}
	root, err := own(s.mountRoot, 0o755)
	switch {
	case errors.Is(err, errOtherDaemon):
		s.log.Warn("nothing of an earlier life is looked for: what is mounted may be another vmdkd's", "mount-root", s.mountRoot, "error", err)
		return nil, func() {}
	case err != nil:
		s.log.Warn("another vmdkd could take what is mounted for its own: the mount root is not locked", "mount-root", s.mountRoot, "error", err)
	}
	plugin := strings.TrimSuffix(filepath.Base(socket), ".sock")
	hints := openHints(s.stateDir, s.log)
	return &driver.Recovery{
		Docker: dockerapi.New(s.docker, plugin), Machine: m.remain, Hints: hints, Every: s.recover,
	}, func() { hints.close(); _ = root.Close() } // a nil file only says so
}

func accept(ctx context.Context, c front.Config, l net.Listener) error {
	h, err := front.New(c)
	if err != nil {
		return err
	}
	log := c.Log
	log.Info("serving", "socket", l.Addr().String(), "version", version())
	notify(log, daemon.SdNotifyReady)
	said := make(chan struct{})
	unasked := context.AfterFunc(ctx, func() {
		defer close(said)
		log.Info("stopping: requests in flight finish first")
		notify(log, daemon.SdNotifyStopping)
	})
	err = h.Serve(ctx, l)
	if !unasked() {
		<-said // or the process could end before it was
	}
	if err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

// notify tells systemd, if it started us.
func notify(log *slog.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd was not told", "state", state, "error", err)
	}
}
