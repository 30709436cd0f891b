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

// lostUpdate is two clients that read and write a counter in two sections of one lock.
func lostUpdate(k *explore.Kernel) {
	w := k.World("host")
	m := w.NewMonitor("counter")
	n := 0
	for _, name := range []string{"c1", "c2"} {
		k.Client(name, w, func() {
			ctx := context.Background()
			_ = m.Lock(ctx)
			seen := n
			m.Unlock()
			_ = m.Lock(ctx)
			n = seen + 1
			m.Unlock()
		})
	}
	k.AtEnd(func() {
		if n != 2 {
			k.Fail("lost update", fmt.Sprint(n))
		}
	})
}

func TestTheEmptyScheduleIsSequential(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	res := r.Run(lostUpdate, explore.Sequential{}, 0, explore.Options{Record: true})
	require.Nil(t, res.Failure)
	require.Empty(t, res.Deviations)
}

func TestARaceIsFoundShrunkAndReplayed(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	for seed := range uint64(100) {
		rep := r.Search(explore.Search{Strategy: explore.Random(seed), Schedules: 200}, lostUpdate)
		require.True(t, rep.Found, "seed %d", seed)
		m, res := r.Minimize(lostUpdate, rep.Result.Deviations, explore.Options{})
		ds := m.Deviations
		require.True(t, m.Proved)
		require.Equal(t, "lost update", res.Failure.Oracle)
		require.Len(t, ds, 1)
		var read []explore.Deviation
		for _, d := range ds {
			back, err := explore.ParseDeviation(d.String())
			require.NoError(t, err)
			require.Equal(t, d, back)
			read = append(read, back)
		}
		again := r.Run(lostUpdate, explore.NewReplay(read), 0, explore.Options{})
		require.Equal(t, res.Hash, again.Hash)
		for i := range read {
			part := append(append([]explore.Deviation(nil), read[:i]...), read[i+1:]...)
			require.Nil(t, r.Run(lostUpdate, explore.NewReplay(part), 0, explore.Options{}).Failure, "%v is not minimal", ds)
		}
	}
}

func TestDeadlockNamesWhoWaitsForWhom(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	abba := func(k *explore.Kernel) {
		w := k.World("host")
		a, b := w.NewMonitor("a"), w.NewMonitor("b")
		both := func(x, y seam.Monitor) func() {
			return func() {
				_ = x.Lock(context.Background())
				defer x.Unlock()
				_ = y.Lock(context.Background())
				defer y.Unlock()
			}
		}
		k.Client("c1", w, both(a, b))
		k.Client("c2", w, both(b, a))
	}
	rep := r.Search(explore.Search{Strategy: explore.Random(1), Schedules: 100}, abba)
	require.True(t, rep.Found)
	require.Equal(t, explore.DeadlockOracle, rep.Result.Failure.Oracle)
	require.Contains(t, rep.Result.Failure.Detail, "c1 waits for lock(b) held by c2, holds a")
	require.Contains(t, rep.Result.Failure.Detail, "c2 waits for lock(a) held by c1, holds b")
	require.Contains(t, rep.Result.Failure.Detail, "; cycle: c1 -> c2 -> c1")
	stuck := func(k *explore.Kernel) { // nobody holds what is waited for
		w := k.World("host")
		m := w.NewMonitor("m")
		k.Client("c1", w, func() { _ = m.Lock(context.Background()); _ = m.Wait(context.Background()) })
		k.Client("c2", w, func() { _ = m.Lock(context.Background()); k.Before("end", "held") })
		k.Client("c3", w, func() { _ = m.Lock(context.Background()) })
	}
	res := r.Run(stuck, explore.Sequential{}, 0, explore.Options{})
	require.Equal(t, "c1 waits for a wake of m held by c2, which has ended; c3 waits for lock(m) held by c2, which has ended", res.Failure.Detail)
	require.Nil(t, r.Run(lostUpdate, explore.Sequential{}, 0, explore.Options{}).Failure, "the runner works on after a deadlock")
}

func TestVirtualTime(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	var woke []string
	program := func(k *explore.Kernel) {
		woke = nil
		w := k.World("host")
		start := w.Now()
		k.Client("c1", w, func() {
			w.Go("late", func() { _ = w.Sleep(context.Background(), 2*time.Hour); woke = append(woke, "late") })
			w.Go("early", func() { _ = w.Sleep(context.Background(), time.Hour); woke = append(woke, "early") })
			ctx, cancel := w.WithDeadline(context.Background(), start.Add(90*time.Minute))
			defer cancel()
			err := w.Sleep(ctx, 24*time.Hour)
			woke = append(woke, fmt.Sprint(err, w.Now().Sub(start)))
		})
	}
	require.Nil(t, r.Run(program, explore.Sequential{}, 0, explore.Options{}).Failure)
	require.Equal(t, []string{"early", "context deadline exceeded 1h30m0s", "late"}, woke)
}

func TestADeadlineEndsAWaitForALock(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	var got error
	program := func(k *explore.Kernel) {
		w := k.World("host")
		m := w.NewMonitor("m")
		k.Client("c1", w, func() {
			_ = m.Lock(context.Background())
			defer m.Unlock()
			w.Go("waiter", func() {
				ctx, cancel := w.WithDeadline(context.Background(), w.Now().Add(time.Second))
				defer cancel()
				got = m.Lock(ctx)
			})
			_ = w.Sleep(context.Background(), time.Minute)
		})
	}
	require.Nil(t, r.Run(program, explore.Sequential{}, 0, explore.Options{}).Failure)
	require.ErrorIs(t, got, context.DeadlineExceeded)
}

func TestACrashedWorldActsNoMore(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	var did []string
	program := func(k *explore.Kernel) {
		did = nil
		plugin, host := k.World("plugin"), k.World("host")
		m := plugin.NewMonitor("m")
		k.Client("c1", plugin, func() {
			defer func() {
				k.Before("rollback", "x")
				did = append(did, "rollback")
			}()
			_ = m.Lock(context.Background())
			defer m.Unlock()
			k.Before("act", "x")
			did = append(did, "act")
		})
		k.Client("crash", host, plugin.Crash)
	}
	crash := func(site string) {
		d, err := explore.ParseDeviation("switch c1 -> crash before " + site + "#1")
		require.NoError(t, err)
		require.Nil(t, r.Run(program, explore.NewReplay([]explore.Deviation{d}), 0, explore.Options{}).Failure)
	}
	crash("act(x)")
	require.Empty(t, did)
	crash("rollback(x)")
	require.Equal(t, []string{"act"}, did)
}

func TestAClientOutlivesTheWorldItCalls(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	var did []string
	program := func(k *explore.Kernel) {
		did = nil
		docker, plugin := k.World("docker"), k.World("plugin")
		k.Client("c1", docker, func() {
			for range 2 {
				crashed := plugin.Within(func() {
					k.Before("act", "x")
					did = append(did, "act")
				})
				did = append(did, fmt.Sprint(crashed))
			}
			k.Before("go", "on")
			did = append(did, "on")
		})
		k.Client("crash", docker, plugin.Crash)
	}
	run := func(schedule ...string) []string {
		var ds []explore.Deviation
		for _, text := range schedule {
			d, err := explore.ParseDeviation(text)
			require.NoError(t, err)
			ds = append(ds, d)
		}
		require.Nil(t, r.Run(program, explore.NewReplay(ds), 0, explore.Options{}).Failure)
		return did
	}
	require.Equal(t, []string{"act", "false", "act", "false", "on"}, run())
	require.Equal(t, []string{"true", "true", "on"}, run("switch c1 -> crash before act(x)#1"))
	require.Equal(t, []string{"act", "false", "true", "on"}, run("switch c1 -> crash before act(x)#2"))
}

func TestAPanicIsAFailureWithItsStack(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	res := r.Run(func(k *explore.Kernel) {
		k.Client("c1", k.World("w"), func() { panic("boom") })
	}, explore.Sequential{}, 0, explore.Options{})
	require.Equal(t, explore.PanicOracle, res.Failure.Oracle)
	require.Contains(t, res.Failure.Detail, "boom")
	require.Contains(t, res.Failure.Detail, "explore_test.go")
}

func TestFaultsCostTheBudgetAndReplay(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	program := func(k *explore.Kernel) {
		w := k.World("host")
		k.Client("c1", w, func() {
			lost := 0
			for range 5 {
				k.Before("send", "m")
				if k.Choose("send", "m", "delay", "lose") == 2 {
					lost++
				}
			}
			if lost == 2 {
				k.Fail("lost", "two messages")
			}
		})
	}
	o := explore.Options{Faults: 1}
	require.False(t, r.Search(explore.Search{Strategy: explore.Random(3), Schedules: 2000, Options: o}, program).Found)
	o.Faults = 2
	rep := r.Search(explore.Search{Strategy: explore.Random(3), Schedules: 2000, Options: o}, program)
	require.True(t, rep.Found)
	m, _ := r.Minimize(program, rep.Result.Deviations, o)
	require.Len(t, m.Deviations, 2)
	require.True(t, m.Proved)
	require.Equal(t, explore.Fault, m.Deviations[0].Kind)
}

func TestEveryKindOfEventEntersTheHash(t *testing.T) {
	base := explore.Event{Kind: explore.StepEvent, Task: "c1", Point: explore.Point{Op: "lock", Object: "m"}, Text: "x"}
	seen := map[explore.Hash]explore.Event{}
	add := func(e explore.Event) {
		h := explore.NewHash().Add(e)
		require.NotContains(t, seen, h, "%+v", e)
		seen[h] = e
	}
	for kind := explore.StepEvent; kind <= explore.FailureEvent; kind++ {
		for i := range 5 {
			e := base
			e.Kind = kind
			switch i {
			case 1:
				e.Task += "'"
			case 2:
				e.Point.Op += "'"
			case 3:
				e.Point.Object += "'"
			case 4:
				e.Text += "'"
			}
			add(e)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	r := explore.NewRunner()
	defer r.Close()
	s := explore.Random(1)
	steps := 0
	for i := range b.N {
		steps += r.Run(lostUpdate, s, i, explore.Options{}).Steps
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/step")
}

// A background task's name may have blanks, and what is worked on any character but a parenthesis.
func TestDeviationsOfTasksWithBlanks(t *testing.T) {
	for _, d := range []explore.Deviation{
		{Kind: explore.Fault, Fault: "busy", Site: explore.Site{Task: "let go data", Point: explore.Point{Op: "release", Object: "a disk"}, N: 2}},
		{Kind: explore.Fault, Fault: "busy", Site: explore.Site{Task: "c1", Point: explore.Point{Op: "release"}, N: 1}},
		{Kind: explore.Switch, To: "let go data", Site: explore.Site{Task: "let go logs", Point: explore.Point{Op: "release", Object: "a"}, N: 1}},
	} {
		back, err := explore.ParseDeviation(d.String())
		require.NoError(t, err)
		require.Equal(t, d, back)
	}
	for _, text := range []string{"fault busy at release(x)#1", "fault busy at", "fault busy at c1 release", "fault busy"} {
		_, err := explore.ParseDeviation(text)
		require.Error(t, err, text)
	}
}
