package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// TestShrinkRefusesWhatPasses: what fails needs a mutant in the driver, and is shrunk in the tests of cmd/vmdksim.
func TestShrinkRefusesWhatPasses(t *testing.T) {
	for _, name := range scenarios.Names() {
		s, err := scenarios.Load(name)
		require.NoError(t, err)
		_, err = scenarios.Shrink(s, s.Schedule, explore.Options{}, 100)
		require.ErrorIs(t, err, scenarios.ErrPasses, name)
	}
}

// TestShrinkEndsWhenItIsTold: with two early timers and a fault, even today's driver leaves a disk in its VM, so there is
// something to shrink.
func TestShrinkEndsWhenItIsTold(t *testing.T) {
	stage := stageOf(t, "given volume v\nstart c1: mount v; unmount v\nstart c2: mount v; unmount v\n")
	strategy, err := explore.NewStrategy("portfolio", 1, 1, 1)
	require.NoError(t, err)
	rep, err := stage.Search(explore.Search{Strategy: strategy, Schedules: 50_000, Options: explore.Options{Faults: 4}})
	require.NoError(t, err)
	require.True(t, rep.Found)
	s, err := scenarios.Parse("x.scn", "given volume v\nstart c1: mount v; unmount v\nstart c2: mount v; unmount v\n")
	require.NoError(t, err)

	asked := 0
	small, err := scenarios.Shrink(s, rep.Result.Deviations, explore.Options{Stop: func() bool { asked++; return false }}, 2000)
	require.NoError(t, err)
	require.False(t, small.Stopped)
	require.Greater(t, asked, 100)
	for _, most := range []int{0, 10, asked / 2} {
		asked = 0
		early, err := scenarios.Shrink(s, rep.Result.Deviations, explore.Options{Stop: func() bool { asked++; return asked > most }}, 2000)
		require.NoError(t, err)
		require.True(t, early.Stopped)
		require.NotNil(t, early.Result.Failure)
		require.Equal(t, small.Result.Failure.Oracle, early.Result.Failure.Oracle)
		require.LessOrEqual(t, early.Runs, most+10, "what it begins after it was told")
		require.GreaterOrEqual(t, len(early.Minimized.Deviations), len(small.Minimized.Deviations))
	}
}
