package bench_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"vmdkvol/driver"
)

// What ESX needs for a command in the figures of this file, and how many clients there are, each with its own volume.
const (
	command = 50 * time.Millisecond
	crowd   = 64
)

// BenchmarkFigureRate lets each client mount and unmount its volume while ESX serves all volumes at once. A pair costs
// three commands: get, attach, detach.
func BenchmarkFigureRate(b *testing.B) {
	const name = "driver/rate_of_ceiling_50ms"
	figure := wanted(b, name)
	h := newHost(b)
	h.each.Store(int64(command)) // from the beginning: the driver learns how fast ESX is
	begin := h.crowded(b)
	rate := begin(3, 2*time.Second)
	figure(name, 100*rate/(crowd*2/(3*command.Seconds())))
}

// BenchmarkFigureRateOneAtATime is the same when the VM is reconfigured by one command at a time, as esxsim and the real
// service do: no more than one Mount or Unmount can be done in that time.
func BenchmarkFigureRateOneAtATime(b *testing.B) {
	const name = "driver/rate_of_ceiling_50ms_vmlock"
	figure := wanted(b, name)
	h := newHost(b)
	h.reconfigure.Store(int64(command))
	begin := h.crowded(b)
	rate := begin(1, 10*time.Second)
	figure(name, 100*rate/(1/command.Seconds()))
}

// crowded makes a driver over a socket, and its volumes. Half of them are mounted, because a VM takes but 60 disks: the
// clients would otherwise begin in step and need all at once. begin lets them go and returns the best rate of so many
// windows of time, in Mounts and Unmounts a second.
func (h *host) crowded(b *testing.B) (begin func(windows int, each time.Duration) float64) {
	b.Helper()
	d := h.throughESXSocket(b)
	names := make([]string, crowd)
	for i := range names {
		names[i] = "v" + strconv.Itoa(i)
		must(b, d.Create(b.Context(), names[i], nil))
	}
	for i := 1; i < crowd; i += 2 {
		_, err := d.Mount(b.Context(), names[i], "id")
		must(b, err)
	}
	return func(windows int, each time.Duration) float64 {
		ctx, cancel := context.WithCancel(b.Context())
		var done atomic.Int64
		var running sync.WaitGroup
		for i, v := range names {
			running.Go(func() { inTurns(ctx, b, d, v, i%2 == 1, &done) })
		}
		time.Sleep(time.Second) // until they are in full swing
		rate := 0.0
		for range windows {
			start, before := time.Now(), done.Load()
			time.Sleep(each)
			rate = max(rate, float64(done.Load()-before)/time.Since(start).Seconds())
		}
		h.each.Store(0)
		h.reconfigure.Store(0)
		cancel()
		running.Wait()
		return rate
	}
}

// inTurns mounts and unmounts until ctx ends, and counts both.
func inTurns(ctx context.Context, b *testing.B, d *driver.Driver, volume string, mounted bool, done *atomic.Int64) {
	for ctx.Err() == nil {
		var err error
		if mounted {
			err = d.Unmount(b.Context(), volume, "id")
		} else {
			_, err = d.Mount(b.Context(), volume, "id")
		}
		if err != nil {
			b.Error(err)
			return
		}
		mounted = !mounted
		done.Add(1)
	}
}
