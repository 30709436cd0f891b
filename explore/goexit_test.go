package explore_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// backends are the two ways to run tasks.
var backends = map[string]func() *explore.Runner{"coroutines": explore.NewRunner, "threads": explore.NewThreads}

// TestGoexitInATaskIsAFailureThatSaysSo: testing's FailNow, and so require, ends its goroutine by runtime.Goexit.
func TestGoexitInATaskIsAFailureThatSaysSo(t *testing.T) {
	for name, newRunner := range backends {
		for _, where := range []string{"at once", "after a yield", "in deferred code of a crashed world", "while the run unwinds"} {
			t.Run(name+" "+where, func(t *testing.T) {
				done := exiting(newRunner, where)
				for name, res := range done { // on a goroutine of its own: nothing of the caller's ends
					if where == "while the run unwinds" {
						require.Equal(t, explore.DeadlockOracle, res.Failure.Oracle, name)
						continue
					}
					require.NotNil(t, res.Failure, name)
					require.Equal(t, explore.PanicOracle, res.Failure.Oracle)
					require.Contains(t, res.Failure.Detail, "task c1 called runtime.Goexit")
					require.Contains(t, res.Failure.Detail, "FailNow")
					require.Contains(t, res.Failure.Detail, "goexit_test.go")
				}
				require.Len(t, done, 2, "the runner works on")
			})
		}
	}
}

// exiting runs a program in which c1 ends its goroutine, twice on one runner, and then one that passes.
func exiting(newRunner func() *explore.Runner, where string) map[string]explore.Result {
	results, ended := map[string]explore.Result{}, make(chan struct{})
	go func() {
		defer close(ended)
		r := newRunner()
		defer r.Close()
		program := func(k *explore.Kernel) {
			w, other := k.World("w"), k.World("other")
			m := w.NewMonitor("m")
			k.Client("c1", w, func() {
				switch where {
				case "after a yield":
					k.Before("act", "x")
				case "in deferred code of a crashed world":
					defer runtime.Goexit()
					other.Go("crash", w.Crash)
					k.Before("act", "x")
				case "while the run unwinds":
					defer runtime.Goexit()
					_ = m.Lock(context.Background())
					_ = m.Wait(context.Background())
				}
				runtime.Goexit()
			})
			k.Client("c2", w, func() { k.Before("act", "y") })
		}
		crash, err := explore.ParseDeviation("switch c1 -> crash before act(x)#1")
		if err != nil {
			panic(err)
		}
		for _, name := range []string{"first", "second"} {
			res := r.Run(program, explore.NewReplay([]explore.Deviation{crash}), 0, explore.Options{})
			if r.Run(lostUpdate, explore.Sequential{}, 0, explore.Options{}).Failure == nil {
				results[name] = res
			}
		}
	}()
	<-ended
	return results
}
