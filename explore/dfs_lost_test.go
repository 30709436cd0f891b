package explore_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/seam"
)

// Programs of which the reduced search once lost something, and that the random ones do not come to.

// TestTheClockIsAwakeAfterItHadToMove: a has the lock that x and d had before, and waits for z. Then nobody can go on until 1,
// and the clock, whose step to 1 had been tried and slept, moves on to 2 before z does anything.
func TestTheClockIsAwakeAfterItHadToMove(t *testing.T) {
	finals, _ := all(t, false, explore.Options{Faults: 1}, func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		m, m2 := w.NewMonitor("m"), w.NewMonitor("m2")
		ctx := context.Background()
		order, ends := "", ""
		take := func(name string) {
			_ = m.Lock(ctx)
			order += name
		}
		sleep := func(name string, d time.Duration) {
			_ = w.Sleep(ctx, d)
			w.Touch("ends", true)
			ends += name
		}
		k.Client("z", w, func() {
			_ = m2.Lock(ctx)
			take("z")
			m.Unlock()
			sleep("z", 1)
			m2.Unlock()
		})
		k.Client("x", w, func() {
			take("x")
			m.Unlock()
			sleep("x", 2)
		})
		k.Client("d", w, func() {
			take("d")
			m.Unlock()
		})
		k.Client("a", w, func() {
			take("a")
			_ = m2.Lock(ctx)
			m2.Unlock()
			m.Unlock()
		})
		k.AtEnd(func() { final(order + " " + ends) })
	})
	require.Contains(t, finals, "zxad xz")
}

// TestTheClockCanBeFirst: a deadline that is made before the first step ends before it.
func TestTheClockCanBeFirst(t *testing.T) {
	program := func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		ctx, cancel := w.WithDeadline(context.Background(), w.Now().Add(time.Second))
		log := ""
		k.Client("a", w, func() {
			log += fmt.Sprint(ctx.Err())
			k.Before("act", "a")
			log += fmt.Sprint(", ", ctx.Err())
			cancel()
		})
		k.AtEnd(func() { final(log) })
	}
	plain, _ := all(t, true, explore.Options{Faults: 1}, program)
	require.Len(t, plain, 3)
	reduced, _ := all(t, false, explore.Options{Faults: 1}, program)
	require.Equal(t, plain, reduced)
}

// TestWhoGoesOnFirstAfterACrash: which of two tasks was created first makes no difference, also not to who goes on first when
// the server that both have called crashes.
func TestWhoGoesOnFirstAfterACrash(t *testing.T) {
	program := func(k *explore.Kernel, final func(string)) {
		w, server := k.World("w"), k.World("server")
		log := ""
		for _, name := range []string{"a", "b"} {
			k.Client(name, w, func() {
				w.Go("job "+name, func() {
					did := 0
					if server.Within(func() {
						k.Before("work", name)
						did++
						k.Before("work", name)
					}) {
						w.Touch("log", true)
						log += fmt.Sprint(name, did)
					}
				})
			})
		}
		k.Client("crash", w, func() {
			k.Before("crash", "server")
			server.Crash()
		})
		k.AtEnd(func() { final(log) })
	}
	plain, _ := all(t, true, explore.Options{}, program)
	require.NotNil(t, plain)
	reduced, _ := all(t, false, explore.Options{}, program)
	require.Equal(t, plain, reduced)
}

// TestMonitorsOfOneNameAreNotOne: the locks of two servers have one name and exclude nobody from each other.
func TestMonitorsOfOneNameAreNotOne(t *testing.T) {
	for _, records := range []bool{false, true} {
		program := func(k *explore.Kernel, final func(string)) {
			log := ""
			for _, name := range []string{"a", "b"} {
				w := k.World(name)
				k.Client(name, w, func() {
					w.Touch("m", !records)
					m := w.NewMonitor("m")
					_ = m.Lock(context.Background())
					for range 2 {
						k.Before("act", name)
						w.Touch("log", true)
						log += name
					}
					m.Unlock()
				})
			}
			k.AtEnd(func() { final(log) })
		}
		o := explore.Options{Records: records}
		plain, _ := all(t, true, o, program)
		require.Len(t, plain, 6)
		reduced, _ := all(t, false, o, program)
		require.Equal(t, plain, reduced)
	}
}

// TestALockThatIsForgottenWhileItIsHeld: a table of locks whose last user forgets to look who waits makes a second lock of the
// same name, and then two hold one each.
func TestALockThatIsForgottenWhileItIsHeld(t *testing.T) {
	for _, records := range []bool{false, true} {
		program := func(k *explore.Kernel, final func(string)) {
			w := k.World("w")
			table := w.NewMonitor("table")
			var lock seam.Monitor
			within, overlap := 0, ""
			ctx := context.Background()
			for _, name := range []string{"a", "b", "c"} {
				k.Client(name, w, func() {
					_ = table.Lock(ctx)
					w.Touch("v", lock == nil)
					if lock == nil {
						lock = w.NewMonitor("v")
					}
					mine := lock
					table.Unlock()
					_ = mine.Lock(ctx)
					w.Touch("within", true)
					if within++; within > 1 {
						overlap += name
					}
					k.Before("act", name)
					w.Touch("within", true)
					within--
					mine.Unlock()
					_ = table.Lock(ctx)
					w.Touch("v", true)
					lock = nil
					table.Unlock()
				})
			}
			k.AtEnd(func() { final(overlap) })
		}
		o := explore.Options{Records: records}
		finals, s := all(t, false, o, program)
		if records { // only that it happens: the program is not what it says of itself
			require.Contains(t, finals, "c", "%+v", s)
			continue
		}
		require.Equal(t, map[string]bool{"": true, "a": true, "b": true, "c": true}, finals, "%+v", s)
	}
}

// TestATickAfterTheEnd: a deadline that nobody ends could end before the last step of a task that looks at the time.
func TestATickAfterTheEnd(t *testing.T) {
	program := func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		log := ""
		k.Client("a", w, func() { log = w.Now().Format(time.StampNano) })
		k.Client("b", w, func() { _, _ = w.WithDeadline(context.Background(), w.Now().Add(1)) })
		k.AtEnd(func() { final(log) })
	}
	plain, _ := all(t, true, explore.Options{Faults: 1}, program)
	require.Len(t, plain, 2)
	reduced, _ := all(t, false, explore.Options{Faults: 1}, program)
	require.Equal(t, plain, reduced)
}

// TestSearchTellsTheReductionAll: a search counts what a strategy does, and must not come between it and the kernel.
func TestSearchTellsTheReductionAll(t *testing.T) {
	clients := [][]act{{{2, 0}}, {{9, 0}}, {{3, 0}}}
	plain, _ := all(t, true, explore.Options{}, randomProgram(clients))
	r := explore.NewRunner()
	defer r.Close()
	finals := map[string]bool{}
	rep := r.Search(explore.Search{Strategy: explore.NewExhaustive(false), Schedules: mostRuns, Coverage: &explore.Coverage{}}, func(k *explore.Kernel) {
		randomProgram(clients)(k, func(s string) { finals[s] = true })
	})
	require.True(t, rep.Complete)
	require.Equal(t, plain, finals)
}

// TestASleeperThatDoesSomethingElse: c0, which slept where c1 wrote a, is woken by that and does not write x any more. That c2
// could write x before c0 does, and both before c1, no race in these runs tells.
func TestASleeperThatDoesSomethingElse(t *testing.T) {
	program := func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		x, a, b, saw := "", 0, 0, 0
		write := func(text string) {
			w.Touch("x", true)
			x += text
		}
		k.Client("c0", w, func() {
			k.Before("look", "a")
			w.Touch("a", false)
			w.Touch("b", false)
			if saw = b; a == 0 {
				write("0")
			}
		})
		k.Client("c1", w, func() {
			k.Before("write", "a")
			w.Touch("a", true)
			a = 1
			k.Before("write", "x")
			write("1")
			w.Touch("b", true)
			b = 1
		})
		k.Client("c2", w, func() { write("2") })
		k.AtEnd(func() { final(fmt.Sprint(x, saw)) })
	}
	plain, _ := all(t, true, explore.Options{}, program)
	require.Len(t, plain, 7)
	reduced, _ := all(t, false, explore.Options{}, program)
	require.Equal(t, plain, reduced)
}

// TestToLeaveARecordCountsEvenIfOthersAreThere: whoever comes to a record before its only user leaves keeps it, and would have
// made another one afterwards. In between, others see that there is none. So to leave is to write, whoever is left.
func TestToLeaveARecordCountsEvenIfOthersAreThere(t *testing.T) {
	record := func(body ...stmt) stmt { return stmt{kind: "record", body: body} }
	clients := [][]stmt{
		{record(stmt{kind: "act"})},
		{{kind: "act"}, record(stmt{kind: "read", object: 1})},
		{{kind: "read"}, {kind: "look"}, {kind: "act", object: 1}},
	}
	slept, _ := statesOf(explore.NewSleepSets(), explore.Options{}, mostRuns, clients)
	require.Len(t, slept, 24)
	reduced, _ := statesOf(explore.NewExhaustive(false), explore.Options{}, mostRuns, clients)
	require.Equal(t, slept, reduced)
}

// TestASleepingClockIsStopped: a ends its deadline. Where the clock sleeps then, nobody sees that b looks at the time, and
// that this could come before both an early end of the deadline and what c does.
func TestASleepingClockIsStopped(t *testing.T) {
	program := func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		x, saw := "", 0
		write := func(text string) {
			w.Touch("x", true)
			x += text
		}
		k.Client("a", w, func() {
			ctx, cancel := w.WithDeadline(context.Background(), w.Now().Add(1))
			k.Before("act", "a")
			if ctx.Err() == nil {
				write("a")
			}
			cancel()
		})
		k.Client("b", w, func() { saw = w.Now().Nanosecond() })
		k.Client("c", w, func() {
			k.Before("act", "c")
			write("c")
		})
		k.AtEnd(func() { final(fmt.Sprint(x, saw)) })
	}
	plain, _ := all(t, true, explore.Options{Faults: 1}, program)
	require.Len(t, plain, 4)
	reduced, _ := all(t, false, explore.Options{Faults: 1}, program)
	require.Equal(t, plain, reduced)
}

// TestWhoIsWokenCouldHaveGivenUp: a is woken before its deadline ends. Had that ended first, a could have given up before b looks.
func TestWhoIsWokenCouldHaveGivenUp(t *testing.T) {
	for _, locks := range []explore.LockModel{explore.Barging, explore.GoMutex} {
		program := func(k *explore.Kernel, final func(string)) {
			w := k.World("w")
			m := w.NewMonitor("m")
			log, saw := "", ""
			k.Client("a", w, func() {
				_ = m.Lock(context.Background())
				ctx, cancel := w.WithDeadline(context.Background(), w.Now().Add(1))
				w.Go("b", func() {
					_ = m.Lock(context.Background())
					saw = log
					m.Wake()
					m.Unlock()
				})
				log = fmt.Sprint(m.Wait(ctx))
				m.Unlock()
				cancel()
			})
			k.AtEnd(func() { final(fmt.Sprintf("%q %q", log, saw)) })
		}
		o := explore.Options{Faults: 1, Locks: locks}
		plain, _ := all(t, true, o, program)
		require.Len(t, plain, 3)
		reduced, _ := all(t, false, o, program)
		require.Equal(t, plain, reduced)
	}
}

// TestWhoStopsAtALockWouldHaveGoneOn: a step that does nothing ends only because somebody holds what comes next. Where the lock is
// free it is one with the next step, and so it does not show that its task can come first.
func TestWhoStopsAtALockWouldHaveGoneOn(t *testing.T) {
	program := deciding(drawMoves(202029))
	slept, _ := everything(t, explore.NewSleepSets(), explore.Options{}, program)
	require.Len(t, slept, 287)
	reduced, _ := all(t, false, explore.Options{}, program)
	require.Equal(t, slept, reduced)
}

// TestToAskTheTimeSaysNothingOfASection: what a section is about is not known if all it declares is that it looks at the clock.
func TestToAskTheTimeSaysNothingOfASection(t *testing.T) {
	finals, _ := all(t, false, explore.Options{}, func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		m := w.NewMonitor("m")
		log := ""
		for _, name := range []string{"a", "b"} {
			k.Client(name, w, func() {
				_ = m.Lock(context.Background())
				_ = w.Now()
				_, cancel := w.WithDeadline(context.Background(), w.Now())
				cancel()
				log += name
				m.Unlock()
			})
		}
		k.AtEnd(func() { final(log) })
	})
	require.Equal(t, map[string]bool{"ab": true, "ba": true}, finals)
}
