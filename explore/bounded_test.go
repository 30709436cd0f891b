package explore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/explore"
)

func text(ds []explore.Deviation) string {
	var b strings.Builder
	for _, d := range ds {
		b.WriteString(d.String() + "\n")
	}
	return b.String()
}

// mostSchedules bounds the programs that are enumerated in every way.
const mostSchedules = 4000

// schedules runs what a strategy enumerates and returns every schedule in order; nil if there are too many.
func schedules(s explore.Enumerator, o explore.Options, program explore.Program) []string {
	r := explore.NewRunner()
	defer r.Close()
	o.Record = true
	var all []string
	for s.More() {
		if len(all) == mostSchedules {
			return nil
		}
		res := r.Run(program, s, 0, o)
		if b, ok := s.(*explore.Bounded); !ok || !b.Repeated() {
			all = append(all, fmt.Sprintf("%d\n%s", len(res.Deviations), text(res.Deviations)))
		}
	}
	return all
}

func drawProgram(t *rapid.T) explore.Program {
	clients := make([][]act, rapid.IntRange(1, 3).Draw(t, "clients"))
	budget := 4
	for i := range clients {
		for range min(rapid.IntRange(1, 2).Draw(t, "n"), budget) {
			a := act{rapid.IntRange(0, 7).Draw(t, "kind"), rapid.IntRange(0, 1).Draw(t, "object")}
			clients[i] = append(clients[i], a)
			budget--
			if a.kind == 1 {
				budget--
			}
		}
	}
	return func(k *explore.Kernel) { randomProgram(clients)(k, func(string) {}) }
}

// TestBoundedIsBruteForceInOrder: it runs exactly the schedules that plain depth-first search runs, each once, those
// with fewer deviations first, whether in one go, in shards or in pieces.
func TestBoundedIsBruteForceInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		program := drawProgram(t)
		o := explore.Options{Faults: rapid.IntRange(0, 1).Draw(t, "faults")}
		brute := schedules(explore.NewExhaustive(true), o, program)
		if brute == nil {
			t.Skip("too many schedules")
		}
		b := explore.NewBounded(0, -1)
		got := schedules(b, o, program)
		require.ElementsMatch(t, brute, got)
		require.True(t, b.Exhausted())
		last := 0
		count := func(s string) (n int) { _, _ = fmt.Sscan(s, &n); return n }
		for _, s := range got {
			require.GreaterOrEqual(t, count(s), last)
			last = count(s)
		}
		require.GreaterOrEqual(t, b.Bound(), last)

		shards := rapid.IntRange(2, 5).Draw(t, "shards")
		var parts []string
		for i := 1; i <= shards; i++ {
			b := explore.NewBounded(0, -1)
			b.Shard(i, shards)
			part := schedules(b, o, program)
			require.Equal(t, got[0], part[0], "every shard runs the empty schedule")
			parts = append(parts, part[1:]...)
		}
		require.ElementsMatch(t, got[1:], parts)

		least := rapid.IntRange(0, last).Draw(t, "least")
		from := 0
		for from < len(got) && count(got[from]) < least {
			from++
		}
		require.Equal(t, got[from:], schedules(explore.NewBounded(least, -1), o, program))
		to := 0
		for to < len(got) && count(got[to]) <= least {
			to++
		}
		limited := explore.NewBounded(0, least)
		require.Equal(t, got[:to], schedules(limited, o, program))
		require.Equal(t, least, limited.Bound())
	})
}

func TestBoundedGoesOnWhereItStopped(t *testing.T) {
	program := func(k *explore.Kernel) {
		randomProgram([][]act{{{0, 0}, {6, 0}}, {{0, 0}, {5, 0}}})(k, func(string) {})
	}
	o := explore.Options{Faults: 1, Record: true}
	whole := schedules(explore.NewBounded(0, 3), o, program)
	r := explore.NewRunner()
	defer r.Close()
	var got []string
	for position := "0"; ; {
		b := explore.NewBounded(0, 3)
		require.NoError(t, b.Resume(position))
		more := b.More()
		for n := 0; more && n < 7; n++ {
			res := r.Run(program, b, 0, o)
			if !b.Repeated() {
				got = append(got, fmt.Sprintf("%d\n%s", len(res.Deviations), text(res.Deviations)))
			}
			more = b.More()
		}
		if !more {
			break
		}
		position = b.Position()
	}
	require.Equal(t, whole, got)
	for _, bad := range []string{"", "x", "1", "2:1", "1:x", "0:", "1:-1", "-1"} {
		require.Error(t, explore.NewBounded(0, -1).Resume(bad), bad)
	}
	b := explore.NewBounded(0, -1)
	b.Shard(1, 2)
	require.ErrorContains(t, b.Resume("1:3"), "another shard")
}
