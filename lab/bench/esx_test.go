package bench_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/explore"
)

// The world of the figures in this file: VMs with as many disks as fit, on one host and one datastore.
const (
	manyVMs = 1000
	fewVMs  = manyVMs / 10
)

// noBus is hardware that costs nothing.
type noBus struct{}

func (noBus) Plug(context.Context, string, wire.Device, esxsim.Disk) error   { return nil }
func (noBus) Unplug(context.Context, string, wire.Device, esxsim.Disk) error { return nil }

// filling is what it took to fill a world and to switch it off.
type filling struct {
	commands, powerOff time.Duration // all creates and attaches, and the end of all VMs
	bytes              float64       // of memory that the world holds when it is full
}

func (f filling) all() time.Duration { return f.commands + f.powerOff }

// BenchmarkFigureScale fills worlds of the explorer, where everything is one task after the other on one core.
func BenchmarkFigureScale(b *testing.B) {
	const commands, growth = "esx/commands_per_s", "esx/growth_10x"
	const bytes, bytesGrowth = "esx/bytes_per_disk", "esx/bytes_growth_10x"
	figure := wanted(b, commands, growth, bytes, bytesGrowth)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	few, many := fill(b, fewVMs), fill(b, manyVMs)
	for range best - 1 {
		few, many = few.orBetter(fill(b, fewVMs)), many.orBetter(fill(b, manyVMs))
	}
	figure(commands, manyVMs*mounted*2/many.commands.Seconds())
	figure(growth, many.all().Seconds()/few.all().Seconds())
	figure(bytes, many.bytes/(manyVMs*mounted))
	figure(bytesGrowth, many.bytes/few.bytes)
}

func (f filling) orBetter(o filling) filling {
	return filling{min(f.commands, o.commands), min(f.powerOff, o.powerOff), min(f.bytes, o.bytes)}
}

// fill makes a world, creates and attaches all its disks, and powers everything off.
func fill(b *testing.B, vms int) (took filling) {
	b.Helper()
	names, requests := make([]string, vms), make([][2][]byte, vms*mounted)
	for i := range names {
		names[i] = fmt.Sprint("vm", i)
	}
	for i := range requests {
		requests[i] = [2][]byte{
			fmt.Appendf(nil, `{"cmd":"create","details":{"Name":"v%d@ds1","Opts":{"fstype":"ext4","size":"1gb"}},"version":"2"}`, i),
			fmt.Appendf(nil, `{"cmd":"attach","details":{"Name":"v%d@ds1"},"version":"2"}`, i),
		}
	}
	r := explore.NewRunner()
	defer r.Close()
	res := r.Run(func(k *explore.Kernel) {
		w := k.World("esx")
		k.Client("operator", w, func() {
			empty := heldBytes()
			store := esxsim.NewMemStore(w, true, "ds1")
			esx, err := esxsim.New(esxsim.Config{Env: w, Stage: k, Serial: true, Store: store, Bus: noBus{}})
			for _, vm := range names {
				if err == nil {
					err = esx.AddVM(esxsim.VM{ID: vm, Home: "ds1"})
				}
			}
			ctx := context.Background()
			start := time.Now()
			for i, pair := range requests {
				vm := names[i/mounted]
				reply := esx.Handle(ctx, vm, pair[0])
				if place := esx.Handle(ctx, vm, pair[1]); len(place) < 60 || err != nil {
					k.Fail("bench", fmt.Sprintf("%s %s %v", reply, place, err))
					return
				}
			}
			took.commands = time.Since(start)
			took.bytes = heldBytes() - empty
			start = time.Now()
			for _, vm := range names {
				if err := esx.PowerOff(ctx, vm); err != nil {
					k.Fail("bench", err.Error())
				}
			}
			took.powerOff = time.Since(start)
			if _, attached := store.AttachedTo("ds1", "v0"); attached || !esx.Idle() {
				k.Fail("bench", "something is left")
			}
		})
	}, explore.Sequential{}, 0, explore.Options{MaxSteps: 100 * len(requests)})
	if res.Failure != nil {
		b.Fatal(res.Failure)
	}
	return took
}

// heldBytes is the memory in use.
func heldBytes() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
