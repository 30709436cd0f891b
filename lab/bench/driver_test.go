package bench_test

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"vmdkvol/driver"
	"vmdkvol/driver/front"
)

// BenchmarkFigureOwn is what the driver itself needs for a Mount and an Unmount of a volume that is mounted: names,
// deadline, locks, references.
func BenchmarkFigureOwn(b *testing.B) {
	const name = "driver/own_us"
	figure := wanted(b, name)
	d, _ := newDriver(b, "v")
	_, err := d.Mount(b.Context(), "v", "holder")
	must(b, err)
	const pairs = 200_000
	start := time.Now()
	for range pairs {
		mountUnmount(b, d, "v", "id")
	}
	figure(name, float64(time.Since(start).Nanoseconds())/1000/pairs)
	must(b, d.Unmount(b.Context(), "v", "holder"))
}

// BenchmarkFigureSameVolume is how many Mounts and Unmounts a second 64 clients get on one mounted volume. ESX needs
// 5 ms for a command, and is not to be asked.
func BenchmarkFigureSameVolume(b *testing.B) {
	const name = "driver/same_volume_per_s"
	figure := wanted(b, name)
	d, esx := newDriver(b, "v")
	esx.each.Store(int64(5 * time.Millisecond))
	_, err := d.Mount(b.Context(), "v", "holder")
	must(b, err)
	figure(name, 2*pairsPerSecond(b, d, 64, 2000))
	must(b, d.Unmount(b.Context(), "v", "holder"))
}

// BenchmarkFigureFront is the rate of Mounts and Unmounts of a mounted volume through the socket, as part of the rate of
// a server that reads requests and gives all the same answer: what the front and the driver leave of the HTTP library's
// speed.
func BenchmarkFigureFront(b *testing.B) {
	const name = "driver/front_of_noop"
	figure := wanted(b, name)
	d, _ := newDriver(b, "v")
	_, err := d.Mount(b.Context(), "v", "holder")
	must(b, err)
	own, stopOwn := throughSocket(b, d)
	idle, stopIdle := throughNothing(b)
	var ratios []float64
	for range best { // side by side, because the machine's speed changes
		r := pairsPerSecond(b, own, 64, 100)
		ratios = append(ratios, r/pairsPerSecond(b, idle, 64, 100))
	}
	figure(name, median(ratios))
	stopOwn()
	stopIdle()
	must(b, d.Unmount(b.Context(), "v", "holder"))
}

// BenchmarkFigureOthersWhileHung is how long Gets of another volume and Lists take while the attach of one volume hangs and
// other Mounts queue for it. ESX needs 1 ms for a command, and each has one.
//
// The figure is the longest time of a round, and of that the least: whatever the hung attach holds up is held up in every
// round, and the machine's own pauses come in some. The same is measured without a hung attach, in turns.
func BenchmarkFigureOthersWhileHung(b *testing.B) {
	const name = "driver/others_while_hung_ms"
	const idleName = "driver/others_without_hung_ms_worst"
	figure := wanted(b, name, name+"_p50", name+"_p99", name+"_worst", idleName)
	d, stop := hanging(b, "hung")
	defer stop()
	idle, _ := hanging(b, "")
	var all []time.Duration
	var longest [2][]time.Duration
	for range 20 {
		var took [2][]time.Duration
		for range 25 {
			for i, d := range []*driver.Driver{d, idle} {
				took[i] = append(took[i], getAndList(b, d)...)
			}
		}
		all = append(all, took[0]...)
		for i := range longest {
			longest[i] = append(longest[i], slices.Max(took[i]))
		}
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	slices.Sort(all)
	figure(name, ms(slices.Min(longest[0])))
	figure(name+"_p50", ms(all[len(all)/2]))
	figure(name+"_p99", ms(all[len(all)*99/100]))
	figure(name+"_worst", ms(slices.Max(longest[0])))
	figure(idleName, ms(slices.Max(longest[1])))
}

// hanging makes a driver with the volume v and, unless it is "", one more, whose attach hangs while Mounts queue for it.
func hanging(b *testing.B, volume string) (d *driver.Driver, stop func()) {
	b.Helper()
	d, esx := newDriver(b, "v")
	if volume == "" {
		esx.each.Store(int64(time.Millisecond))
		return d, func() {}
	}
	must(b, d.Create(b.Context(), volume, nil))
	esx.each.Store(int64(time.Millisecond))
	esx.hung, esx.hangs = volume, make(chan struct{})
	ctx, cancel := context.WithCancel(b.Context())
	var queue sync.WaitGroup
	for i := range 32 {
		queue.Go(func() { _, _ = d.Mount(ctx, volume, strconv.Itoa(i)) }) // fails when it is given up
	}
	<-esx.hangs
	return d, func() {
		cancel()
		queue.Wait()
	}
}

// getAndList measures one of each.
func getAndList(b *testing.B, d *driver.Driver) []time.Duration {
	b.Helper()
	start := time.Now()
	_, err := d.Get(b.Context(), "v")
	middle := time.Now()
	must(b, err)
	_, err = d.List(b.Context())
	end := time.Now()
	must(b, err)
	return []time.Duration{middle.Sub(start), end.Sub(middle)}
}

// BenchmarkFigureCyclesDrift is what the last 1,000 of 10,000 first Mounts with their last Unmounts cost, compared with
// the first 1,000: whether anything grows. The first 1,000 are those of a second driver, made in turns with the last of
// the old one, because the speed of a machine changes more than the driver's; medians, because the collector strikes
// where it likes.
func BenchmarkFigureCyclesDrift(b *testing.B) {
	const name = "driver/cycles_drift"
	figure := wanted(b, name)
	old, _ := newDriver(b, "v")
	for i := range 9000 {
		mountUnmount(b, old, "v", strconv.Itoa(i))
	}
	young, _ := newDriver(b, "v")
	var last, first [1000]time.Duration
	for i := range last {
		id := strconv.Itoa(9000 + i)
		start := time.Now()
		mountUnmount(b, old, "v", id)
		middle := time.Now()
		mountUnmount(b, young, "v", id)
		last[i], first[i] = middle.Sub(start), time.Since(middle)
	}
	figure(name, median(last[:]).Seconds()/median(first[:]).Seconds())
}

// median sorts its argument.
func median[T cmp.Ordered](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}

// mountUnmount is one pair.
func mountUnmount(b *testing.B, d front.Driver, volume, id string) {
	if _, err := d.Mount(b.Context(), volume, id); err != nil {
		b.Error(err)
	}
	if err := d.Unmount(b.Context(), volume, id); err != nil {
		b.Error(err)
	}
}

// pairsPerSecond lets clients make pairs at once, each with an ID of its own.
func pairsPerSecond(b *testing.B, d front.Driver, clients, pairs int) float64 {
	b.Helper()
	var running sync.WaitGroup
	start := time.Now()
	for c := range clients {
		running.Go(func() {
			for range pairs {
				mountUnmount(b, d, "v", strconv.Itoa(c))
			}
		})
	}
	running.Wait()
	return float64(clients*pairs) / time.Since(start).Seconds()
}
