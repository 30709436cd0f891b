package explore_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// declared is what the programs below say about one access of the variable x, right or wrong.
type declared int

const (
	rightly declared = iota
	asRead
	notAtAll
)

// sharing has two clients that append their names to x and one that reads it, all with a section of one monitor.
func sharing(writer, reader declared) func(k *explore.Kernel, final func(string)) {
	return func(k *explore.Kernel, final func(string)) {
		w := k.World("w")
		m := w.NewMonitor("table")
		x, read := "", ""
		touch := func(object string, how declared, write bool) {
			if how != notAtAll {
				w.Touch(object, write && how == rightly)
			}
		}
		for _, name := range []string{"a", "b"} {
			k.Client(name, w, func() {
				_ = m.Lock(context.Background())
				w.Touch("counted by "+name, true)
				touch("x", writer, true)
				x += name
				m.Unlock()
			})
		}
		k.Client("r", w, func() {
			_ = m.Lock(context.Background())
			w.Touch("the reader's", true)
			touch("x", reader, false)
			mine := x
			m.Unlock()
			k.Before("show", "it")
			w.Touch("the reader's", true)
			read = mine
			if mine != "" {
				k.Before("show", mine)
			}
		})
		k.State(func(see func(string, explore.Hash)) {
			see("x", explore.HashOf(x))
			see("the reader's", explore.HashOf(read))
		})
		k.AtEnd(func() { final(x + " " + read) })
	}
}

// audit runs a search to its end or to the first pair that does not commute.
func audit(program func(k *explore.Kernel, final func(string)), every int) (pairs int, f *explore.Failure) {
	return auditWith(explore.Options{}, program, every)
}

func auditWith(o explore.Options, program func(k *explore.Kernel, final func(string)), every int) (pairs int, f *explore.Failure) {
	r := explore.NewRunner()
	defer r.Close()
	dfs := explore.NewExhaustive(false)
	run := func(k *explore.Kernel) { program(k, func(string) {}) }
	for n := 0; dfs.More() && f == nil; n++ {
		r.Run(run, dfs, n, o)
		var more int
		more, f = r.Audit(run, dfs, o, every)
		pairs += more
	}
	return pairs, f
}

func TestAuditFindsWrongFootprints(t *testing.T) {
	for _, c := range []struct {
		name           string
		writer, reader declared
		object         string
	}{
		{"a write declared as a read", asRead, rightly, "what becomes of x: a at lock(table) declares it as reads; b at lock(table) declares it as reads"},
		{"a write not declared", notAtAll, rightly, "what becomes of x: a at lock(table) does not declare it; b at lock(table) does not declare it"},
		{"a read not declared", rightly, notAtAll, "written by one and not declared by the other: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			program := sharing(c.writer, c.reader)
			_, f := audit(program, 1)
			require.NotNil(t, f)
			require.Equal(t, explore.CommutationOracle, f.Oracle)
			require.Contains(t, f.Detail, c.object)
			require.Contains(t, f.Detail, "section of table", "the footprints are there")
			require.Contains(t, f.Detail, " at lock(table) {")

			plain, _ := all(t, true, explore.Options{}, program)
			reduced, _ := all(t, false, explore.Options{}, program)
			require.NotEqual(t, plain, reduced, "the comparison with the plain search finds it too")
		})
	}
}

func TestAuditOfRightFootprints(t *testing.T) {
	pairs, f := audit(sections([][]string{{"x", "y"}, {"y", "z"}, {"z"}}), 1)
	require.Nil(t, f)
	require.Positive(t, pairs)
	again, _ := audit(sections([][]string{{"x", "y"}, {"y", "z"}, {"z"}}), 1)
	require.Equal(t, pairs, again, "which pairs is no matter of chance")
	_, f = audit(sharing(rightly, rightly), 1)
	require.Nil(t, f)
}

// TestAuditTakesAFewPairs: about as many as it is told.
func TestAuditTakesAFewPairs(t *testing.T) {
	program := sections([][]string{{"x", "x", "x"}, {"x", "x", "y"}, {"y", "y", "x"}})
	most, f := audit(program, 1)
	require.Nil(t, f)
	require.Greater(t, most, 200)
	few, _ := audit(program, 10)
	require.InDelta(t, most/10, few, float64(most)/20)
}

// TestAuditOfRandomPrograms: the kernel's own footprints, of monitors, waits and background tasks, are right.
func TestAuditOfRandomPrograms(t *testing.T) {
	for _, o := range []explore.Options{{}, {Faults: 1}, {Faults: 1, Locks: explore.GoMutex}} {
		pairs := 0
		for seed := range 100 {
			clients := drawExample(9, seed)
			n, f := auditWith(o, randomProgram(clients), 20*(1+3*o.Faults))
			require.Nil(t, f, "%+v, program %v: %+v", o, clients, f)
			pairs += n
		}
		require.Greater(t, pairs, 100, "%+v", o)
	}
}

// TestAuditOfAQueueThatIsLeft: whoever gives up lets the next one be the first.
func TestAuditOfAQueueThatIsLeft(t *testing.T) {
	program := func(k *explore.Kernel, _ func(string)) {
		w := k.World("w")
		m := w.NewMonitor("m")
		take := func(ctx context.Context, act string) {
			if m.Lock(ctx) != nil {
				return
			}
			k.Before(act, "m")
			m.Unlock()
		}
		k.Client("a", w, func() {
			ctx, cancel := w.WithDeadline(context.Background(), w.Now().Add(1))
			take(ctx, "use")
			k.Before("rest", "a")
			cancel()
		})
		k.Client("b", w, func() { take(context.Background(), "use") })
		k.Client("c", w, func() { take(context.Background(), "hold") })
	}
	pairs, f := auditWith(explore.Options{Faults: 1, Locks: explore.GoMutex}, program, 1)
	require.Nil(t, f, "%+v", f)
	require.Greater(t, pairs, 100)
}
