package explore_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// twoLooks has a client that looks at two variables in one call, and another one that writes both.
func twoLooks(k *explore.Kernel, final func(shown)) {
	w, l, vars := k.World("w"), &tally{}, [2]int{}
	k.Client("a", w, func() {
		k.Before("call", "look")
		l.call(k, "look")
		text := ""
		for i := range vars {
			name := fmt.Sprint("var", i)
			k.Before("look", name)
			w.Touch(name, false)
			text += fmt.Sprint(vars[i])
		}
		l.answer(k, "look", text)
	})
	k.Client("b", w, func() {
		k.Before("call", "write")
		l.call(k, "write")
		for i := range vars {
			name := fmt.Sprint("var", i)
			k.Before("write", name)
			w.Touch(name, true)
			vars[i] = 1
		}
		l.answer(k, "write", "")
	})
	k.AtEnd(func() { final(l.end()) })
}

// TestACallIsTrustedUntilSomebodyWritesWhatItReads: the first run takes both looks in one step, because nobody has written yet what
// they see.
func TestACallIsTrustedUntilSomebodyWritesWhatItReads(t *testing.T) {
	plain, _ := histories(t, explore.NewExhaustive(true), explore.Options{}, twoLooks)
	strict, _ := histories(t, explore.NewStrict(), explore.Options{}, twoLooks)
	for _, p := range plain {
		require.True(t, slices.ContainsFunc(strict, func(s shown) bool { return s.shows(p) }), "nobody shows %v, but %v", p, strict)
	}
	require.True(t, slices.ContainsFunc(strict, func(s shown) bool { return s.answers == "look 01;write " }))
}

// TestStepsGoOnOverYieldsWhereNothingIsToDecide: a call and what it is about are one step.
func TestStepsGoOnOverYieldsWhereNothingIsToDecide(t *testing.T) {
	program := func(k *explore.Kernel) {
		w := k.World("w")
		table := w.NewMonitor("table")
		for _, name := range []string{"a", "b"} {
			k.Client(name, w, func() {
				k.Before("call", name)
				k.Call(name)
				_ = table.Lock(t.Context())
				w.Touch("list", false)
				table.Unlock()
				k.Before("act", name)
				w.Touch("x", true)
				k.Return(name)
			})
		}
	}
	r := explore.NewRunner()
	defer r.Close()
	for search, want := range map[*explore.Exhaustive]int{explore.NewStrict(): 2, explore.NewExhaustive(true): 8} {
		require.True(t, search.More())
		require.Equal(t, want, r.Run(program, search, 0, explore.Options{}).Steps)
	}
}

// TestASearchBeginsAnew: what it has seen of another program does not matter to it.
func TestASearchBeginsAnew(t *testing.T) {
	again := explore.NewStrict()
	for seed := range 12 {
		o := explore.Options{Records: true, Faults: seed % 2}
		program := paced(drawPaced(seed))
		fresh := explore.NewStrict()
		want, runs := histories(t, fresh, o, program)
		again.Anew()
		got, sameRuns := histories(t, again, o, program)
		require.Equal(t, want, got)
		require.Equal(t, runs, sameRuns)
		require.Equal(t, fresh.Stats(), again.Stats())
	}
}

// TestASearchBeginsAnewAfterManyNames: it forgets what it calls objects, and with that all that it knows of them.
func TestASearchBeginsAnewAfterManyNames(t *testing.T) {
	const names = 3000
	r := explore.NewRunner()
	defer r.Close()
	search := explore.NewStrict()
	for round := range 4 {
		search.Anew()
		program := func(k *explore.Kernel) {
			w := k.World("w")
			for _, name := range []string{"c1", "c2"} {
				k.Client(name, w, func() {
					k.Before("act", name)
					for i := range names {
						w.Touch(strconv.Itoa(round*names+i), true)
					}
				})
			}
		}
		for n := 0; search.More(); n++ {
			require.Nil(t, r.Run(program, search, n, explore.Options{}).Failure)
		}
		require.Equal(t, 2, search.Stats().Traces, "one of them is first")
	}
}
