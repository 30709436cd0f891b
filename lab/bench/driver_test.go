package bench_test

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"vmdkvol/driver/front"
)

// BenchmarkFigureOwn is what the driver itself needs for a Mount and an Unmount of a volume that is mounted: names,
// deadline, locks, references.
func BenchmarkFigureOwn(b *testing.B) {
	const name = "driver/own_us"
	wanted(b, name)
	d, _ := newDriver(b, "v")
	_, err := d.Mount(b.Context(), "v", "holder")
	must(b, err)
	const pairs = 200_000
	start := time.Now()
	for range pairs {
		mountUnmount(b, d, "v", "id")
	}
	figure(name, float64(time.Since(start).Nanoseconds())/1000/pairs, "us", "5", "")
	must(b, d.Unmount(b.Context(), "v", "holder"))
}

// BenchmarkFigureSameVolume is how many Mounts and Unmounts a second 64 clients get on one mounted volume. ESX needs
// 5 ms for a command, and is not to be asked.
func BenchmarkFigureSameVolume(b *testing.B) {
	const name = "driver/same_volume_per_s"
	wanted(b, name)
	d, esx := newDriver(b, "v")
	esx.delay = 5 * time.Millisecond
	_, err := d.Mount(b.Context(), "v", "holder")
	must(b, err)
	figure(name, 2*pairsPerSecond(b, d, 64, 2000), "1/s", "20000", "")
	must(b, d.Unmount(b.Context(), "v", "holder"))
}

// BenchmarkFigureFront is the rate of Mounts and Unmounts of a mounted volume through the socket, as part of the rate
// over a driver that does nothing: what is left of the front's own speed.
func BenchmarkFigureFront(b *testing.B) {
	const name = "driver/front_of_noop"
	wanted(b, name)
	d, _ := newDriver(b, "v")
	_, err := d.Mount(b.Context(), "v", "holder")
	must(b, err)
	own, stopOwn := throughSocket(b, d)
	idle, stopIdle := throughSocket(b, noop{})
	var ratios []float64
	for range 5 { // side by side, because the machine's speed changes
		r := pairsPerSecond(b, own, 8, 500)
		ratios = append(ratios, r/pairsPerSecond(b, idle, 8, 500))
	}
	figure(name, median(ratios), "ratio", "0.40", "1")
	stopOwn()
	stopIdle()
	must(b, d.Unmount(b.Context(), "v", "holder"))
}

// BenchmarkFigureOthersWhileHung is the longest time that one of 100 Gets of another volume or Lists takes while the
// attach of one volume hangs and other Mounts queue for it. ESX needs 1 ms for a command, and each has one.
func BenchmarkFigureOthersWhileHung(b *testing.B) {
	const name = "driver/others_while_hung_ms"
	wanted(b, name)
	d, esx := newDriver(b, "v", "hung")
	esx.delay, esx.hung = time.Millisecond, "hung"
	ctx, cancel := context.WithCancel(b.Context())
	var hung sync.WaitGroup
	for i := range 32 {
		hung.Go(func() { _, _ = d.Mount(ctx, "hung", strconv.Itoa(i)) })
	}
	time.Sleep(20 * time.Millisecond) // one hangs now; how many queue already is not so important
	var longest time.Duration
	for range 100 {
		start := time.Now()
		_, err := d.Get(b.Context(), "v")
		longest = max(longest, time.Since(start))
		must(b, err)
		start = time.Now()
		_, err = d.List(b.Context())
		longest = max(longest, time.Since(start))
		must(b, err)
	}
	figure(name, float64(longest.Microseconds())/1000, "ms", "5", "1")
	cancel()
	hung.Wait()
}

// BenchmarkFigureCyclesDrift is what the last 1,000 of 10,000 first Mounts with their last Unmounts cost, compared with
// the first 1,000: whether anything grows. The first 1,000 are those of a second driver, made in turns with the last of
// the old one, because the speed of a machine changes more than the driver's; medians, because the collector strikes
// where it likes.
func BenchmarkFigureCyclesDrift(b *testing.B) {
	const name = "driver/cycles_drift"
	wanted(b, name)
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
	figure(name, median(last[:]).Seconds()/median(first[:]).Seconds(), "ratio", "1.10", "")
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
