package storm_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
	"vmdkvol/driver/front"
	"vmdkvol/driver/unixesx"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/guestsim"
	"vmdkvol/seam"
)

const vmName = "vm1"

// world is the plugin, its ESX host and its guest, in one process.
type world struct {
	store   *esxsim.MemStore
	esx     *esxsim.Service
	guest   *guestsim.Guest
	driver  *driver.Driver
	witness *witness
	socket  string // of the front

	stop []func() error // last first
}

// bus lets a disk that ESX plugs into the VM appear in its guest.
type bus struct{ guest *guestsim.Guest }

func (b bus) Plug(_ context.Context, _ string, at wire.Device, d esxsim.Disk) error {
	return b.guest.Plug(at, d.ID, d.Size)
}

func (b bus) Unplug(_ context.Context, _ string, at wire.Device, _ esxsim.Disk) error {
	return b.guest.Unplug(at)
}

// newWorld starts everything; stopAll ends it.
func newWorld(t *testing.T, objection func(format string, args ...any)) *world {
	t.Helper()
	env := seam.Real()
	dir := t.TempDir()
	w := &world{store: esxsim.NewMemStore(env, false, "ds1")}
	w.guest = guestsim.New(guestsim.Config{
		Env: env, Stage: seam.Quiet{}, Media: guestsim.NewMedia(env),
		Violation: func(oracle, detail string) { objection("guest: %s: %s", oracle, detail) },
	})
	var err error
	w.esx, err = esxsim.New(esxsim.Config{Env: env, Store: w.store, Bus: bus{w.guest}})
	require.NoError(t, err)
	require.NoError(t, w.esx.AddVM(esxsim.VM{ID: vmName, Home: "ds1"}))

	esxPath := filepath.Join(dir, "esx.sock")
	w.serveESX(t, esxPath)
	transport, err := unixesx.New(unixesx.Config{Path: esxPath})
	require.NoError(t, err)
	client, err := vmdkops.New(vmdkops.Config{Transport: transport, Env: env})
	require.NoError(t, err)
	w.driver, err = driver.New(driver.Config{Backend: client, Guest: w.guest, Env: env, MountRoot: "/mnt/vmdk"})
	require.NoError(t, err)
	w.stop = append(w.stop, func() error { return w.driver.Close(context.Background()) })
	w.witness = &witness{Driver: w.driver, objection: objection}
	w.socket = filepath.Join(dir, "plugin.sock")
	w.serveFront(t, w.socket)
	return w
}

// serveESX answers frames, one connection for each, as the simulated host does.
func (w *world) serveESX(t *testing.T, path string) {
	t.Helper()
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				request, err := wire.ReadFrame(conn, wire.MaxRequest)
				if err != nil {
					return
				}
				reply := w.esx.Handle(context.Background(), vmName, request)
				_, _ = conn.Write(wire.AppendFrame(make([]byte, 0, len(reply)+16), reply))
			})
		}
	})
	w.stop = append(w.stop, func() error {
		err := listener.Close()
		running.Wait()
		return err
	})
}

// serveFront starts the front.
func (w *world) serveFront(t *testing.T, path string) {
	t.Helper()
	handler, err := front.New(front.Config{Driver: w.witness})
	require.NoError(t, err)
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- handler.Serve(ctx, listener) }()
	w.stop = append(w.stop, func() error {
		cancel()
		return <-served
	})
}

func (w *world) stopAll() error {
	var errs []error
	for i := len(w.stop) - 1; i >= 0; i-- {
		errs = append(errs, w.stop[i]())
	}
	return errors.Join(errs...)
}
