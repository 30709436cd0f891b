package explore_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/seam"
)

// endings runs every schedule of a program that ends in a state, plain and reduced, and returns the states.
func endings(t require.TestingT, locks explore.LockModel, program func(k *explore.Kernel, final func(string))) map[string]bool {
	o := explore.Options{Locks: locks}
	plain, _ := all(t, true, o, program)
	reduced, _ := all(t, false, o, program)
	require.NotNil(t, plain)
	require.Equal(t, plain, reduced, "%v", locks)
	return plain
}

// queueing is three clients of one lock: a holds it until b, then c, have come for it, as far as the schedule lets them,
// and then takes it again twice.
func queueing(k *explore.Kernel, final func(string)) {
	w := k.World("w")
	m := w.NewMonitor("m")
	order := ""
	section := func(name string) {
		_ = m.Lock(context.Background())
		order += name
		w.Touch("order", true)
		m.Unlock()
	}
	k.Client("a", w, func() {
		_ = m.Lock(context.Background())
		order += "a"
		for _, name := range []string{"b", "c"} {
			w.Go(name, func() { section(name) })
			k.Before("hold", name)
		}
		order += "-" // who queues, queues by now
		m.Unlock()
		section("a")
		section("a")
	})
	k.AtEnd(func() { final(order) })
}

// replayed runs the program under a schedule, on both backends, and returns how it ended.
func replayed(t *testing.T, locks explore.LockModel, program func(k *explore.Kernel, final func(string)), schedule ...string) string {
	var ds []explore.Deviation
	for _, text := range schedule {
		d, err := explore.ParseDeviation(text)
		require.NoError(t, err)
		ds = append(ds, d)
	}
	var got [2]string
	var hashes [2]explore.Hash
	i := 0
	for _, newRunner := range []func() *explore.Runner{explore.NewRunner, explore.NewThreads} {
		r := newRunner()
		replay := explore.NewReplay(ds)
		res := r.Run(func(k *explore.Kernel) { program(k, func(s string) { got[i] = s }) }, replay, 0, explore.Options{Locks: locks})
		r.Close()
		require.Nil(t, res.Failure)
		require.Empty(t, replay.Unused())
		hashes[i] = res.Hash
		i++
	}
	require.Equal(t, hashes[0], hashes[1], "both backends take the same steps")
	require.Equal(t, got[0], got[1])
	return got[0]
}

func TestAStarvingWaiterIsHandedTheLock(t *testing.T) {
	// b and c are at the lock before a gives it up; barging still lets a overtake both twice.
	bothWait := []string{"switch a -> b before hold(b)#1", "switch a -> c before hold(c)#1"}
	require.Equal(t, "a-aabc", replayed(t, explore.Barging, queueing, bothWait...))
	require.Equal(t, "a-abca", replayed(t, explore.GoMutex, queueing, bothWait...),
		"a overtakes b once; then b and c, who were both overtaken, come before a")
	// c comes only when b starves already: it has not been overtaken, and after it anyone may barge.
	require.Equal(t, "a-abca", replayed(t, explore.GoMutex, queueing, "switch a -> b before hold(b)#1", "switch a -> c before lock(m)#3"))
}

func TestWhatNeedsAnUnfairLock(t *testing.T) {
	// Under barging c can overtake b, who was in the queue first, and a both of them twice.
	queueFirst := func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		m := w.NewMonitor("m")
		order := ""
		k.Client("a", w, func() {
			_ = m.Lock(context.Background())
			for _, name := range []string{"b", "c"} {
				w.Go(name, func() {
					_ = m.Lock(context.Background())
					order += name
					w.Touch("order", true)
					m.Unlock()
				})
				for range 2 { // time to come to the lock and to queue
					k.Before("hold", name)
				}
			}
			m.Unlock()
			for range 2 {
				_ = m.Lock(context.Background())
				order += "a"
				w.Touch("order", true)
				m.Unlock()
			}
		})
		k.AtEnd(func() { final(order) })
	}
	barging, fair := endings(t, explore.Barging, queueFirst), endings(t, explore.GoMutex, queueFirst)
	for s := range fair {
		require.Contains(t, barging, s, "barging allows whatever go allows")
	}
	require.Contains(t, barging, "aabc")
	bothQueue := []string{"switch a -> b before hold(b)#1", "switch a -> c before hold(c)#1"}
	require.Equal(t, "abca", replayed(t, explore.GoMutex, queueFirst, bothQueue...))
}

func TestAQueuedTaskIsCancelledAndWoken(t *testing.T) {
	program := func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		m := w.NewMonitor("m")
		guard := w.NewMonitor("log") // b says something without the lock
		var log []string
		say := func(what ...any) {
			_ = guard.Lock(context.Background())
			log = append(log, fmt.Sprint(what...))
			guard.Unlock()
		}
		k.Client("a", w, func() {
			_ = m.Lock(context.Background())
			w.Go("b", func() {
				ctx, cancel := w.WithDeadline(context.Background(), w.Now().Add(time.Second))
				defer cancel()
				say("b ", m.Lock(ctx))
			})
			w.Go("c", func() {
				_ = m.Lock(context.Background())
				say("c")
				m.Wake()
				m.Unlock()
			})
			_ = w.Sleep(context.Background(), time.Minute)
			say("a ", m.Wait(context.Background()))
			m.Unlock()
		})
		k.AtEnd(func() { final(strings.Join(log, ", ")) })
	}
	require.Equal(t, "b context deadline exceeded, c, a <nil>", replayed(t, explore.GoMutex, program))
}

func TestACrashLeavesTheQueueOfALivingWorld(t *testing.T) {
	program := func(k *explore.Kernel, final func(string)) {
		docker, plugin := k.World("docker"), k.World("plugin")
		m := docker.NewMonitor("m")
		log := ""
		use := func(name string) {
			_ = m.Lock(context.Background())
			log += name
			m.Unlock()
		}
		k.Client("a", docker, func() {
			_ = m.Lock(context.Background())
			docker.Go("b", func() { plugin.Within(func() { use("b") }) })
			docker.Go("c", func() { use("c") })
			_ = docker.Sleep(context.Background(), time.Second)
			plugin.Crash()
			log += "a"
			m.Unlock()
		})
		k.AtEnd(func() { final(log) })
	}
	require.Equal(t, "ac", replayed(t, explore.GoMutex, program))
}

// late is a wait whose deadline ends while another task holds the monitor, who then wakes it. It returns what the wait returns.
func late(env seam.Env, goDo func(name string, f func())) *error {
	m := env.NewMonitor("m")
	waits := false
	result := new(error)
	ctx := context.Background()
	goDo("holder", func() {
		_ = m.Lock(ctx)
		for !waits {
			_ = m.Wait(ctx)
		}
		_ = env.Sleep(ctx, 20*time.Millisecond)
		m.Wake()
		m.Unlock()
	})
	goDo("waiter", func() {
		_ = m.Lock(ctx)
		waits = true
		m.Wake()
		end, cancel := env.WithDeadline(ctx, env.Now().Add(time.Millisecond))
		defer cancel()
		*result = m.Wait(end)
		m.Unlock()
	})
	return result
}

func TestAWakeAfterTheDeadline(t *testing.T) {
	var err error
	for range 100 { // a waiter that gets no processor before the wake may be woken all the same
		var tasks sync.WaitGroup
		result := late(seam.Real(), func(_ string, f func()) { tasks.Go(f) })
		tasks.Wait()
		if err = *result; err != nil {
			break
		}
	}
	require.ErrorIs(t, err, context.DeadlineExceeded, "of production's monitor")
	for _, locks := range []explore.LockModel{explore.Barging, explore.GoMutex} {
		finals := endings(t, locks, func(k *explore.Kernel, final func(string)) {
			w := k.World("w")
			result := late(w, func(name string, f func()) { k.Client(name, w, f) })
			k.AtEnd(func() { final(fmt.Sprint(*result)) })
		})
		require.Equal(t, map[string]bool{"context deadline exceeded": true}, finals, "%v", locks)
	}
}

// TestAWakeBetweenTheDeadlineAndTheLock: who gives up still has to take the monitor, and others may come before it; who has
// not given up yet may be woken all the same.
func TestAWakeBetweenTheDeadlineAndTheLock(t *testing.T) {
	for _, locks := range []explore.LockModel{explore.Barging, explore.GoMutex} {
		finals := endings(t, locks, func(k *explore.Kernel, final func(string)) {
			w := k.World("w")
			m := w.NewMonitor("m")
			given, ctx := false, context.Background()
			var took string
			k.Client("taker", w, func() {
				_ = m.Lock(ctx)
				end, cancel := w.WithDeadline(ctx, w.Now().Add(1))
				defer cancel()
				err := m.Wait(end)
				took = fmt.Sprint(err, " given ", given)
				m.Unlock()
			})
			k.Client("giver", w, func() {
				_ = w.Sleep(ctx, 1)
				_ = m.Lock(ctx)
				w.Touch("given", true)
				given = true
				m.Wake()
				m.Unlock()
			})
			k.AtEnd(func() { final(took) })
		})
		require.Equal(t, map[string]bool{
			"context deadline exceeded given true": true, "context deadline exceeded given false": true, "<nil> given true": true,
		}, finals, "%v", locks)
	}
}
