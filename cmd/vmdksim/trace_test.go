package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func written(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func TestStrictAndLenientTraces(t *testing.T) {
	dir := t.TempDir()
	trace := filepath.Join(dir, "one.trace")
	code, _, errs := do(t, "run", "--trace", trace, scenarioDir+"/mount-two-containers.scn")
	require.Equal(t, exitFine, code, errs)
	read, err := os.ReadFile(trace)
	require.NoError(t, err)
	text := string(read)
	require.NotContains(t, text, dir, "no path of this machine")

	code, out, errs := do(t, "run", "--strict", trace)
	require.Equal(t, exitFine, code, "%s%s", out, errs)
	copied := filepath.Join(dir, "two.trace")
	code, _, errs = do(t, "run", trace, "--trace", copied)
	require.Equal(t, exitFine, code, errs)
	again, err := os.ReadFile(copied)
	require.NoError(t, err)
	require.Equal(t, text, string(again), "the same run is the same text")

	changed := written(t, "changed.trace", strings.Replace(text, "c1: esx.attach(data)", "c1: esx.attach(logs)", 1))
	code, out, _ = do(t, "run", changed)
	require.Equal(t, exitFound, code)
	require.Contains(t, out, "  trace: step    c1: esx.attach(logs)\n  now:   step    c1: esx.attach(data)\n")
	code, out, _ = do(t, "run", "--json", changed)
	require.Equal(t, exitFound, code)
	var reports []replayed
	require.NoError(t, json.Unmarshal([]byte(out), &reports))
	require.Equal(t, "step    c1: esx.attach(logs)", reports[0].Differs.Was)
	code, out, _ = do(t, "run", "--lenient", changed)
	require.Equal(t, exitFine, code)
	require.Contains(t, out, "not the same run: event ")

	_, build, _ := strings.Cut(text, "\nbuild ")
	build, _, _ = strings.Cut(build, "\n")
	other := written(t, "other.trace", strings.Replace(text, build, "feedfeedfeedfeed", 1))
	code, out, errs = do(t, "run", other)
	require.Equal(t, exitBadInput, code, out)
	require.Contains(t, errs, "other.trace:2: the trace is of build feedfeedfeedfeed, and this is build "+build)
	require.Contains(t, errs, "--lenient")
	require.Equal(t, 1, strings.Count(errs, "\n"))
	code, _, errs = do(t, "run", "--lenient", other)
	require.Equal(t, exitFine, code, errs)

	for _, args := range [][]string{
		{"run", "--strict", "--lenient", trace},
		{"run", "--update", trace},
		{"run", "--trace", trace, trace},
		{"run", "--trace", copied, trace, trace},
		{"run", "--trace", dir, trace},
		{"explore", trace},
		{"shrink", trace},
	} {
		code, _, errs := do(t, args...)
		require.Equal(t, exitBadInput, code, "%v", args)
		require.Equal(t, 1, strings.Count(errs, "\n"), errs)
	}
}

// TestDeviationsThatNoLongerApply: they fail a scenario that expects something, and any with --strict.
func TestDeviationsThatNoLongerApply(t *testing.T) {
	const plain = "given volume v\nstart c1: mount v\nschedule\n  switch c1 -> clock before esx.attach(v)#7\n"
	for _, tc := range []struct {
		text, flag string
		want       int
	}{
		{plain, "--json=false", exitFine},
		{plain, "--lenient", exitFine},
		{plain, "--strict", exitFound},
		{plain + "expect\n  c1 mount v -> ok\n", "--json=false", exitFound},
		{plain + "expect\n  c1 mount v -> ok\n", "--lenient", exitFine},
		{plain + "expect\n  c1 mount v -> not found\n", "--lenient", exitFound},
	} {
		code, out, _ := do(t, "run", tc.flag, written(t, "x.scn", tc.text))
		require.Equal(t, tc.want, code, "%s: %s", tc.flag, out)
		require.Contains(t, out, "never came to: switch c1 -> clock before esx.attach(v)#7\n")
	}
}

// TestTraceOfAMutant: two builds of one mutant are the same program, and today's driver is another one.
func TestTraceOfAMutant(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "x.trace")
	file := scenarioDir + "/crossed-replies.scn"
	code, _, errs := do(t, "run", "--mutant", "shared-connection", "--trace", trace, file)
	require.Equal(t, exitFound, code, errs)
	code, out, errs := do(t, "run", "--mutant", "shared-connection", "--strict", trace)
	require.Equal(t, exitFound, code, "it fails in the same way: %s%s", out, errs)
	require.NotContains(t, out, "differs")
	code, _, errs = do(t, "run", trace)
	require.Equal(t, exitBadInput, code)
	require.Contains(t, errs, "--lenient")
}
