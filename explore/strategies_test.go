package explore_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/seam"
)

// abba is two clients that take two locks in two orders.
func abba(k *explore.Kernel) {
	w := k.World("host")
	a, b := w.NewMonitor("a"), w.NewMonitor("b")
	k.Client("c1", w, both(a, b))
	k.Client("c2", w, both(b, a))
}

func both(x, y seam.Monitor) func() {
	return func() {
		_ = x.Lock(context.Background())
		defer x.Unlock()
		_ = y.Lock(context.Background())
		defer y.Unlock()
	}
}

// zigzag fails if the third step of c1, the third of c2, the sixth of c1 and the sixth of c2 come in this order: a bug of
// depth 3, since two changes of priority lead there, and one does not.
func zigzag(k *explore.Kernel) {
	const steps = 8
	w := k.World("host")
	var order strings.Builder
	for _, name := range []string{"c1", "c2"} {
		k.Client(name, w, func() {
			for i := range steps {
				k.Before("step", name)
				if i == 2 || i == 5 {
					w.Touch("order", true)
					order.WriteString(name)
				}
			}
		})
	}
	k.AtEnd(func() {
		if order.String() == "c1c2c1c2" {
			k.Fail("zigzag", order.String())
		}
	})
}

func strategy(t require.TestingT, name string, seed uint64) explore.Strategy {
	s, err := explore.NewStrategy(name, seed, 1, 1)
	require.NoError(t, err)
	return s
}

func TestEveryStrategyFindsTheBugs(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	for _, name := range []string{"portfolio", "random", "pct:3", "pos", "delay:2", "idb", "dfs"} {
		for bug, program := range map[string]explore.Program{"lost update": lostUpdate, explore.DeadlockOracle: abba, "zigzag": zigzag} {
			for seed := range uint64(20) {
				rep := r.Search(explore.Search{Strategy: strategy(t, name, seed), Schedules: 5000}, program)
				require.True(t, rep.Found, "%s, %s, seed %d", name, bug, seed)
				require.Equal(t, bug, rep.Result.Failure.Oracle)
				require.Equal(t, rep.Schedules, rep.Run+1)
			}
		}
	}
	require.False(t, r.Search(explore.Search{Strategy: explore.Sequential{}, Schedules: 10}, lostUpdate).Found)
	require.False(t, r.Search(explore.Search{Strategy: explore.Delay(1, 0), Schedules: 100}, lostUpdate).Found)
	require.False(t, r.Search(explore.Search{Strategy: explore.PCT(1, 1), Schedules: 100}, zigzag).Found)
	require.False(t, r.Search(explore.Search{Strategy: explore.PCT(1, 2), Schedules: 5000}, zigzag).Found, "depth 3 needs two changes")
}

// TestTheGuaranteeOfPCT counts how many runs find the bug of depth 3, which must be at least as many as promised. Seeds
// are fixed, so the test cannot fail by chance.
func TestTheGuaranteeOfPCT(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	shape := explore.Shape{Choices: 16}
	shape.Add(r.Search(explore.Search{Strategy: explore.Delay(1, 1), Schedules: 100}, zigzag).Shape)
	require.Equal(t, 2, shape.Tasks)
	const runs = 40_000
	s := explore.PCT(7, 3)
	s.(explore.Sized).Size(shape)
	found := 0
	for n := range runs {
		if r.Run(zigzag, s, n, explore.Options{}).Failure != nil {
			found++
		}
	}
	promised := runs / (float64(shape.Tasks) * math.Pow(float64(shape.Choices), 2))
	require.Greater(t, float64(found), promised)
	require.Less(t, found, runs/4)
}

// orders runs three clients with three sections of one lock each, which has 9!/(3!)³ = 1,680 orders, and counts those
// that were seen.
func orders(s explore.Strategy, runs int) int {
	r := explore.NewRunner()
	defer r.Close()
	program := sections([][]string{{"x", "x", "x"}, {"x", "x", "x"}, {"x", "x", "x"}})
	finals := map[string]bool{}
	r.Search(explore.Search{Strategy: s, Schedules: runs}, func(k *explore.Kernel) {
		program(k, func(s string) { finals[s] = true })
	})
	return len(finals)
}

func TestDistribution(t *testing.T) {
	for _, c := range []struct {
		strategy    explore.Strategy
		runs        int
		least, most int
	}{
		{explore.Random(1), 2000, 750, 1680},
		{explore.Random(1), 20_000, 1400, 1680},
		{explore.POS(1), 2000, 750, 1680},
		{explore.POS(1), 20_000, 1400, 1680},
		{explore.PCT(1, 2), 2000, 15, 100},
		{explore.PCT(1, 3), 2000, 60, 400},
		{explore.NewPortfolio(1), 20_000, 1400, 1680},
		{explore.NewExhaustive(false), 20_000, 1680, 1680},
	} {
		n := orders(c.strategy, c.runs)
		t.Logf("%T: %d orders in %d runs", c.strategy, n, c.runs)
		require.GreaterOrEqual(t, n, c.least, "%T, %d runs", c.strategy, c.runs)
		require.LessOrEqual(t, n, c.most, "%T, %d runs", c.strategy, c.runs)
	}
}

// TestARunDependsOnSeedAndNumberAlone: whatever ran before, and on whichever runner.
func TestARunDependsOnSeedAndNumberAlone(t *testing.T) {
	program := func(k *explore.Kernel) {
		randomProgram([][]act{{{0, 0}, {6, 0}, {1, 1}}, {{0, 0}, {5, 0}, {6, 1}}, {{7, 1}, {3, 0}, {6, 0}}})(k, func(string) {})
	}
	o := explore.Options{Faults: 2}
	for _, name := range []string{"portfolio", "random", "pct:3", "pos", "delay:2", "default"} {
		r := explore.NewRunner()
		one := strategy(t, name, 3)
		var hashes []explore.Hash
		for n := range 200 {
			hashes = append(hashes, r.Run(program, one, n, o).Hash)
		}
		r.Close()
		r = explore.NewRunner()
		two := strategy(t, name, 3)
		different := map[explore.Hash]bool{}
		for n := 199; n >= 0; n-- {
			if !explore.InOrder(two, n) {
				require.Equal(t, hashes[n], r.Run(program, two, n, o).Hash, "%s, run %d", name, n)
				different[hashes[n]] = true
			}
		}
		r.Close()
		if name != "default" {
			require.Greater(t, len(different), 20, name)
		}
		other := strategy(t, name, 4)
		same := 0
		for n := range 200 {
			if !explore.InOrder(other, n) && explore.NewRunner().Run(program, other, n, o).Hash == hashes[n] {
				same++
			}
		}
		if name != "default" {
			require.Less(t, same, 120, "%s: another seed should give other runs", name)
		}
	}
}

// TestPartsOfASearch: a search cut into parts that are made by different strategy values, each told the shape so far,
// finds what the whole finds.
func TestPartsOfASearch(t *testing.T) {
	for _, name := range []string{"portfolio", "random", "pct:3", "pos", "delay:2"} {
		r := explore.NewRunner()
		var whole []explore.Hash
		collect := func(s explore.Search) explore.Report { return r.Search(s, orderOfSections(&whole)) }
		rep := collect(explore.Search{Strategy: strategy(t, name, 5), Schedules: 600})
		first := append([]explore.Hash(nil), whole...)
		whole = nil
		inOrder := strategy(t, name, 5)
		var shape explore.Shape
		for from := 0; from < 600; {
			to := min(explore.NextRound(from), 600)
			var next explore.Shape
			for _, ordered := range []bool{true, false} {
				s := inOrder
				if !ordered {
					s = strategy(t, name, 5)
				}
				part := collect(explore.Search{
					Strategy: s, From: from, Schedules: to - from, Shape: shape,
					Only: func(n int) bool { return explore.InOrder(s, n) == ordered },
				})
				next.Add(part.Shape)
			}
			shape.Add(next)
			from = to
		}
		require.Equal(t, rep.Shape, shape, name)
		require.ElementsMatch(t, first, whole, name)
		r.Close()
	}
}

// TestASizeReplacesTheOneBefore: a part of a search may be told only that of the last runs, and makes the same runs.
func TestASizeReplacesTheOneBefore(t *testing.T) {
	for _, name := range []string{"portfolio", "pct:3", "delay:2"} {
		var hashes [2][]explore.Hash
		for i := range hashes {
			s := strategy(t, name, 5).(explore.Sized)
			for _, choices := range []int{47, 49}[i:] {
				s.Size(explore.Shape{Choices: choices, Tasks: 3})
			}
			r := explore.NewRunner()
			for n := range 200 {
				if !explore.InOrder(s, n) {
					r.Run(orderOfSections(&hashes[i]), s, n, explore.Options{})
				}
			}
			r.Close()
		}
		require.Equal(t, hashes[0], hashes[1], name)
	}
}

// orderOfSections cannot fail, and collects what happened.
func orderOfSections(into *[]explore.Hash) explore.Program {
	return func(k *explore.Kernel) {
		w := k.World("host")
		m := w.NewMonitor("counter")
		var order strings.Builder
		for _, name := range []string{"c1", "c2", "c3"} {
			k.Client(name, w, func() {
				for range 3 {
					_ = m.Lock(context.Background())
					order.WriteString(name)
					m.Unlock()
				}
			})
		}
		k.AtEnd(func() {
			*into = append(*into, explore.NewHash().Add(explore.Event{Text: order.String()}))
		})
	}
}

func TestSwarmLeavesKindsOut(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	kinds := map[string]int{}
	program := func(k *explore.Kernel) {
		w := k.World("host")
		seen := ""
		k.Client("c1", w, func() {
			for range 200 {
				k.Before("send", "m")
				if i := k.Choose("send", "m", "delay", "lose"); i > 0 && !strings.Contains(seen, fmt.Sprint(i)) {
					seen += fmt.Sprint(i)
				}
			}
		})
		k.AtEnd(func() { kinds[seen]++ })
	}
	r.Search(explore.Search{
		Strategy: explore.Swarm(1, explore.Random(1)), Schedules: 400, Options: explore.Options{Faults: 200},
	}, program)
	for _, kind := range []string{"", "1", "2"} {
		require.InDelta(t, 100, kinds[kind], 30, "%v", kinds)
	}
	require.InDelta(t, 100, kinds["12"]+kinds["21"], 30, "%v", kinds)
}

func TestNamesOfStrategies(t *testing.T) {
	for _, name := range explore.StrategyNames() {
		_, err := explore.NewStrategy(name, 1, 1, 1)
		require.NoError(t, err, name)
	}
	for _, name := range []string{"", "fly", "pct:", "pct:x", "pct:-1", "pct:10", "random:2", "delay:1000", "idb:x", "dfs:1"} {
		_, err := explore.NewStrategy(name, 1, 1, 1)
		require.Error(t, err, name)
	}
	_, err := explore.NewStrategy("dfs", 1, 1, 2)
	require.ErrorContains(t, err, "shards")
	_, err = explore.NewStrategy("random", 1, 3, 2)
	require.ErrorContains(t, err, "shard 3/2")
}
