package explore_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

func TestCoverageCounts(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	program := func(k *explore.Kernel) {
		sections([][]string{{"x", "x", "x"}, {"x", "x", "x"}, {"x", "x", "x"}})(k, func(s string) {
			k.Sometimes("ends", true)
			k.Sometimes("ends in disorder", s == "chaos")
		})
	}
	var c explore.Coverage
	rep := r.Search(explore.Search{Strategy: explore.Random(1), Schedules: 3000, Coverage: &c}, program)
	require.Equal(t, 3000, c.Schedules)
	require.Equal(t, rep.Shape, c.Shape)
	require.Equal(t, 3, c.Shape.Tasks)
	require.Equal(t, []string{"ends in disorder"}, c.NeverTrue())
	require.Equal(t, []string{"begins twice", "ends in disorder"}, c.NeverTrue("ends", "begins twice"))
	require.Equal(t, map[string]int{"ends": 3000, "ends in disorder": 0}, c.Held())
	require.Equal(t, 1, c.Histories(), "nothing is visible")
	require.Less(t, c.Traces(), 3000)
	require.InDelta(t, 1, c.Miss(2), 0, "random gives no guarantee")

	var all explore.Coverage
	rep = r.Search(explore.Search{Strategy: explore.NewBounded(0, 3), Schedules: 1e6, Coverage: &all}, program)
	require.True(t, rep.Complete)
	require.Less(t, all.Traces(), all.Schedules+1)
}

// TestEstimateOfUnseen compares the estimate with the truth, of schedules that are all equally likely.
func TestEstimateOfUnseen(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	const truth = 1 << 10
	program := func(k *explore.Kernel) {
		w := k.World("host")
		k.Client("c1", w, func() {
			for i := range 10 {
				k.Before("send", "m")
				if k.Choose("send", "m", "lose") == 1 {
					k.Note(fmt.Sprint(i))
				}
			}
		})
	}
	var c explore.Coverage
	r.Search(explore.Search{
		Strategy: coin{explore.Random(1)}, Schedules: truth, Coverage: &c, Options: explore.Options{Faults: 10},
	}, program)
	require.Less(t, c.Traces(), truth*3/4)
	require.Equal(t, c.Traces(), c.Histories())
	require.InDelta(t, truth, float64(c.Traces())+c.Unseen(), truth/10)
	require.InDelta(t, math.Exp(-1), c.Novelty(), 0.05)
}

// coin is a strategy that lets half of the faults happen.
type coin struct{ explore.Strategy }

func (c coin) Fault(_ *explore.Task, _ explore.Point, _ []string) int {
	return c.Next(&explore.Choice{Enabled: make([]*explore.Task, 2)})
}

func TestMissProbability(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	quiet := func(k *explore.Kernel) {
		w := k.World("host")
		for _, name := range []string{"c1", "c2"} {
			k.Client(name, w, func() {
				for range 9 {
					k.Before("step", name)
				}
			})
		}
	}
	var c explore.Coverage
	miss := func(d int) float64 { return c.Miss(d) }
	require.InDelta(t, 1, miss(2), 0)
	rep := r.Search(explore.Search{Strategy: explore.PCT(1, 3), Schedules: 5000, Coverage: &c}, quiet)
	k := rep.Shape.Choices + rep.Shape.Choices/8
	want := math.Pow(1-1/(2*math.Pow(float64(k), 2)), 5000)
	require.InDelta(t, want, miss(3), want/5, "the first runs do not count, since the program's size was not known")
	require.InDelta(t, want, miss(2), want/5, "a bug of depth 2 is one of depth 3")
	require.InDelta(t, 1, miss(4), 0)

	var twice explore.Coverage
	r.Search(explore.Search{Strategy: explore.PCT(2, 3), Schedules: 5000, Coverage: &twice}, quiet)
	twice.Merge(&c)
	require.InDelta(t, 2*math.Log(want), math.Log(twice.Miss(3)), 2)
	require.Equal(t, 10_000, twice.Schedules)
}

// TestNothingToChoose: where a schedule can go but one way, the numbers are numbers all the same.
func TestNothingToChoose(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	var c explore.Coverage
	p := explore.NewPortfolio(1)
	r.Search(explore.Search{Strategy: p, Schedules: 50, Coverage: &c}, func(k *explore.Kernel) {
		k.Client("c1", k.World("host"), func() {})
	})
	require.Zero(t, c.Shape.Choices)
	for depth := 1; depth <= 4; depth++ {
		require.False(t, math.IsNaN(c.Miss(depth)))
	}
	require.Zero(t, c.Exceeded)
	require.Equal(t, 1, c.Traces())
	require.Zero(t, c.Unseen())
	require.True(t, p.Bounded().Exhausted())
}

func TestFaultsThatNeverFired(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	program := func(k *explore.Kernel) {
		k.Client("c1", k.World("host"), func() {
			k.Before("send", "m")
			k.Choose("send", "m", "delay", "lose")
		})
	}
	var c explore.Coverage
	r.Search(explore.Search{Strategy: explore.Sequential{}, Schedules: 1, Coverage: &c, Options: explore.Options{Faults: 1}}, program)
	require.Equal(t, []string{"send:delay", "send:lose"}, c.FaultsNeverFired())
	require.Equal(t, []string{"receive", "send:duplicate"}, c.NeverReached([]string{"send", "receive", "send:lose", "send:duplicate"}))
	r.Search(explore.Search{Strategy: explore.NewBounded(0, 1), Schedules: 2, Coverage: &c, Options: explore.Options{Faults: 1}}, program)
	require.Equal(t, []string{"send:lose"}, c.FaultsNeverFired())
	require.Equal(t, map[string]int{"send:delay": 1, "send:lose": 0}, c.FaultsFired())
}

func TestNondeterminismIsAFailure(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	runs := 0
	rep := r.Search(explore.Search{Strategy: explore.Random(1), Schedules: 1000}, func(k *explore.Kernel) {
		runs++
		k.Client("c1", k.World("host"), func() {
			if runs > 150 {
				k.Note(fmt.Sprint(runs))
			}
		})
	})
	require.True(t, rep.Found)
	require.Equal(t, explore.NondeterminismOracle, rep.Result.Failure.Oracle)
	require.Equal(t, 200, rep.Run)
}

// TestMinimalIsProved: the failure needs two deviations, of which the search knows many.
func TestMinimalIsProved(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	for seed := range uint64(20) {
		rep := r.Search(explore.Search{Strategy: explore.Random(seed), Schedules: 5000}, zigzag)
		require.True(t, rep.Found)
		m, res := r.Minimize(zigzag, rep.Result.Deviations, explore.Options{})
		require.True(t, m.Proved)
		require.Len(t, m.Deviations, 2)
		require.Equal(t, "zigzag", res.Failure.Oracle)
		require.Equal(t, m.Deviations, res.Deviations)

		few, _ := r.MinimizeWithin(explore.Effort{Runs: 12}, zigzag, rep.Result.Deviations, explore.Options{})
		require.False(t, few.Proved)
		require.LessOrEqual(t, few.Runs, 14)
		require.Equal(t, "zigzag", r.Run(zigzag, explore.NewReplay(few.Deviations), 0, explore.Options{}).Failure.Oracle)
	}
	m, _ := r.Minimize(zigzag, nil, explore.Options{})
	require.False(t, m.Proved, "it does not fail")
}

// TestTakingAwayIsNotEnough: no deviation can be left out of this one, and yet another schedule has fewer.
func TestTakingAwayIsNotEnough(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	program := func(k *explore.Kernel) {
		w := k.World("host")
		var order strings.Builder
		for _, name := range []string{"a", "b", "c"} {
			k.Client(name, w, func() {
				for range 2 {
					k.Before("step", name)
					order.WriteString(name)
				}
			})
		}
		k.AtEnd(func() {
			if s := order.String(); s == "ababcc" || s == "acacbb" || s == "aaccbb" {
				k.Fail("order", s)
			}
		})
	}
	b := explore.NewBounded(2, 2)
	seen := false
	for b.More() {
		res := r.Run(program, b, 0, explore.Options{})
		if res.Failure == nil || b.Repeated() {
			continue
		}
		seen = true
		m, best := r.Minimize(program, res.Deviations, explore.Options{})
		require.True(t, m.Proved)
		require.Len(t, m.Deviations, 1)
		require.Equal(t, "aaccbb", best.Failure.Detail)
	}
	require.True(t, seen)
}

func TestTheNearestScheduleThatPasses(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	rep := r.Search(explore.Search{Strategy: explore.NewBounded(0, -1), Schedules: 5000}, zigzag)
	require.True(t, rep.Found)
	ds := rep.Result.Deviations
	x := r.Explain(zigzag, ds, explore.Options{})
	require.NotNil(t, x)
	require.Nil(t, r.Run(zigzag, explore.NewReplay(x.Passing), 0, explore.Options{}).Failure)
	require.Equal(t, ds[:1], x.Passing, "without the last one the runs part latest")
	require.Equal(t, ds[1], x.Flipped)
	require.Equal(t, ds[1].To, x.Failing.Task)
	require.Equal(t, ds[1].Site.Task, x.Instead.Task)

	always := func(k *explore.Kernel) {
		w := k.World("host")
		var order strings.Builder
		for _, name := range []string{"c1", "c2"} {
			k.Client(name, w, func() { order.WriteString(name) })
		}
		k.AtEnd(func() {
			if order.String() == "c1c2" {
				k.Fail("order", "the usual one")
			}
		})
	}
	x = r.Explain(always, nil, explore.Options{})
	require.True(t, x.Added)
	require.Equal(t, "c2", x.Instead.Task)
	require.Nil(t, r.Explain(lostUpdate, nil, explore.Options{}), "it passes")
}

func TestNextRound(t *testing.T) {
	var rounds []int
	for n := 0; n < 20_000; n = explore.NextRound(n) {
		require.Equal(t, explore.NextRound(n), explore.NextRound(explore.NextRound(n)-1))
		rounds = append(rounds, n)
	}
	require.Equal(t, []int{0, 1, 8, 64, 512, 4096, 8192, 12_288, 16_384}, rounds)
}

// BenchmarkSearch is a search as the command line makes it; compare with BenchmarkRun.
func BenchmarkSearch(b *testing.B) {
	quiet := func(k *explore.Kernel) {
		randomProgram([][]act{{{0, 0}, {0, 0}, {3, 1}}, {{0, 0}, {3, 0}}, {{7, 1}, {3, 0}}})(k, func(string) {})
	}
	for _, name := range []string{"portfolio", "random", "pct:3", "pos", "delay:2", "idb"} {
		for _, covered := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/covered=%v", name, covered), func(b *testing.B) {
				r := explore.NewRunner()
				defer r.Close()
				s := explore.Search{Strategy: strategy(b, name, 1), Schedules: b.N}
				if covered {
					s.Coverage = &explore.Coverage{}
				}
				b.ReportAllocs()
				r.Search(s, quiet)
			})
		}
	}
}
