package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestConfidenceIsAlwaysTold: of a search that found something, too.
func TestConfidenceIsAlwaysTold(t *testing.T) {
	out := filepath.Join(t.TempDir(), "found.scn")
	for _, tc := range []struct {
		program string
		found   bool
	}{
		{"c1: mount v | c2: unmount v id=c1", false},
		{"given network shared | c1: mount v; get w | c2: mount w; get v", true}, // replies are crossed there
	} {
		args := []string{"explore", "--program", tc.program, "--schedules", "300", "--faults", "1", "--proof", "100", "--out", out}
		code, text, errs := do(t, append(args, "--json")...)
		require.Empty(t, errs)
		require.Equal(t, map[bool]int{false: exitFine, true: exitFound}[tc.found], code, text)
		var rep map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &rep))
		require.Equal(t, tc.found, rep["found"])
		for _, key := range []string{
			"schedules", "steps", "elapsed_ms", "operations", "deviations", "preemptions", "faults", "seed", "miss_probability", "distinct_traces",
			"distinct_histories", "bound", "unseen_estimate", "novelty", "faults_allowed", "faults_never_fired", "faults_never_reached", "sometimes_never",
		} {
			require.Contains(t, rep, key)
			require.NotNil(t, rep[key], key)
		}
		for _, depth := range []string{"2", "3", "4"} {
			require.Contains(t, rep["miss_probability"], depth)
		}
		require.Contains(t, rep["faults_never_reached"], "guest.mkfs:fail", "nobody creates a volume")
		require.Contains(t, rep["sometimes_never"], "driver: two operations wait for one volume's lock")
		require.Equal(t, tc.found, rep["oracle"] != nil)
		require.Equal(t, tc.found, rep["file"] != nil)

		code, text, _ = do(t, args...)
		require.Equal(t, map[bool]int{false: exitFine, true: exitFound}[tc.found], code)
		for _, want := range []string{"seen: ", "unseen: ", "of depth 2 p<=", "of depth 3 p<=", "of depth 4 p<=", "faults that no run came to: ", "never did: "} {
			require.Contains(t, text, want)
		}
	}
	t.Chdir(t.TempDir())
	require.NoError(t, os.Mkdir("found-"+programFile, 0o700)) // where the search writes if nobody says otherwise
	code, text, errs := do(t, "explore", "--program", "given network shared | c1: mount v; get w | c2: mount w; get v")
	require.Equal(t, exitBadInput, code)
	require.NotEmpty(t, errs)
	require.Contains(t, text, "found in schedule ", "what cannot be written is told all the same")
}
