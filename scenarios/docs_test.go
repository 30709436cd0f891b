package scenarios_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// TestTheManual runs every example of the reference, and finds one for every verb.
func TestTheManual(t *testing.T) {
	const file = "../docs/scenarios.md"
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	verbs := map[string]bool{}
	examples := 0
	for i, part := range strings.Split(string(text), "```scn\n") {
		if i == 0 {
			continue
		}
		example, _, ok := strings.Cut(part, "```")
		require.True(t, ok)
		examples++
		formatted, err := scenarios.Format(file, example)
		require.NoError(t, err, example)
		require.Equal(t, formatted, example)
		s, err := scenarios.Parse(file, example)
		require.NoError(t, err)
		for _, c := range s.Clients {
			for _, o := range c.Ops {
				verbs[o.Verb] = true
			}
		}
		stage, err := scenarios.NewStage(s)
		require.NoError(t, err)
		o, err := stage.Replay(false)
		require.NoError(t, err)
		require.Nil(t, o.Result.Failure, "%s", example)
		require.Empty(t, o.Wrong, "%s", example)
		require.Empty(t, o.Unused, "%s", example)
		rep, err := stage.Explore(explore.Search{Strategy: explore.Random(1), Schedules: 1000})
		stage.Close()
		require.NoError(t, err)
		require.False(t, rep.Found, "%s\n%+v", example, rep.Result)
	}
	require.Greater(t, examples, 9)
	for _, v := range scenarios.Verbs() {
		require.True(t, verbs[v.Name], "no example has the verb %s", v.Name)
		require.Contains(t, string(text), "`"+v.Name)
	}
}
