package explore_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// TestAStrictSearchDoesNotSpendAFaultOnTheClock: while a sleeps, nobody but b, who is idle, can go on, and the clock, early. That
// would take the fault away from b, which no race tells.
func TestAStrictSearchDoesNotSpendAFaultOnTheClock(t *testing.T) {
	program := func(k *explore.Kernel, final func(shown)) {
		w, l := k.World("w"), &tally{}
		k.Client("a", w, func() {
			k.Before("call", "a")
			l.call(k, "a")
			_ = w.Sleep(context.Background(), 1)
			l.answer(k, "a", "")
		})
		k.Client("b", w, func() {
			k.Before("call", "b")
			l.call(k, "b")
			k.Before("send", "b")
			l.answer(k, "b", fmt.Sprint(k.Choose("send", "b", "lose")))
		})
		k.AtEnd(func() { final(l.end()) })
	}
	plain, _ := histories(t, explore.NewExhaustive(true), explore.Options{Faults: 1}, program)
	strict, _ := histories(t, explore.NewStrict(), explore.Options{Faults: 1}, program)
	for _, p := range plain {
		require.True(t, slices.ContainsFunc(strict, func(s shown) bool { return s.shows(p) }), "nobody shows %v, but %v", p, strict)
	}
}

// TestARunThatPassesYieldsCanBeReplayed: the maker of a monitor takes it without a yield in the step in which he made it; a yield that
// he passes in between is there for whoever replays the run.
func TestARunThatPassesYieldsCanBeReplayed(t *testing.T) {
	program := func(k *explore.Kernel) {
		w := k.World("w")
		x := ""
		write := func(text string) {
			w.Touch("x", true)
			x += text
		}
		k.Client("a", w, func() {
			m := w.NewMonitor("own")
			k.Before("pass", "a")
			_ = m.Lock(context.Background())
			m.Unlock()
			write("1")
			k.Before("act", "a")
			write("2")
		})
		k.Client("b", w, func() { write("b") })
		k.AtEnd(func() {
			if x == "1b2" {
				k.Fail("order", x)
			}
		})
	}
	r := explore.NewRunner()
	defer r.Close()
	for name, search := range map[string]*explore.Exhaustive{"source sets": explore.NewExhaustive(false), "strict": explore.NewStrict()} {
		failed := false
		for search.More() {
			res := r.Run(program, search, 0, explore.Options{})
			if res.Failure != nil {
				failed = true
				again := r.Run(program, explore.NewReplay(res.Deviations), 0, explore.Options{})
				require.Equal(t, res.Failure, again.Failure, "%s: %v", name, res.Deviations)
				require.Equal(t, res.Hash, again.Hash)
			}
		}
		require.True(t, failed)
	}
}

// TestPairsOfPassingStepsCanBeAudited: as above.
func TestPairsOfPassingStepsCanBeAudited(t *testing.T) {
	program := func(k *explore.Kernel) {
		w := k.World("w")
		x := map[string]string{}
		write := func(name, text string) {
			w.Touch(name, true)
			x[name] += text
		}
		for _, name := range []string{"a", "b"} {
			k.Client(name, w, func() {
				m := w.NewMonitor("own " + name)
				k.Before("pass", name)
				_ = m.Lock(context.Background())
				write(name, "1")
				m.Unlock()
				k.Before("act", name)
				write(name, "2")
			})
		}
		k.State(func(see func(string, explore.Hash)) {
			for _, name := range []string{"a", "b"} {
				see(name, explore.NewHash().Mix(uint64(len(x[name]))))
			}
		})
	}
	r := explore.NewRunner()
	defer r.Close()
	for _, search := range []*explore.Exhaustive{explore.NewExhaustive(false), explore.NewStrict()} {
		pairs := 0
		for search.More() {
			res := r.Run(program, search, 0, explore.Options{})
			require.Nil(t, res.Failure)
			n, f := r.Audit(program, search, explore.Options{}, 1)
			require.Nil(t, f, "%+v", f)
			pairs += n
		}
		require.Positive(t, pairs)
	}
}

// TestAnEarlyMoveOfTheClockThatHadToBe: two pause, the second of whom does so twice. In another order of calls or of a pair of steps
// the clock moves because nobody can go on, where it was early before.
func TestAnEarlyMoveOfTheClockThatHadToBe(t *testing.T) {
	pause := func(n int) stmt { return stmt{kind: "sleep", object: n} }
	job := stmt{kind: "spawn", body: []stmt{pause(0)}}
	for _, clients := range [][][]stmt{{{pause(0)}, {pause(1), job}}, {{pause(0), pause(0)}, {{kind: "act"}}}} {
		for faults := range 3 {
			o := explore.Options{Faults: faults}
			plain, f := shownOf(explore.NewExhaustive(true), o, mostRuns, clients, 0)
			require.Nil(t, f)
			require.NotEmpty(t, plain)
			strict, f := shownOf(explore.NewStrict(), o, mostRuns, clients, 1)
			require.Nil(t, f, "%+v", f)
			for _, p := range plain {
				require.True(t, slices.ContainsFunc(strict, func(s shown) bool { return s.shows(p) }), "nobody shows %v, but %v", p, strict)
			}
		}
	}
}

// TestTheClockDoesNotMoveAfterTheEnd: where it moved early, some order has nobody left who could go on.
func TestTheClockDoesNotMoveAfterTheEnd(t *testing.T) {
	choose := func(body ...stmt) stmt { return stmt{kind: "choose", body: body} }
	shared := func(body ...stmt) stmt { return stmt{kind: "shared", body: body} }
	read, write, now := stmt{kind: "read"}, stmt{kind: "write"}, stmt{kind: "now"}
	for _, clients := range [][][]stmt{
		{{choose(shared(read))}, {shared(shared(shared(write), read))}},
		{{shared(stmt{kind: "crash"}, stmt{kind: "sleep"})}, {choose(shared(stmt{kind: "note"}, stmt{kind: "sleep"}))}},
		{{now}, {write, shared(choose(write), choose(now))}},
	} {
		for _, search := range []*explore.Exhaustive{explore.NewExhaustive(false), explore.NewStrict()} {
			all, f := shownOf(search, explore.Options{Faults: 2, Records: true}, mostRuns, clients, 5)
			require.Nil(t, f, "%+v", f)
			require.NotEmpty(t, all)
		}
	}
}

// TestAnOrderThatEndsBeforeItsYieldsIsReported: a passes a yield less if b has been before, which b does not declare.
func TestAnOrderThatEndsBeforeItsYieldsIsReported(t *testing.T) {
	y := 0
	program := func(k *explore.Kernel) {
		w := k.World("w")
		y = 0
		k.Client("a", w, func() {
			k.Before("call", "a")
			k.Call("a")
			if y == 0 {
				k.Before("pass", "a")
			}
			k.Return("a")
		})
		k.Client("b", w, func() {
			k.Before("call", "b")
			k.Call("b")
			y = 1
			k.Return("b")
		})
	}
	r := explore.NewRunner()
	defer r.Close()
	search := explore.NewStrict()
	require.True(t, search.More())
	_, again := r.Strict(program, search, r.Run(program, search, 0, explore.Options{}), explore.Options{}, nil)
	require.NotNil(t, again.Failure)
	require.Contains(t, again.Failure.Detail, "a cannot go on as it did")
}
