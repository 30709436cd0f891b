package explore_test

import (
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vmdkvol/explore"
)

// afterLast calls f when the task that ends last has ended, when no task has the turn.
func afterLast(k *explore.Kernel, f func()) {
	w := k.World("w")
	for i := range 3 {
		k.Client("c"+strconv.Itoa(i), w, func() { k.Before("act", "x") })
	}
	steps := 0
	k.AtStep(func() {
		if steps++; steps == 6 {
			f()
		}
	})
}

// bursting is a strategy that panics when a task has ended.
type bursting struct{ explore.Strategy }

func (b bursting) Next(c *explore.Choice) int {
	if c.Site().Op == "" {
		panic("the strategy's")
	}
	return b.Strategy.Next(c)
}

func TestWhatEscapesWhenNoTaskHasTheTurnComesToTheCaller(t *testing.T) {
	for name, newRunner := range backends {
		t.Run(name, func(t *testing.T) {
			if name == "coroutines" {
				defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			}
			r := newRunner()
			defer r.Close()
			random := explore.Random(1)
			for n := range 20 {
				require.PanicsWithValue(t, "the strategy's", func() {
					r.Run(func(k *explore.Kernel) { afterLast(k, func() {}) }, bursting{random}, n, explore.Options{})
				})
				ended := make(chan bool)
				go func() {
					passed := false
					defer func() { ended <- passed }()
					r.Run(func(k *explore.Kernel) { afterLast(k, runtime.Goexit) }, random, n, explore.Options{})
					passed = true
				}()
				require.False(t, <-ended, "the caller's goroutine ends")
				require.Nil(t, r.Run(lostUpdate, explore.Sequential{}, n, explore.Options{}).Failure, "the runner works on")
			}
		})
	}
}

// TestEveryCoroutineEnds: whatever order the turns of earlier runs have left them in.
func TestEveryCoroutineEnds(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	random := explore.Random(1)
	for runs := range 30 {
		r := explore.NewRunner()
		for n := range runs {
			r.Run(func(k *explore.Kernel) {
				w := k.World("w")
				for i := range 1 + n%7 {
					k.Client("c"+strconv.Itoa(i), w, func() {
						k.Before("act", "x")
						w.Go("b", func() { k.Before("act", "y") })
						if n%5 == 4 && i == 1 {
							runtime.Goexit()
						}
						k.Before("act", "z")
					})
				}
			}, random, n, explore.Options{})
		}
		r.Close()
	}
}
