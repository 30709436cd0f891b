package bench_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"vmdkvol/driver"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/explore"
	"vmdkvol/guestsim"
)

// What a year of an idle driver is: recovery looks every five minutes at five volumes that five containers use.
const (
	yearPasses  = 365 * 24 * 12
	yearVolumes = 5
)

// BenchmarkFigureYear lets a virtual year pass for the production driver, with the simulated ESX and guest below it and real
// frames between. There is no network: it makes a task for each request, and the explorer knows all tasks of a run.
func BenchmarkFigureYear(b *testing.B) {
	const name = "explore/year_s"
	figure := wanted(b, name)
	r := explore.NewRunner()
	defer r.Close()
	docker := &idleDocker{}
	start := time.Now()
	res := r.Run(func(k *explore.Kernel) { yearIn(b, k, docker) }, explore.Sequential{}, 0, explore.Options{MaxSteps: 1 << 40})
	took := time.Since(start)
	switch {
	case res.Failure != nil:
		b.Fatal(res.Failure)
	case docker.asked < yearPasses:
		b.Fatalf("Docker was asked %d times, want %d", docker.asked, yearPasses)
	}
	b.Logf("%d passes, %d steps", docker.asked, res.Steps)
	figure(name, took.Seconds())
}

func yearIn(b *testing.B, k *explore.Kernel, docker *idleDocker) {
	plugin, esx := k.World("plugin"), k.World("esx")
	media := guestsim.NewMedia(nil)
	guest := guestsim.New(guestsim.Config{Env: plugin, Stage: k, Media: media, Violation: k.Fail, Listed: true})
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	service, err := esxsim.New(esxsim.Config{
		Env: esx, Stage: k, Store: esxsim.NewMemStore(esx, true, "ds1"), Bus: yearBus{guest}, Serial: true, Memo: new(esxsim.Memo),
	})
	must(err)
	must(service.AddVM(esxsim.VM{ID: "vm1", Home: "ds1"}))
	ops, err := vmdkops.New(vmdkops.Config{Transport: direct{service}, Env: plugin})
	must(err)
	d, err := driver.New(driver.Config{
		Backend: ops, Guest: guest, Env: plugin, MountRoot: "/mnt/vmdk",
		Recovery: &driver.Recovery{Docker: docker, Machine: guest},
	})
	must(err)
	k.Client("year", plugin, func() {
		ctx := context.Background()
		for i := range yearVolumes {
			name := fmt.Sprint("v", i)
			must(d.Create(ctx, name, nil))
			_, err := d.Mount(ctx, name, name)
			must(err)
			docker.containers = append(docker.containers, driver.Container{ID: name, Running: true, Volumes: []string{name}})
		}
		d.Recover()
		must(plugin.Sleep(ctx, yearPasses*driver.DefaultRecovery))
		must(d.Close(ctx))
	})
}

// idleDocker always answers the same.
type idleDocker struct {
	containers []driver.Container
	asked      int
}

func (d *idleDocker) Containers(context.Context) ([]driver.Container, error) {
	d.asked++
	return d.containers, nil
}

// direct executes a request in the task that sends it.
type direct struct{ service *esxsim.Service }

func (t direct) RoundTrip(ctx context.Context, request []byte) ([]byte, error) {
	return t.service.Handle(ctx, "vm1", request), nil
}

type yearBus struct{ guest *guestsim.Guest }

func (y yearBus) Plug(_ context.Context, _ string, at wire.Device, d esxsim.Disk) error {
	return y.guest.Plug(at, d.ID, d.Size)
}

func (y yearBus) Unplug(_ context.Context, _ string, at wire.Device, _ esxsim.Disk) error {
	return y.guest.Unplug(at)
}
