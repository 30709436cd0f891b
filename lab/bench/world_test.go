package bench_test

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vmdkvol/driver"
	"vmdkvol/driver/unixesx"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/guestsim"
	"vmdkvol/seam"
)

// vm is the name of the only VM.
const vm = "vm1"

// host is an ESX host in memory with one VM, whose guest is in memory too.
type host struct {
	service *esxsim.Service
	guest   *guestsim.Guest

	// How long things take, in nanoseconds: everything at once before the host looks at a request, and what the VM
	// does alone, under its lock, when a disk comes or goes.
	each, reconfigure atomic.Int64
}

func newHost(b *testing.B) *host {
	b.Helper()
	env := seam.Real()
	h := &host{guest: guestsim.New(guestsim.Config{Env: env, Stage: seam.Quiet{}, Media: guestsim.NewMedia(env)})}
	service, err := esxsim.New(esxsim.Config{Env: env, Store: esxsim.NewMemStore(env, false, "ds1"), Bus: bus{h}})
	must(b, err)
	must(b, service.AddVM(esxsim.VM{ID: vm, Home: "ds1"}))
	h.service = service
	return h
}

// bus plugs disks into the guest.
type bus struct{ *host }

func (b bus) Plug(_ context.Context, _ string, at wire.Device, d esxsim.Disk) error {
	time.Sleep(time.Duration(b.reconfigure.Load()))
	return b.guest.Plug(at, d.ID, d.Size)
}

func (b bus) Unplug(_ context.Context, _ string, at wire.Device, _ esxsim.Disk) error {
	time.Sleep(time.Duration(b.reconfigure.Load()))
	return b.guest.Unplug(at)
}

// handle answers one request.
func (h *host) handle(ctx context.Context, request []byte) []byte {
	if d := time.Duration(h.each.Load()); d > 0 {
		time.Sleep(d)
	}
	return h.service.Handle(ctx, vm, request)
}

// serve answers on a unix socket, one connection for each request, until the benchmark ends.
func (h *host) serve(b *testing.B) (socket string) {
	b.Helper()
	socket = filepath.Join(b.TempDir(), "esx.sock")
	l, err := net.Listen("unix", socket)
	must(b, err)
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				request, err := wire.ReadFrame(c, wire.MaxRequest)
				if err != nil {
					return // somebody looked whether we are here
				}
				_, _ = c.Write(wire.AppendFrame(nil, h.handle(b.Context(), request))) // who is gone needs no reply
			}()
		}
	}()
	return socket
}

// driverOver makes a driver that reaches the host in the given way.
func (h *host) driverOver(b *testing.B, t vmdkops.Transport) *driver.Driver {
	b.Helper()
	env := seam.Real()
	client, err := vmdkops.New(vmdkops.Config{Transport: t, Env: env})
	must(b, err)
	d, err := driver.New(driver.Config{Backend: client, Guest: h.guest, Env: env, MountRoot: "/mnt/vmdk"})
	must(b, err)
	return d
}

// throughESXSocket makes a driver as on a real machine, but for the disks.
func (h *host) throughESXSocket(b *testing.B) *driver.Driver {
	b.Helper()
	t, err := unixesx.New(unixesx.Config{Path: h.serve(b)})
	must(b, err)
	return h.driverOver(b, t)
}

// esx is a transport without a socket. An attach of the volume hung never ends, and closes hangs when it begins.
type esx struct {
	*host
	hung  string
	hangs chan struct{}
}

func (e *esx) RoundTrip(ctx context.Context, request []byte) ([]byte, error) {
	if e.hung != "" && strings.Contains(string(request), `"attach"`) && strings.Contains(string(request), e.hung) {
		close(e.hangs) // the volume's lock lets one attach come here
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return e.handle(ctx, request), nil
}

// newDriver makes a driver without a socket, with formatted volumes. Delays are set afterwards.
func newDriver(b *testing.B, volumes ...string) (*driver.Driver, *esx) {
	b.Helper()
	transport := &esx{host: newHost(b)}
	d := transport.driverOver(b, transport)
	for _, v := range volumes {
		must(b, d.Create(b.Context(), v, nil))
	}
	return d, transport
}
