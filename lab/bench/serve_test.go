package bench_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"vmdkvol/driver/unixesx"
	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	esxhost "vmdkvol/esxsim/host"
	"vmdkvol/esxsim/host/configdb"
)

// listed is how many volumes list names in its figure.
const listed = 5000

// BenchmarkFigureServe asks a host as vmdksim serve is one, over its socket. Clients and host share the machine.
func BenchmarkFigureServe(b *testing.B) {
	const gets, cost, withDB, list = "esx/serve_get_per_s", "esx/serve_get_cpu_us", "esx/serve_get_per_s_db", "esx/list_5000_ms"
	figure := wanted(b, gets, cost, withDB, list)
	other := b.TempDir()
	db, err := configdb.New(configdb.Config{Path: filepath.Join(other, "auth-db"), Datastores: map[string]string{"ds1": filepath.Join(other, "ds1")}})
	must(b, err)
	must(b, db.Init(b.Context(), "", false))
	counted := served(b, other, db)
	dir := b.TempDir()
	ask := served(b, dir, nil)
	most, least, mostWithDB := 0.0, time.Hour, 0.0
	for range best {
		before := cpuTime(b)
		n, rate := getsPerSecond(b, ask)
		most, least = max(most, rate), min(least, (cpuTime(b)-before)/time.Duration(n))
		_, rate = getsPerSecond(b, counted)
		mostWithDB = max(mostWithDB, rate)
	}
	figure(gets, most)
	figure(cost, least.Seconds()*1e6)
	figure(withDB, mostWithDB)

	copyVolume(b, filepath.Join(dir, "ds1", "dockvols", esxsim.DefaultVmgroup), "v0")
	fastest := time.Hour
	for range best * 2 {
		start := time.Now()
		reply, err := ask(wire.List, "")
		fastest = min(fastest, time.Since(start))
		must(b, err)
		volumes, err := wire.ParseList(reply)
		must(b, err)
		if len(volumes) != listed {
			b.Fatalf("%d volumes listed", len(volumes))
		}
	}
	figure(list, fastest.Seconds()*1000)
}

// asker sends one command about a volume.
type asker func(cmd wire.Command, volume string) ([]byte, error)

// served is the way to a host with a volume for each of the crowd, until the benchmark ends.
func served(b *testing.B, dir string, groups esxsim.ConfigDB) asker {
	b.Helper()
	socket := filepath.Join(dir, "vm1.sock")
	h, err := esxhost.Open(esxhost.Config{
		Datastores: []esxhost.Datastore{{Name: "ds1", Dir: filepath.Join(dir, "ds1")}},
		VMs:        []esxhost.VM{{Name: vm, Socket: socket}},
		Quirks:     esxhost.Quirks{esxhost.OneReceiver: false, esxhost.GivesUp: false},
		Groups:     groups,
	})
	must(b, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	served := make(chan error, 1)
	must(b, h.Listen())
	go func() { served <- h.Serve(ctx) }()
	b.Cleanup(func() {
		cancel()
		must(b, <-served)
		must(b, h.Close())
	})
	esx, err := unixesx.New(unixesx.Config{Path: socket})
	must(b, err)
	ask := func(cmd wire.Command, volume string) ([]byte, error) {
		request, err := wire.AppendRequest(nil, wire.Request{Cmd: cmd, Details: wire.Details{Name: volume}, Version: wire.Version})
		if err != nil {
			return nil, err
		}
		return esx.RoundTrip(ctx, request)
	}
	for i := range crowd {
		must(b, null(ask(wire.Create, fmt.Sprint("v", i))))
	}
	return ask
}

// copyVolume makes as many volumes as list is to name, without asking the service, which has each on disk before it answers.
func copyVolume(b *testing.B, dir, volume string) {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(dir, volume+"[^0-9]*"))
	must(b, err)
	for i := crowd; i < listed; i++ {
		for _, path := range files {
			to := filepath.Join(dir, fmt.Sprint("v", i)+strings.TrimPrefix(filepath.Base(path), volume))
			info, err := os.Stat(path)
			must(b, err)
			if info.Size() > 1<<20 { // the disk's data
				must(b, os.WriteFile(to, nil, 0o600))
				must(b, os.Truncate(to, info.Size()))
				continue
			}
			text, err := os.ReadFile(path)
			must(b, err)
			must(b, os.WriteFile(to, text, 0o600))
		}
	}
}

func null(reply []byte, err error) error {
	if err != nil {
		return err
	}
	return wire.ParseNull(reply)
}

// getsPerSecond lets each client ask for its volume for a second.
func getsPerSecond(b *testing.B, ask asker) (n int64, rate float64) {
	b.Helper()
	var stop atomic.Bool
	var done atomic.Int64
	var clients sync.WaitGroup
	start := time.Now()
	for i := range crowd {
		clients.Go(func() {
			for name := fmt.Sprint("v", i); !stop.Load(); done.Add(1) {
				reply, err := ask(wire.Get, name)
				if err == nil {
					_, _, err = wire.ParseVolume(reply)
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	time.Sleep(time.Second)
	stop.Store(true)
	clients.Wait()
	return done.Load(), float64(done.Load()) / time.Since(start).Seconds()
}

// cpuTime is what this process has used so far.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
