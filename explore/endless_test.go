package explore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// endless is two clients, the first of which never stops: it fails without any deviation, after as many steps as there may be,
// each of which is a place where the other could go on.
func endless(runs *int) explore.Program {
	return func(k *explore.Kernel) {
		*runs++
		w := k.World("w")
		k.Client("c1", w, func() {
			for {
				k.Before("try", "again")
			}
		})
		k.Client("c2", w, func() { k.Before("do", "it") })
	}
}

// TestALivelockIsExplainedInBoundedTime: every schedule with one deviation is as long as a run can be, and there are as many.
func TestALivelockIsExplainedInBoundedTime(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	runs := 0
	r.Explain(endless(&runs), nil, explore.Options{MaxSteps: 20_000})
	require.Less(t, runs, 200)
}

func TestMinimizeAndExplainEndWhenTheyAreTold(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	d, err := explore.ParseDeviation("switch c1 -> c2 before do(a)#2")
	require.NoError(t, err)
	runs, most := 0, 1
	o := explore.Options{Stop: func() bool { return runs >= most }}
	program := func(k *explore.Kernel) {
		runs++
		w, order := k.World("w"), ""
		for _, name := range []string{"c1", "c2"} {
			k.Client(name, w, func() {
				for range 10 {
					k.Before("do", "a")
					order += name
				}
			})
		}
		k.AtEnd(func() {
			if order[:4] == "c1c2" {
				k.Fail("order", order)
			}
		})
	}
	m, res := r.Minimize(program, []explore.Deviation{d}, o)
	require.NotNil(t, res.Failure)
	require.Equal(t, []explore.Deviation{d}, m.Deviations)
	require.False(t, m.Proved || runs > most, "%+v, %d runs", m, runs)
	runs = 0
	require.Nil(t, r.Explain(program, m.Deviations, o))
	require.Equal(t, 1, runs)
}

// TestMinimizeIsBoundedInSteps: each of the schedules that a proof would run is long.
func TestMinimizeIsBoundedInSteps(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	const length, most = 500, 20_000
	program := func(k *explore.Kernel) {
		w, turns, last := k.World("w"), 0, ""
		for _, name := range []string{"c1", "c2"} {
			k.Client(name, w, func() {
				for range length {
					k.Before("do", "a")
					if last != name {
						last = name
						turns++
					}
				}
			})
		}
		k.AtEnd(func() {
			if turns >= 4 {
				k.Fail("turns", "too many")
			}
		})
	}
	ds, err := explore.ParseDeviation("switch c1 -> c2 before do(a)#9")
	require.NoError(t, err)
	back, err := explore.ParseDeviation("switch c2 -> c1 before do(a)#9")
	require.NoError(t, err)
	all := []explore.Deviation{ds, back}
	m, res := r.MinimizeWithin(explore.Effort{Runs: explore.ProofRuns, Steps: most}, program, all, explore.Options{})
	require.NotNil(t, res.Failure)
	require.Equal(t, all, m.Deviations)
	require.False(t, m.Proved)
	require.Less(t, m.Steps, most+3*length)
	m, _ = r.MinimizeWithin(explore.Effort{Runs: explore.ProofRuns}, program, all, explore.Options{})
	require.True(t, m.Proved)
	require.Greater(t, m.Steps, 10*most)
}
