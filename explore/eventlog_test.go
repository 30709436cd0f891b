package explore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// TestASearchSaysTheHashOfItsLastRun: with all kinds of events in it, also of a run that fails, and although a search hashes
// few runs.
func TestASearchSaysTheHashOfItsLastRun(t *testing.T) {
	program := func(k *explore.Kernel) {
		clients, server := k.World("clients"), k.World("server")
		m := server.NewMonitor("m")
		failed := false
		for _, name := range []string{"c1", "c2"} {
			k.Client(name, clients, func() {
				k.Call(name)
				server.Within(func() {
					ctx, cancel := server.WithDeadline(context.Background(), server.Now().Add(time.Second))
					defer cancel()
					if m.Lock(ctx) != nil {
						return
					}
					defer m.Unlock()
					if k.Choose("work", name, "fail") == 1 {
						failed = true
						server.Go("repair", func() { _ = server.Sleep(context.Background(), time.Minute) })
					}
					k.Before("work", name)
				})
				k.Return(name)
			})
		}
		k.Client("c3", clients, func() {
			k.Before("crash", "server")
			server.Crash()
		})
		k.AtEnd(func() {
			if failed {
				k.Fail("failed", "said twice\nand not all")
			}
		})
	}
	searcher, runner := explore.NewRunner(), explore.NewRunner()
	defer searcher.Close()
	defer runner.Close()
	o := explore.Options{Faults: 2}
	hashes := map[explore.Hash]bool{}
	found := 0
	for n := range 250 { // some of which a search runs twice
		rep := searcher.Search(explore.Search{Strategy: explore.Random(1), From: n, Schedules: 1, Options: o}, program)
		res := runner.Run(program, explore.Random(1), n, o)
		require.Equal(t, res.Hash, rep.Result.Hash, "run %d", n)
		require.Equal(t, res.Failure, rep.Result.Failure)
		hashes[res.Hash] = true
		if rep.Found {
			found++
		}
	}
	require.Greater(t, len(hashes), 100)
	require.Greater(t, found, 10)
	require.Less(t, found, 240)
}

// TestWhoObservesASearchSeesEachOfItsRuns, for then none only notes its events.
func TestWhoObservesASearchSeesEachOfItsRuns(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	seen := 0
	o := explore.Options{Observe: func(e explore.Event) {
		if e.Kind == explore.VisibleEvent {
			seen++
		}
	}}
	program := func(k *explore.Kernel) { k.Client("c", k.World("w"), func() { k.Note("here") }) }
	rep := r.Search(explore.Search{Strategy: explore.Random(1), From: 1, Schedules: 7, Options: o}, program)
	require.False(t, rep.Found)
	require.Equal(t, 7, seen)
}
