package explore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// TestAScheduleOfAReducedSearchCanBeReplayed: a replay stops at every yield, and takes the same steps from the deviations of a run that
// went on over some.
func TestAScheduleOfAReducedSearchCanBeReplayed(t *testing.T) {
	r, again := explore.NewRunner(), explore.NewRunner()
	defer r.Close()
	defer again.Close()
	replayed := 0
	for seed := range uint64(shortly(60)) {
		clients := drawOf(seed, lending, glancing)
		for _, dfs := range []*explore.Exhaustive{explore.NewExhaustive(false), explore.NewStrict()} {
			var p *wide
			program := wideProgram(clients, false, &p)
			for n := 0; n < 50 && dfs.More(); n++ {
				res := r.Run(program, dfs, n, explore.Options{Record: true})
				if res.Abandoned {
					continue
				}
				got := again.Run(program, explore.NewReplay(res.Deviations), 0, explore.Options{Record: true})
				require.Equal(t, res.Hash, got.Hash, "%v\n%v", clients, res.Deviations)
				require.Equal(t, res.Deviations, got.Deviations, "%v", clients)
				replayed++
			}
		}
	}
	require.Greater(t, replayed, shortly(60))
}
