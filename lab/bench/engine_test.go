package bench_test

import (
	"fmt"
	"iter"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// sequentialSteps is a program of two tasks that yield.
func sequentialSteps(k *explore.Kernel, n int) {
	w := k.World("w")
	for i := range 2 {
		k.Client(fmt.Sprint("c", i), w, func() {
			for range n {
				k.Before("step", "x")
			}
		})
	}
}

// alternate always takes the other task, so that every step is a switch.
type alternate struct{ explore.Sequential }

func (alternate) Next(c *explore.Choice) int {
	for i, t := range c.Enabled {
		if t != c.Current {
			return i
		}
	}
	return c.Default
}

// inBubble runs f in a bubble of testing/synctest.
func inBubble(b *testing.B, f func()) {
	b.Helper()
	ok := testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{
		Name: "bubble", F: func(t *testing.T) { synctest.Test(t, func(*testing.T) { f() }) },
	}})
	if !ok {
		b.Fatal("the bubble failed")
	}
}

// bubbled passes a turn between two goroutines of a bubble, one event at a time, and returns the real time: the clock of
// the bubble stands.
func bubbled(b *testing.B, rounds int) time.Duration {
	start := time.Now()
	inBubble(b, func() {
		turn := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
		for i := range turn {
			go func() {
				for range rounds / 2 {
					<-turn[i]
				}
			}()
		}
		for n := range rounds {
			turn[n%2] <- struct{}{}
			synctest.Wait()
		}
	})
	return time.Since(start)
}

// BenchmarkFigureEngine compares what a switch of tasks costs in a bubble, in the kernel and between bare coroutines, in
// turns and often, because each takes but milliseconds. All three need one processor; a second one changes nothing but the
// noise. The comparison favours the bubble: nobody there chooses who goes on or records it.
func BenchmarkFigureEngine(b *testing.B) {
	const vsSynctest, vsCoroutine = "explore/engine_vs_synctest", "explore/step_vs_coroutine"
	figure := wanted(b, vsSynctest, vsCoroutine)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const rounds = 20_000
	r := explore.NewRunner()
	defer r.Close()
	least := interleaved(5*best, []func() time.Duration{
		func() time.Duration { return bubbled(b, rounds) },
		func() time.Duration {
			start := time.Now()
			res := r.Run(func(k *explore.Kernel) { sequentialSteps(k, rounds/2) }, alternate{}, 0, explore.Options{MaxSteps: 10 * rounds})
			if res.Failure != nil {
				b.Fatal(res.Failure)
			}
			return time.Since(start)
		},
		func() time.Duration { return coroutines(rounds) },
	})
	bubble, kernel, coroutine := least[0], least[1], least[2]
	figure(vsSynctest, float64(bubble)/float64(kernel))
	figure(vsCoroutine, float64(kernel)/float64(coroutine))
	fmt.Printf("  a step: synctest %v, kernel %v, coroutine %v\n", bubble/rounds, kernel/rounds, coroutine/rounds)
}

// interleaved measures each so many times, in turns, and returns the least of each.
func interleaved(times int, measures []func() time.Duration) []time.Duration {
	least := make([]time.Duration, len(measures))
	for i := range times {
		for j, m := range measures {
			if d := m(); i == 0 || d < least[j] {
				least[j] = d
			}
		}
	}
	return least
}

// coroutines goes to a coroutine and back.
func coroutines(rounds int) time.Duration {
	next, stop := iter.Pull(func(yield func(int) bool) {
		for i := 0; yield(i); i++ {
		}
	})
	defer stop()
	start := time.Now()
	for range rounds {
		next()
	}
	return time.Since(start)
}

// BenchmarkFigureProgram compares the rate of schedules of the first program with that of the same in a bubble: tasks
// are goroutines there, and the bubble comes to rest after every step.
func BenchmarkFigureProgram(b *testing.B) {
	const name = "explore/program_vs_synctest"
	figure := wanted(b, name)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s, err := scenarios.Parse("figure", programs()[0].text)
	must(b, err)
	stage, err := scenarios.NewThreads(s) // the program of both
	must(b, err)
	defer stage.Close()
	const schedules = 1000
	run := func(r *explore.Runner, p explore.Program) {
		defer r.Close()
		strategy := explore.Random(0)
		for n := range schedules {
			if res := r.Run(p, strategy, n, explore.Options{}); res.Failure != nil {
				b.Error(res.Failure)
			}
		}
	}
	least := interleaved(best, []func() time.Duration{
		func() time.Duration {
			start := time.Now()
			run(explore.NewRunner(), stage.Program)
			return time.Since(start)
		},
		func() time.Duration {
			start := time.Now()
			inBubble(b, func() {
				run(explore.NewThreads(), func(k *explore.Kernel) {
					stage.Program(k)
					k.AtStep(synctest.Wait)
				})
			})
			return time.Since(start) // real: the clock of the bubble stands
		},
	})
	figure(name, float64(least[1])/float64(least[0]))
}
