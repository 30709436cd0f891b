package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// TestNothingIsLeftOver: in a world whose memory earlier runs have used, with faults and other schedules, a run is what it
// is in a world of its own.
func TestNothingIsLeftOver(t *testing.T) {
	runs, faults := 30, 3
	if testing.Short() {
		runs = 4
	}
	for _, name := range scenarios.Names() {
		script, err := scenarios.Load(name)
		require.NoError(t, err)
		options := explore.Options{Faults: faults, Locks: script.Locks}
		used, err := scenarios.NewStage(script)
		require.NoError(t, err)
		r := explore.NewRunner()
		for n := range runs {
			seen := r.Run(used.Program, explore.Random(uint64(n)), n, options)

			fresh, err := scenarios.NewStage(script)
			require.NoError(t, err)
			alone := explore.NewRunner()
			want := alone.Run(fresh.Program, explore.Random(uint64(n)), n, options)
			alone.Close()
			fresh.Close()
			require.Equal(t, want, seen, "%s: run %d", name, n)
		}
		r.Close()

		again, err := used.Replay(true)
		require.NoError(t, err)
		used.Close()
		fresh, err := scenarios.NewStage(script)
		require.NoError(t, err)
		first, err := fresh.Replay(true)
		require.NoError(t, err)
		fresh.Close()
		require.Equal(t, first.Events, again.Events, name)
		require.Equal(t, first.Wrong, again.Wrong, name)
	}
}
