package storm_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// The size of the storm; the short one is for every test run, and for those without the race detector.
const (
	goroutines = 64
	fullCalls  = 10_000
	shortCalls = 300
)

func seed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("STORM_SEED")
	if text == "" {
		return 1
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, "STORM_SEED")
	return n
}

func TestStorm(t *testing.T) {
	calls := shortCalls
	if raceDetector && !testing.Short() {
		calls = fullCalls
	}
	leak := goleak.IgnoreCurrent()
	before := descriptors()
	number := seed(t)

	var failed atomic.Bool
	objection := func(format string, args ...any) {
		if failed.CompareAndSwap(false, true) { // what follows is mostly consequence
			t.Errorf("STORM_SEED=%d: %s", number, fmt.Sprintf(format, args...))
		}
	}
	w := newWorld(t, objection)
	for _, v := range volumes {
		require.NoError(t, w.driver.Create(t.Context(), v, nil))
	}
	callers := storm(w, number, calls, objection, failed.Load)
	if failed.Load() {
		_ = w.stopAll()
		return
	}

	require.Empty(t, w.guest.Mounts())
	require.Empty(t, w.guest.Plugged())
	require.Empty(t, w.esx.Plugged(vmName))
	for _, d := range w.store.Disks() {
		vm, locked := w.store.AttachedTo(d.Datastore, d.Name)
		require.False(t, locked, "%s is attached to %s", d.Name, vm)
	}
	require.True(t, w.esx.Idle())
	references, err := w.driver.References(t.Context())
	require.NoError(t, err)
	require.Empty(t, references)

	require.NoError(t, w.stopAll())
	require.NoError(t, goleak.Find(leak))
	require.Equal(t, before, descriptors(), "open descriptors")
	report(t, callers)
}

// storm runs all callers at once.
func storm(w *world, number uint64, calls int, objection func(string, ...any), failed func() bool) []*caller {
	var running sync.WaitGroup
	callers := make([]*caller, goroutines)
	for g := range callers {
		c := &caller{w: w, number: g, rnd: rand.New(rand.NewPCG(number, uint64(g))), counts: map[string]int{}}
		c.object = func(format string, args ...any) {
			objection("goroutine %d: "+format, append([]any{g}, args...)...)
		}
		callers[g] = c
		running.Go(func() { c.run(calls, failed) })
	}
	running.Wait()
	return callers
}

// report shows that the storm was one: every call was made, and failed where it can.
func report(t *testing.T, callers []*caller) {
	t.Helper()
	sum := map[string]int{}
	for _, c := range callers {
		for op, n := range c.counts {
			sum[op] += n
		}
	}
	t.Log(sum)
	for _, op := range []string{
		"Create", "Create!", "Remove", "Remove!", "Mount", "Mount!", "Unmount", "Get", "Get!", "List", "Path", "Capabilities",
	} {
		require.NotZero(t, sum[op], op)
	}
}

// descriptors counts the open ones, -1 where that cannot be seen.
func descriptors() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(list)
}
