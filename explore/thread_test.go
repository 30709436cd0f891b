package explore_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/explore"
	"vmdkvol/seam"
)

// TestBothBackendsTakeTheSameSteps: a program under a seed gives one hash on coroutines and on goroutines. Under the race
// detector it also shows that a correct program, with every kind of seam in it, gives no report.
func TestBothBackendsTakeTheSameSteps(t *testing.T) {
	co, th := explore.NewRunner(), explore.NewThreads()
	defer co.Close()
	defer th.Close()
	rapid.Check(t, func(t *rapid.T) {
		clients := make([][]act, rapid.IntRange(2, 4).Draw(t, "clients"))
		for i := range clients {
			for range rapid.IntRange(1, 6).Draw(t, "n") {
				kind := rapid.SampledFrom([]int{0, 1, 3, 4, 7}).Draw(t, "kind") // not 2, 5, 6: they race on purpose
				clients[i] = append(clients[i], act{kind, rapid.IntRange(0, 1).Draw(t, "object")})
			}
		}
		seed := rapid.Uint64().Draw(t, "seed")
		run := func(r *explore.Runner, finals *[]string) []explore.Hash {
			var hashes []explore.Hash
			for n := range 5 {
				hashes = append(hashes, r.Run(func(k *explore.Kernel) {
					guarded(clients)(k, func(s string) { *finals = append(*finals, s) })
				}, explore.Random(seed), n, explore.Options{}).Hash)
			}
			return hashes
		}
		var a, b []string
		require.Equal(t, run(co, &a), run(th, &b))
		require.Equal(t, a, b)
	})
}

// guarded is randomProgram with every variable under a lock of its own, so that it is free of data races.
func guarded(clients [][]act) func(k *explore.Kernel, final func(string)) {
	return func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		ctx := context.Background()
		table, queue := w.NewMonitor("table"), w.NewMonitor("queue")
		ready, taken := 0, 0
		var vars [2]string
		for i, acts := range clients {
			k.Client(fmt.Sprintf("c%d", i), w, func() {
				for _, a := range acts {
					switch a.kind {
					case 0, 1, 7:
						_ = table.Lock(ctx)
						w.Touch("v", true)
						if a.kind == 1 {
							k.Before("act", "inside")
						}
						vars[a.object] += fmt.Sprint(i)
						table.Unlock()
					case 3:
						_ = queue.Lock(ctx)
						ready++
						queue.Wake()
						queue.Unlock()
						w.Go("put", func() {
							_ = queue.Lock(ctx)
							ready++
							queue.Wake()
							queue.Unlock()
						})
					case 4:
						end, cancel := w.WithDeadline(ctx, w.Now().Add(1))
						_ = queue.Lock(ctx)
						for ready == 0 {
							if queue.Wait(end) != nil {
								break
							}
						}
						if ready > 0 {
							ready--
							taken++
						}
						queue.Unlock()
						cancel()
					}
				}
			})
		}
		k.AtEnd(func() { final(fmt.Sprint(vars, ready, taken)) })
	}
}

func TestThreadsUnwindACrashedWorld(t *testing.T) {
	r := explore.NewThreads()
	defer r.Close()
	d, err := explore.ParseDeviation("switch c1 -> crash before act(x)#1")
	require.NoError(t, err)
	acted := false
	res := r.Run(func(k *explore.Kernel) {
		w, other := k.World("w"), k.World("other")
		m := w.NewMonitor("m")
		k.Client("c1", w, func() {
			_ = m.Lock(context.Background())
			defer m.Unlock()
			k.Before("act", "x")
			acted = true
		})
		k.Client("crash", other, w.Crash)
	}, explore.NewReplay([]explore.Deviation{d}), 0, explore.Options{})
	require.Nil(t, res.Failure)
	require.False(t, acted)
}

// TestQuietLocksOutliveACrash: whether a simulator takes its short locks must not matter, not even to code that runs
// because its world has crashed. The observer sees the same on both backends, to the last event.
func TestQuietLocksOutliveACrash(t *testing.T) {
	d, err := explore.ParseDeviation("switch c1 -> crash before act(x)#1")
	require.NoError(t, err)
	seen := map[bool][]explore.Event{}
	for _, threads := range []bool{false, true} {
		r := explore.NewRunner()
		if threads {
			r = explore.NewThreads()
		}
		require.Equal(t, threads, r.Threads())
		told := 0
		res := r.Run(func(k *explore.Kernel) {
			w, net := k.World("w"), k.World("net")
			net.Quiet("net")
			var m seam.Monitor
			if threads { // only the race detector needs it
				m = net.NewMonitor("net")
			}
			k.Client("c1", w, func() {
				defer func() {
					if m != nil {
						_ = m.Lock(context.Background())
						defer m.Unlock()
						m.Wake()
					}
					told++
				}()
				k.Before("act", "x")
			})
			k.Client("crash", net, w.Crash)
			k.Client("c2", net, func() {
				if m != nil {
					_ = m.Lock(context.Background())
					defer m.Unlock()
				}
				k.Note(fmt.Sprint("told ", told))
			})
		}, explore.NewReplay([]explore.Deviation{d}), 0, explore.Options{
			Observe: func(e explore.Event) { seen[threads] = append(seen[threads], e) },
		})
		r.Close()
		require.Nil(t, res.Failure)
		require.Equal(t, 1, told)
	}
	require.Equal(t, seen[false], seen[true])
	require.Equal(t, explore.EndEvent, seen[true][len(seen[true])-1].Kind)
}
