package bench_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"vmdkvol/driver"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/guestsim"
	"vmdkvol/seam"
)

// wanted skips a figure that nobody asked for.
func wanted(b *testing.B, name string) {
	b.Helper()
	if !strings.HasPrefix(name, os.Getenv("BENCH")) {
		b.Skip("not asked for")
	}
}

// figure prints one line. ceiling "" has none.
func figure(name string, value float64, unit, target, ceiling string) {
	if ceiling != "" {
		ceiling = " ceiling=" + ceiling
	}
	fmt.Printf("\nbench: %s %.4g %s target=%s%s\n", name, value, unit, target, ceiling)
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// esx is a transport to a service in memory. Each request takes at least delay; an attach of the volume hung never ends.
type esx struct {
	service *esxsim.Service
	delay   time.Duration
	hung    string
}

func (e *esx) RoundTrip(ctx context.Context, request []byte) ([]byte, error) {
	if e.hung != "" && strings.Contains(string(request), `"attach"`) && strings.Contains(string(request), e.hung) {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	if e.delay > 0 {
		time.Sleep(e.delay)
	}
	return e.service.Handle(ctx, "vm1", request), nil
}

type bus struct{ guest *guestsim.Guest }

func (b bus) Plug(_ context.Context, _ string, at wire.Device, d esxsim.Disk) error {
	return b.guest.Plug(at, d.ID, d.Size)
}

func (b bus) Unplug(_ context.Context, _ string, at wire.Device, _ esxsim.Disk) error {
	return b.guest.Unplug(at)
}

// newDriver makes a driver with formatted volumes. The delay of the transport is set afterwards.
func newDriver(b *testing.B, volumes ...string) (*driver.Driver, *esx) {
	b.Helper()
	env := seam.Real()
	guest := guestsim.New(guestsim.Config{Env: env, Stage: seam.Quiet{}, Media: guestsim.NewMedia(env)})
	service, err := esxsim.New(esxsim.Config{Env: env, Store: esxsim.NewMemStore(env, false, "ds1"), Bus: bus{guest}})
	must(b, err)
	must(b, service.AddVM(esxsim.VM{ID: "vm1", Home: "ds1"}))
	transport := &esx{service: service}
	client, err := vmdkops.New(vmdkops.Config{Transport: transport, Env: env})
	must(b, err)
	d, err := driver.New(driver.Config{Backend: client, Guest: guest, Env: env, MountRoot: "/mnt/vmdk"})
	must(b, err)
	for _, v := range volumes {
		must(b, d.Create(b.Context(), v, nil))
	}
	return d, transport
}
