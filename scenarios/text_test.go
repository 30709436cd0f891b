package scenarios_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/scenarios"
)

// TestTextSaysWhatWasGiven: the world and the clients of every scenario are the same after it was written and read
// again, so that a counterexample that is written is the one that was found.
func TestTextSaysWhatWasGiven(t *testing.T) {
	files, err := filepath.Glob("*.scn")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		s, err := scenarios.Load(file)
		require.NoError(t, err)
		again, err := scenarios.Parse(file, s.Text("claim: "+s.Claim))
		require.NoError(t, err, "%s:\n%s", file, s.Text())
		again.Exactly, again.Expect, again.Counts, again.End = s.Exactly, s.Expect, s.Counts, s.End
		for _, x := range []*scenarios.Script{s, again} {
			for i := range x.Clients {
				for j := range x.Clients[i].Ops {
					o := &x.Clients[i].Ops[j]
					o.Line = 0
					for k := range o.Facts {
						o.Facts[k].Line = 0
					}
				}
			}
		}
		require.Equal(t, s, again, file)
	}
}
