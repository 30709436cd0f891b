package driver_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/explore"
	"vmdkvol/guestsim"
	"vmdkvol/vmcisim"
)

const root = "/mnt/vmdk"

var errBoom = errors.New("boom")

// house is the driver of one VM with everything it needs, in virtual time. Faults may be put at each of its doors.
type house struct {
	*testing.T

	k      *explore.Kernel
	env    *explore.World
	store  *esxsim.MemStore
	esx    *esxsim.Service
	media  *guestsim.Media
	guest  *guestsim.Guest
	wire   *wireFaults
	calls  *calls
	config driver.Config
	driver *driver.Driver
}

// live runs body as the only client of a house; nothing in it takes real time. Whatever body leaves in the background
// comes to its end after it.
func live(t *testing.T, body func(h *house, ctx context.Context)) {
	t.Helper()
	r := explore.NewRunner()
	defer r.Close()
	res := r.Run(func(k *explore.Kernel) {
		h := newHouse(t, k)
		k.Client("test", h.env, func() {
			body(h, context.Background())
			require.NoError(t, h.driver.Close(context.Background()))
		})
	}, explore.Sequential{}, 0, explore.Options{})
	if res.Failure != nil {
		t.Fatalf("%s: %s", res.Failure.Oracle, res.Failure.Detail)
	}
}

func newHouse(t *testing.T, k *explore.Kernel) *house {
	t.Helper()
	env, esxWorld := k.World("plugin"), k.World("esx")
	h := &house{
		T: t, k: k, env: env, media: guestsim.NewMedia(nil), store: esxsim.NewMemStore(esxWorld, true, "ds1", "ds2"),
		calls: &calls{fail: map[string]error{}},
	}
	h.guest = guestsim.New(guestsim.Config{Env: env, Stage: k, Media: h.media, Violation: k.Fail})
	var err error
	h.esx, err = esxsim.New(esxsim.Config{Env: esxWorld, Stage: k, Store: h.store, Bus: bus{h.guest}, Serial: true})
	require.NoError(t, err)
	for _, vm := range []string{"vm1", "vm2"} {
		require.NoError(t, h.esx.AddVM(esxsim.VM{ID: vm, Home: "ds1"}))
	}
	net := vmcisim.New(vmcisim.Config{Env: esxWorld, Stage: k, Handler: h.esx.Handle, Cooperative: true})
	h.wire = &wireFaults{Transport: net.Endpoint("vm1", env), env: env, fate: map[string]fate{}}
	client, err := vmdkops.New(vmdkops.Config{Transport: h.wire, Env: env})
	require.NoError(t, err)
	h.config = driver.Config{
		Backend: backend{client, h.calls, env}, Guest: guest{h.guest, h.calls}, Env: env, MountRoot: root,
		Status: map[string]any{"backend": "simulated"},
	}
	h.driver, err = driver.New(h.config)
	require.NoError(t, err)
	return h
}

type bus struct{ guest *guestsim.Guest }

func (b bus) Plug(_ context.Context, vm string, at wire.Device, d esxsim.Disk) error {
	if vm != "vm1" {
		return nil // the other VM has a guest that nobody looks at
	}
	return b.guest.Plug(at, d.ID, d.Size)
}

func (b bus) Unplug(_ context.Context, vm string, at wire.Device, _ esxsim.Disk) error {
	if vm != "vm1" {
		return nil
	}
	return b.guest.Unplug(at)
}

// provide creates volumes.
func (h *house) provide(names ...string) {
	h.Helper()
	for _, n := range names {
		require.NoError(h, h.driver.Create(context.Background(), n, nil))
	}
	h.calls.log = nil
}

// mount mounts and expects success.
func (h *house) mount(name, id string) string {
	h.Helper()
	at, err := h.driver.Mount(context.Background(), name, id)
	require.NoError(h, err)
	m, ok := h.guest.At(at)
	require.True(h, ok && !m.Removed, "%s is not mounted", at)
	return at
}

func (h *house) unmount(name, id string) {
	h.Helper()
	require.NoError(h, h.driver.Unmount(context.Background(), name, id))
}

func (h *house) references() map[string]int {
	h.Helper()
	n, err := h.driver.References(context.Background())
	require.NoError(h, err)
	return n
}

// nothingLeft gives background work the time it needs, then looks for what an operation may have left behind.
func (h *house) nothingLeft() {
	h.Helper()
	require.NoError(h, h.env.Sleep(context.Background(), 10*time.Minute))
	require.Empty(h, h.references())
	require.Empty(h, h.guest.Mounts())
	require.Empty(h, h.guest.Plugged())
	require.Empty(h, h.esx.Plugged("vm1"))
	require.True(h, h.esx.Idle())
}

// other sends a command of another VM.
func (h *house) other(cmd, name string) string {
	return string(h.esx.Handle(context.Background(), "vm2", []byte(`{"cmd":"`+cmd+`","details":{"Name":"`+name+`"},"version":"2"}`)))
}

// disks lists the volumes that exist.
func (h *house) disks() []string {
	var names []string
	for _, d := range h.store.Disks() {
		names = append(names, d.Name+"@"+d.Datastore)
	}
	return names
}

// kind expects an error of the kind, made by driver.
func kind(t testing.TB, want driver.Kind, err error) {
	t.Helper()
	require.Error(t, err)
	var e *driver.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Kind, "%v", err)
}

// fate is what becomes of requests on the wire.
type fate uint8

const (
	delivered   fate = iota
	replyLost        // executed, then the connection breaks, once
	requestLost      // the connection breaks, once
	silent           // nothing ever comes
	allLost          // executed each time, never answered
	late             // the connection breaks, once; a second later the request is executed
)

// wireFaults loses messages, by command.
type wireFaults struct {
	vmdkops.Transport
	env  *explore.World
	fate map[string]fate
}

var errCut = errors.New("connection cut")

func (w *wireFaults) RoundTrip(ctx context.Context, request []byte) ([]byte, error) {
	parsed, err := wire.ParseRequest(request)
	if err != nil {
		return nil, err
	}
	cmd := string(parsed.Cmd)
	f := w.fate[cmd]
	if f == replyLost || f == requestLost || f == late {
		delete(w.fate, cmd)
	}
	switch f {
	case requestLost:
		return nil, errCut
	case late:
		w.env.Go("late", func() {
			if w.env.Sleep(context.Background(), time.Second) == nil {
				_, _ = w.Transport.RoundTrip(context.Background(), request)
			}
		})
		return nil, errCut
	case silent:
		return nil, w.env.Sleep(ctx, 1000*time.Hour)
	}
	reply, err := w.Transport.RoundTrip(ctx, request)
	if f == replyLost || f == allLost {
		return nil, errCut
	}
	return reply, err
}

// calls fails what it is told to, and keeps a log.
type calls struct {
	fail    map[string]error // by method, until deleted; "once method" fails once
	log     []string
	nowhere bool   // get does not say on which datastore a volume is
	hang    string // the volume whose Get never ends

	before func(method string) // nil, or called for each
}

func (c *calls) next(method string) error {
	c.log = append(c.log, method)
	if c.before != nil {
		c.before(method)
	}
	if err := c.fail["once "+method]; err != nil {
		delete(c.fail, "once "+method)
		return err
	}
	return c.fail[method]
}

// count is how often a method was called.
func (c *calls) count(method string) int {
	n := 0
	for _, l := range c.log {
		if l == method {
			n++
		}
	}
	return n
}

type backend struct {
	driver.Backend
	calls *calls
	env   *explore.World
}

func (b backend) Create(ctx context.Context, name string, opts map[string]string) error {
	if err := b.calls.next("create"); err != nil {
		return err
	}
	return b.Backend.Create(ctx, name, opts)
}

func (b backend) Remove(ctx context.Context, name string) error {
	if err := b.calls.next("remove"); err != nil {
		return err
	}
	return b.Backend.Remove(ctx, name)
}

func (b backend) Attach(ctx context.Context, name string) (driver.Place, error) {
	if err := b.calls.next("attach"); err != nil {
		return driver.Place{}, err
	}
	return b.Backend.Attach(ctx, name)
}

func (b backend) Detach(ctx context.Context, name string) error {
	if err := b.calls.next("detach"); err != nil {
		return err
	}
	return b.Backend.Detach(ctx, name)
}

func (b backend) Get(ctx context.Context, name string) (wire.Volume, error) {
	if err := b.calls.next("get"); err != nil {
		return wire.Volume{}, err
	}
	if name == b.calls.hang {
		return wire.Volume{}, b.env.Sleep(ctx, 1000*time.Hour)
	}
	v, err := b.Backend.Get(ctx, name)
	if b.calls.nowhere {
		v.Datastore = ""
	}
	return v, err
}

type guest struct {
	driver.Guest
	calls *calls
}

func (g guest) Disk(ctx context.Context, at driver.Place) (string, error) {
	if err := g.calls.next("disk"); err != nil {
		return "", err
	}
	return g.Guest.Disk(ctx, at)
}

func (g guest) Probe(ctx context.Context, disk string) (string, error) {
	if err := g.calls.next("probe"); err != nil {
		return "", err
	}
	return g.Guest.Probe(ctx, disk)
}

func (g guest) Mkfs(ctx context.Context, disk, fstype, label string) error {
	if err := g.calls.next("mkfs"); err != nil {
		return err
	}
	return g.Guest.Mkfs(ctx, disk, fstype, label)
}

func (g guest) Mount(ctx context.Context, disk, mountpoint, fstype string, readOnly bool) error {
	if err := g.calls.next("mount"); err != nil {
		return err
	}
	return g.Guest.Mount(ctx, disk, mountpoint, fstype, readOnly)
}

func (g guest) Unmount(ctx context.Context, mountpoint string) error {
	if err := g.calls.next("unmount"); err != nil {
		return err
	}
	return g.Guest.Unmount(ctx, mountpoint)
}

func (g guest) Mounted(ctx context.Context, mountpoint string) (string, error) {
	if err := g.calls.next("mounted"); err != nil {
		return "", err
	}
	return g.Guest.Mounted(ctx, mountpoint)
}

func (g guest) Release(ctx context.Context, disk string) error {
	if err := g.calls.next("release"); err != nil {
		return err
	}
	return g.Guest.Release(ctx, disk)
}
