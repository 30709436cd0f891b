package bench_test

import (
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// best is how often a figure is measured; the best counts, because the machine is noisy.
const best = 5

// The programs of the figures: two clients with a pair each and a Remove on one volume; three with a pair each on three.
const (
	twoClients = "given volume v\nstart c1: mount v; unmount v\nstart c2: mount v; unmount v\nstart c3: remove v\n"
	threeBy3   = "given volume a\ngiven volume b\ngiven volume c\n" +
		"start c1: mount a; unmount a\nstart c2: mount b; unmount b\nstart c3: mount c; unmount c\n"
)

func BenchmarkFigureSchedules(b *testing.B) {
	wanted(b, "explore/schedules_per_s")
	for _, f := range []struct{ name, program, target string }{
		{"explore/schedules_per_s", twoClients, "50000"}, {"explore/schedules_per_s_3x3", threeBy3, "25000"},
	} {
		most, steps := 0.0, 0
		for seed := range uint64(best) {
			rate, n := schedulesPerSecond(b, f.program, seed)
			if rate > most {
				most, steps = rate, n
			}
		}
		figure(f.name, most, "schedules/s", f.target, "")
		fmt.Printf("  %d steps per schedule, all oracles on\n", steps)
	}
}

func schedulesPerSecond(b *testing.B, program string, seed uint64) (rate float64, stepsPerSchedule int) {
	s, err := scenarios.Parse("figure", program)
	must(b, err)
	stage, err := scenarios.NewStage(s)
	must(b, err)
	defer stage.Close()
	const schedules = 20_000
	start := time.Now()
	rep, err := stage.Explore(explore.Search{Strategy: explore.Random(seed), Schedules: schedules})
	must(b, err)
	if rep.Found {
		b.Fatal(rep.Result.Failure)
	}
	return schedules / time.Since(start).Seconds(), rep.Steps / schedules
}

// sequentialSteps is a program of one task that yields.
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

// bubbled passes a turn between two goroutines of a synctest bubble, one event at a time, and returns the real time.
func bubbled(b *testing.B, rounds int) time.Duration {
	start := time.Now()
	ok := testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{
		Name: "bubble", F: func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
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
		},
	}})
	if !ok {
		b.Fatal("the bubble failed")
	}
	return time.Since(start)
}

func BenchmarkFigureEngine(b *testing.B) {
	wanted(b, "explore/engine_vs_synctest")
	const rounds = 20_000
	least := func(f func() time.Duration) time.Duration {
		d := f()
		for range best - 1 {
			d = min(d, f())
		}
		return d
	}
	r := explore.NewRunner()
	defer r.Close()
	bubble := least(func() time.Duration { return bubbled(b, rounds) })
	kernel := least(func() time.Duration {
		start := time.Now()
		res := r.Run(func(k *explore.Kernel) { sequentialSteps(k, rounds/2) }, alternate{}, 0, explore.Options{MaxSteps: 10 * rounds})
		if res.Failure != nil {
			b.Fatal(res.Failure)
		}
		return time.Since(start)
	})
	coroutine := least(func() time.Duration {
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
	})
	figure("explore/engine_vs_synctest", float64(bubble)/float64(kernel), "x cheaper", "4", "")
	figure("explore/step_vs_coroutine", float64(kernel)/float64(coroutine), "x", "3", "")
	fmt.Printf("  a step: synctest %v, kernel %v, coroutine %v\n", bubble/rounds, kernel/rounds, coroutine/rounds)
}
