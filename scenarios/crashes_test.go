package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// TestCrashesAreFaults: a search lets whatever is given crash, at calls of each kind, and nothing else.
func TestCrashesAreFaults(t *testing.T) {
	const clients = "given volume v\ngiven faults 1\nstart c1: get v; path v\nstart c2: list; create w\nstart c3: mount v; unmount v\nstart c4: remove w\n"
	for given, want := range map[string][]string{
		"":                              nil,
		"given crashes plugin\n":        {"crash-plugin"},
		"given crashes vm,esx,plugin\n": {"crash-esx", "crash-plugin", "crash-vm"},
	} {
		s, err := scenarios.Parse("x.scn", given+clients)
		require.NoError(t, err)
		stage, err := scenarios.NewStage(s)
		require.NoError(t, err)
		var c explore.Coverage
		for n := 0; n < 5000; { // what is found does not matter here
			rep, err := stage.Search(explore.Search{Strategy: explore.Random(1), From: n, Schedules: 5000 - n, Coverage: &c})
			require.NoError(t, err)
			n = rep.Run + 1
		}
		stage.Close()
		fired := map[string]bool{}
		for _, op := range []string{"get", "path", "list", "create", "mount", "unmount", "remove"} {
			for _, fault := range []string{"crash-esx", "crash-plugin", "crash-vm"} {
				kind := "docker." + op + ":" + fault
				if _, ok := c.FaultsFired()[kind]; ok {
					fired[fault] = true
					require.Contains(t, s.FaultKinds(), kind)
					continue
				}
				require.NotContains(t, want, fault, "never fired at %s", op)
			}
		}
		require.Len(t, fired, len(want), given)
	}
}
