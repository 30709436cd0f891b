package explore_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/explore"
	"vmdkvol/seam"
)

// mostRuns bounds a search of a test.
const mostRuns = 8_000

// all runs a search to its end and returns the final states that it saw; nil if the end is too far away.
func all(t require.TestingT, plain bool, o explore.Options, program func(k *explore.Kernel, final func(string))) (map[string]bool, explore.ExhaustiveStats) {
	return everything(t, explore.NewExhaustive(plain), o, program)
}

func everything(_ require.TestingT, dfs *explore.Exhaustive, o explore.Options, program func(k *explore.Kernel, final func(string))) (map[string]bool, explore.ExhaustiveStats) {
	r := explore.NewRunner()
	defer r.Close()
	finals := map[string]bool{}
	for n := 0; dfs.More(); n++ {
		if n == mostRuns {
			return nil, dfs.Stats()
		}
		res := r.Run(func(k *explore.Kernel) {
			program(k, func(s string) { finals[s] = true })
		}, dfs, n, o)
		if res.Failure != nil {
			finals["failure "+res.Failure.Oracle] = true
		}
	}
	return finals, dfs.Stats()
}

func sections(keys [][]string) func(k *explore.Kernel, final func(string)) {
	return func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		m := w.NewMonitor("table")
		state := map[string]string{}
		for i, ks := range keys {
			k.Client(fmt.Sprintf("c%d", i), w, func() {
				for _, key := range ks {
					_ = m.Lock(context.Background())
					w.Touch(key, true)
					state[key] += fmt.Sprint(i)
					m.Unlock()
				}
			})
		}
		k.AtEnd(func() { final(fmt.Sprint(state)) })
	}
}

func TestReductionCounts(t *testing.T) {
	_, s := all(t, false, explore.Options{}, sections([][]string{{"x"}, {"y"}, {"z"}}))
	require.Equal(t, 1, s.Traces, "sections of different keys commute: %+v", s)
	finals, s := all(t, false, explore.Options{}, sections([][]string{{"x", "x"}, {"x", "x"}}))
	require.Len(t, finals, 6)
	require.Equal(t, 6, s.Traces, "%+v", s)
	finals, s = all(t, false, explore.Options{}, sections([][]string{{"x", "x", "x"}, {"x", "x", "x"}, {"x", "x", "x"}}))
	require.Len(t, finals, 1680)
	require.Equal(t, 1680, s.Traces, "%+v", s)
}

// TestAClockThatHadToMoveCallsForNobody: it cannot come before a step of somebody who could go on.
func TestAClockThatHadToMoveCallsForNobody(t *testing.T) {
	_, s := all(t, false, explore.Options{}, func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		for _, name := range []string{"a", "b", "c"} {
			k.Client(name, w, func() {
				k.Before("act", name)
				w.Touch(name, true)
				_ = w.Sleep(t.Context(), time.Second)
			})
		}
		k.AtEnd(func() { final("") })
	})
	require.Equal(t, explore.ExhaustiveStats{Runs: 1, Traces: 1}, s)
}

// act is one step of a random program.
type act struct{ kind, object int }

// randomProgram has short and long sections, waits, deadlines and faults.
func randomProgram(clients [][]act) func(k *explore.Kernel, final func(string)) {
	return func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		table := w.NewMonitor("table")
		long := []seam.Monitor{w.NewMonitor("l0"), w.NewMonitor("l1")}
		queue := w.NewMonitor("queue")
		ready := 0
		var stops []context.CancelFunc
		vars := [2]string{}
		log, done := make([]string, len(clients)), make([]int, len(clients))
		ctx := context.Background()
		for i, acts := range clients {
			k.Client(fmt.Sprintf("c%d", i), w, func() {
				use := func(v int) {
					w.Touch(fmt.Sprint("l", v), true) // the name of a monitor, too
					vars[v] += fmt.Sprint(i)
				}
				for n, a := range acts {
					k.Call(fmt.Sprint(i, n))
					log[i] += fmt.Sprint(done) // what the history says: which answers came before which calls
					switch a.kind {
					case 0: // a short section of a key
						_ = table.Lock(ctx)
						use(a.object)
						table.Unlock()
					case 1: // a long section with an effect in it
						_ = long[a.object].Lock(ctx)
						k.Before("act", fmt.Sprint(a.object))
						use(a.object)
						k.Before("act", "done")
						long[a.object].Unlock()
					case 7: // a short section of a monitor that others hold for long
						_ = long[a.object].Lock(ctx)
						use(1 - a.object)
						long[a.object].Unlock()
					case 2: // read
						k.Before("read", fmt.Sprint(a.object))
						w.Touch(fmt.Sprint("l", a.object), false)
						log[i] += vars[a.object] + ","
					case 3: // put
						_ = queue.Lock(ctx)
						ready++
						queue.Wake()
						queue.Unlock()
					case 4: // take, if there is something or someone may still put
						_ = queue.Lock(ctx)
						if ready > 0 {
							ready--
							log[i] += "took,"
						}
						queue.Unlock()
					case 8: // take, and wait for it until a deadline
						end, cancel := w.WithDeadline(ctx, w.Now().Add(time.Duration(a.object+1)))
						err := queue.Lock(end)
						if err == nil {
							for ready == 0 && err == nil {
								err = queue.Wait(end)
							}
							if err == nil {
								ready--
							}
							queue.Unlock()
						}
						log[i] += fmt.Sprint(err, ",")
						cancel()
					case 9: // hold the queue for a time
						_ = queue.Lock(ctx)
						_ = w.Sleep(ctx, time.Duration(a.object+1))
						ready++
						queue.Wake()
						use(a.object)
						k.Before("act", "queue")
						queue.Unlock()
					case 10: // wait for a put with a context that another client may end
						_ = queue.Lock(ctx)
						shared, stop := w.WithDeadline(ctx, w.Now().Add(5))
						w.Touch("stop", true)
						stops = append(stops, stop)
						queue.Unlock()
						w.Go(fmt.Sprintf("guest%d", i), func() {
							if err := long[a.object].Lock(shared); err != nil {
								log[i] += fmt.Sprint("guest ", err, ",")
								return
							}
							use(a.object)
							log[i] += fmt.Sprint("guest ", long[a.object].Wait(shared), ",")
							long[a.object].Unlock()
						})
					case 11: // end such contexts
						k.Before("stop", "all")
						w.Touch("stop", true)
						for _, stop := range stops {
							stop()
						}
						log[i] += fmt.Sprint("stopped ", len(stops), ",")
					case 5: // a background task that does something
						w.Go(fmt.Sprintf("bg%d", i), func() {
							k.Before("bg", "x")
							use(a.object)
						})
					case 6: // fault
						k.Before("send", "x")
						if k.Choose("send", "x", "lose") == 1 {
							log[i] += "lost,"
						}
					}
					k.Return(fmt.Sprint(i, n))
					done[i]++
				}
			})
		}
		k.AtEnd(func() { final(fmt.Sprint(vars, log, ready)) })
	}
}

func TestReducedSearchSeesWhatPlainSearchSees(t *testing.T) {
	for _, locks := range []explore.LockModel{explore.Barging, explore.GoMutex} {
		t.Run(locks.String(), func(t *testing.T) { plainAndReducedAgree(t, 11, explore.Options{Faults: 1, Locks: locks}) })
	}
}

// drawActs draws clients of so few acts, of the first kinds, that a plain search comes to an end.
func drawActs(kinds int) func(t *rapid.T) [][]act {
	return func(t *rapid.T) [][]act {
		clients := make([][]act, rapid.IntRange(2, 3).Draw(t, "clients"))
		budget := 5
		for i := range clients {
			n := rapid.IntRange(1, 3).Draw(t, "n")
			for range min(n, budget) {
				a := act{rapid.IntRange(0, kinds).Draw(t, "kind"), rapid.IntRange(0, 1).Draw(t, "object")}
				clients[i] = append(clients[i], a)
				budget--
				if a.kind == 1 {
					budget--
				}
			}
		}
		return clients
	}
}

func drawExample(kinds, seed int) [][]act { return rapid.Custom(drawActs(kinds)).Example(seed) }

// agreeing is how many programs are compared, whatever rapid is told to do.
func agreeing() int {
	if n, err := strconv.Atoi(os.Getenv("VMDKVOL_AGREEING")); err == nil {
		return n
	}
	return shortly(120)
}

// shortly is a quarter if the tests are to be short, as they are under the race detector, which sees nothing in coroutines.
func shortly(programs int) int {
	if testing.Short() {
		return programs / 4
	}
	return programs
}

// plainAndReducedAgree compares plain and reduced searches.
func plainAndReducedAgree(t *testing.T, kinds int, o explore.Options) {
	programsAgree(t, agreeing(), func(seed int) [][]act { return drawExample(kinds, seed) }, randomProgram, o)
}

func programsAgree(
	t *testing.T, n int, draw func(seed int) [][]act, program func([][]act) func(*explore.Kernel, func(string)), o explore.Options,
) {
	compared, traces, sleepers := 0, 0, 0
	// An early step of the clock, and one that the clock must make because nobody can go on, are two.
	defer func() { require.LessOrEqual(t, traces, sleepers+sleepers*o.Faults/100) }()
	for seed := 0; compared < n; seed++ {
		clients := draw(seed)
		plain, ps := all(t, true, o, program(clients))
		if plain == nil {
			continue // too many schedules for a plain search
		}
		compared++
		reduced, rs := all(t, false, o, program(clients))
		require.Equal(t, plain, reduced, "program %v: plain %+v, reduced %+v", clients, ps, rs)
		require.LessOrEqual(t, rs.Traces, ps.Runs)
		slept, ss := everything(t, explore.NewSleepSets(), o, program(clients))
		require.Equal(t, plain, slept, "program %v: plain %+v, sleep sets %+v", clients, ps, ss)
		traces, sleepers = traces+rs.Traces, sleepers+ss.Traces
	}
}

// TestWhatTheReducedSearchLost has the least programs with which it once lost something.
func TestWhatTheReducedSearchLost(t *testing.T) {
	for _, c := range []struct {
		name    string
		faults  int
		clients [][]act
	}{
		{"an early clock had the first step for its cause", 1, [][]act{{{2, 0}}, {{8, 0}}}},
		{"who is woken after his deadline could go on before", 1, [][]act{{{8, 0}, {3, 0}}, {{8, 0}}}},
		{"which of two timers of one instant was set first", 0, [][]act{{{3, 1}, {9, 0}}, {{7, 1}, {8, 0}, {0, 0}}}},
		{"someone else's context is cancelled", 0, [][]act{{{11, 0}, {4, 0}, {1, 1}}, {{10, 0}}}},
		{"a run is given up while someone waits for a monitor", 0, [][]act{{{2, 0}}, {{9, 0}}, {{3, 0}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := explore.Options{Faults: c.faults}
			plain, _ := all(t, true, o, randomProgram(c.clients))
			reduced, _ := all(t, false, o, randomProgram(c.clients))
			require.Equal(t, plain, reduced)
		})
	}
}

func TestDeadlockIsFoundByTheReducedSearch(t *testing.T) {
	finals, s := all(t, false, explore.Options{}, func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		a, b := w.NewMonitor("a"), w.NewMonitor("b")
		both := func(x, y seam.Monitor) func() {
			return func() {
				_ = x.Lock(context.Background())
				_ = y.Lock(context.Background())
				y.Unlock()
				x.Unlock()
			}
		}
		k.Client("c1", w, both(a, b))
		k.Client("c2", w, both(b, a))
		k.AtEnd(func() { final("end") })
	})
	require.True(t, finals["failure deadlock"], "%+v", s)
	require.True(t, finals["end"])
}

func TestFirstStepsRaceToo(t *testing.T) {
	finals, s := all(t, false, explore.Options{}, func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		order := ""
		for _, name := range []string{"a", "b", "c"} {
			k.Client(name, w, func() {
				w.Touch("order", true)
				order += name
			})
		}
		k.AtEnd(func() { final(order) })
	})
	require.Len(t, finals, 6, "%+v", s)
}
