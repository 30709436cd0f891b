package scenarios_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// atLength is how many schedules a long search has: an eighth if the tests are to be short, as they are under the race
// detector, which sees nothing in coroutines.
func atLength(schedules int) int {
	if testing.Short() {
		return schedules / 8
	}
	return schedules
}

func TestEveryScenario(t *testing.T) {
	files, err := filepath.Glob("*.scn")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			s, err := scenarios.Parse(file, string(text))
			require.NoError(t, err)
			stage, err := scenarios.NewStage(s)
			require.NoError(t, err)
			defer stage.Close()
			first, err := stage.Replay(true)
			require.NoError(t, err)
			for _, e := range first.Events {
				t.Log(e.Kind, e.Task, e.Point, e.Text)
			}
			require.Nil(t, first.Result.Failure)
			require.Empty(t, first.Wrong)
			require.False(t, first.Failed(), "never came to: %v", first.Unused)
			again, err := stage.Replay(false)
			require.NoError(t, err)
			require.Equal(t, first.Result.Hash, again.Result.Hash)
			rep, err := stage.Explore(explore.Search{Strategy: explore.Random(1), Schedules: atLength(4000)})
			require.NoError(t, err)
			require.False(t, rep.Found, "%+v", rep)
		})
	}
}
