package explore_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// line is where its caller is, as a stack shows it.
func line(offset int) string {
	_, file, n, _ := runtime.Caller(1)
	return fmt.Sprintf("%s:%d", file, n+offset)
}

func TestTheWatchdogNamesWhatBlocks(t *testing.T) {
	var at atomic.Value // file:line of what blocks
	free := make(chan struct{})
	var over atomic.Bool
	for _, c := range []struct {
		name, task, state string
		program           explore.Program
	}{
		{"channel", "c2", "chan receive", func(k *explore.Kernel) {
			w := k.World("w")
			k.Client("c1", w, func() { k.Before("act", "x") })
			k.Client("c2", w, func() {
				k.Before("block", "x")
				at.Store(line(1))
				<-free
			})
		}},
		{"mutex of another task", "c1", "sync.Mutex.Lock", func(k *explore.Kernel) {
			w := k.World("w")
			var mu sync.Mutex
			k.Client("c1", w, func() {
				w.Go("holder", func() {
					mu.Lock()
					k.Before("act", "x")
					mu.Unlock()
				})
				k.Before("block", "x")
				at.Store(line(1))
				mu.Lock()
				mu.Unlock() //nolint:staticcheck // SA2001: to take it is what matters
			})
		}},
		{"spin", "c1", "run", func(k *explore.Kernel) {
			k.Client("c1", k.World("w"), func() {
				k.Before("block", "x")
				at.Store(line(1))
				for !over.Load() {
				}
			})
		}},
		{"oracle", "c1", "chan receive", func(k *explore.Kernel) {
			k.AtStep(func() {
				at.Store(line(1))
				<-free
			})
			k.Client("c1", k.World("w"), func() { k.Before("act", "x") })
		}},
		{"set-up", "set-up", "chan receive", func(*explore.Kernel) {
			at.Store(line(1))
			<-free
		}},
	} {
		for name, newRunner := range backends {
			t.Run(c.name+" on "+name, func(t *testing.T) {
				free = make(chan struct{})
				over.Store(false)
				reports := make(chan explore.Blocked, 10)
				dog := explore.NewWatchdog(50*time.Millisecond, func(b explore.Blocked) { reports <- b })
				defer dog.Stop()
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					r := newRunner()
					defer r.Close()
					schedule := explore.Strategy(explore.Sequential{})
					if c.name == "mutex of another task" {
						d, err := explore.ParseDeviation("switch c1 -> holder before block(x)#1")
						if err != nil {
							panic(err)
						}
						back, err := explore.ParseDeviation("switch holder -> c1 before act(x)#1")
						if err != nil {
							panic(err)
						}
						schedule = explore.NewReplay([]explore.Deviation{d, back})
					}
					r.Run(c.program, schedule, 0, explore.Options{Watchdog: dog})
				}()
				b := <-reports
				require.Equal(t, c.task, b.Task)
				if c.task != "set-up" && c.name != "oracle" {
					require.Equal(t, "block(x)", b.Began.String())
				}
				require.Contains(t, b.State, c.state)
				require.True(t, strings.HasSuffix(b.Where, at.Load().(string)), "%s, not %s\n%s", b.Where, at.Load(), b)
				require.Contains(t, b.String(), b.Where)
				close(free)
				over.Store(true)
				if c.name != "mutex of another task" { // nobody can end that
					<-ended
				}
			})
		}
	}
}

func TestTheWatchdogLetsASlowProgramBe(t *testing.T) {
	for name, newRunner := range backends {
		t.Run(name, func(t *testing.T) {
			dog := explore.NewLooker()
			r := newRunner()
			defer r.Close()
			var seen []explore.Blocked
			run := func(looks int) {
				r.Run(func(k *explore.Kernel) {
					k.Client("c1", k.World("w"), func() {
						for range 3 { // any time may pass between two looks, as long as a step ends
							for range looks {
								seen = append(seen, dog.Look()...)
							}
							k.Before("act", "x")
						}
					})
				}, explore.Sequential{}, 0, explore.Options{Watchdog: dog})
				seen = append(seen, dog.Look()...) // and no step need end between runs
				seen = append(seen, dog.Look()...)
			}
			run(1)
			run(1)
			require.Empty(t, seen)
			run(3)
			require.Len(t, seen, 3, "each step once")
			require.Equal(t, "c1", seen[0].Task)
			require.Equal(t, "start(c1)", seen[0].Began.String())
		})
	}
}
