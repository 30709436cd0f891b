package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestJobsDoNotChangeWhatIsFound: the same failure, in the same schedule, shrunk to the same file.
func TestJobsDoNotChangeWhatIsFound(t *testing.T) {
	bin, clean, err := buildMutant(t.Context(), "late-unmount-swallowed", "")
	require.NoError(t, err)
	defer clean()
	for _, strategy := range []string{"portfolio", "random", "pct:2", "pos", "delay:2", "idb"} {
		for _, seed := range []string{"3", "4"} {
			var first explored
			var file string
			for _, jobs := range []string{"1", "2", "3"} {
				out := filepath.Join(t.TempDir(), "found.scn")
				code, text := program(t, bin, "explore", scenarioDir+"/unmount-times-out.scn", "--json", "--strategy", strategy,
					"--seed", seed, "-j", jobs, "--schedules", "30000", "--out", out)
				require.Equal(t, exitFound, code, "%s, seed %s: %s", strategy, seed, text)
				var rep explored
				require.NoError(t, json.Unmarshal([]byte(text), &rep))
				found, err := os.ReadFile(out)
				require.NoError(t, err)
				_, scenario, _ := strings.Cut(string(found), "\n") // the header has the number of the schedule
				if jobs == "1" {
					first, file = rep, scenario
					t.Logf("%s, seed %s: schedule %d, %d deviations, proved %v after %d runs", strategy, seed, rep.Schedules, rep.Deviations,
						rep.Proved, rep.ShrinkRuns)
					continue
				}
				require.Equal(t, file, scenario, "%s, seed %s, %s jobs", strategy, seed, jobs)
				if strategy != "idb" { // there, how many schedules other jobs have run is a matter of time
					require.Equal(t, first.Schedules, rep.Schedules)
				}
			}
		}
	}
}

func TestShrink(t *testing.T) {
	bin, clean, err := buildMutant(t.Context(), "pr810-merged", "")
	require.NoError(t, err)
	defer clean()
	dir := t.TempDir()
	large := filepath.Join(dir, "large.scn")
	require.NoError(t, os.WriteFile(large, []byte(`given volume data
given volume other
start c0: get other; mount other; unmount other
start c1: get data; mount data; unmount data
start c2: mount data; get other; unmount data
start c3: get data
schedule
  switch c0 -> c3 before esx.get(other)#1
  switch c1 -> c2 before esx.attach(data)#1
`), 0o600))
	small := filepath.Join(dir, "small.scn")
	code, out, _ := do(t, "shrink", "--mutant", "pr810-merged", "--out", small, large)
	require.Equal(t, exitFound, code, out)
	require.Contains(t, out, "replay it with: vmdksim run --table --mutant pr810-merged "+small+"\n")
	require.Contains(t, out, "1 deviation (proved minimal, ")
	require.Contains(t, out, "it passes without: switch c1 -> c2 before")
	text, err := os.ReadFile(small)
	require.NoError(t, err)
	require.Contains(t, string(text), "proved minimal")
	require.Contains(t, string(text), "given volume data\nstart c1: mount data\nstart c2: mount data\nschedule\n  switch c1 -> c2 before ")
	require.NotContains(t, string(text), "other")
	code, out = program(t, bin, "run", small)
	require.Equal(t, exitFound, code, out)
	code, out, _ = do(t, "run", small)
	require.Equal(t, exitFine, code, out)
	code, _, errs := do(t, "shrink", "--out", small, large)
	require.Equal(t, exitBadInput, code)
	require.Contains(t, errs, "nothing to shrink")
}

// TestEarlyTimersAreTold: today's driver fails if ESX is slower than it counts on, which is not for everyone a bug.
func TestEarlyTimersAreTold(t *testing.T) {
	program := []string{
		"explore", "--program", "given volume v | c1: mount v; unmount v | c2: mount v; unmount v", "--faults", "4",
		"--proof", "2000", "--out", filepath.Join(t.TempDir(), "found.scn"),
	}
	code, out, errs := do(t, program...)
	require.Equal(t, exitFound, code, errs)
	require.Regexp(t, "it rests on [2-4] early timers: ", out)
	code, out, errs = do(t, append(program, "--json")...)
	require.Equal(t, exitFound, code, errs)
	var rep explored
	require.NoError(t, json.Unmarshal([]byte(out), &rep))
	require.Greater(t, rep.Early, 1)
	require.LessOrEqual(t, rep.Early, rep.Faults)
	require.Empty(t, rep.Cut)
}

func TestExploreSaysHowSureItIs(t *testing.T) {
	code, out, errs := do(t, "explore", scenarioDir+"/mount-two-containers.scn", "--schedules", "3000", "--json")
	require.Equal(t, exitFine, code, errs)
	require.Empty(t, errs)
	var rep map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &rep))
	miss := rep["miss_probability"].(map[string]any)
	require.Less(t, miss["2"], 0.2)
	require.Less(t, miss["2"], miss["3"])
	require.InDelta(t, 1, miss["4"], 0)
	require.Greater(t, rep["distinct_traces"], rep["distinct_histories"])
	require.GreaterOrEqual(t, rep["unseen_estimate"], 0.0)
	require.GreaterOrEqual(t, rep["bound"], 1.0)
	require.Equal(t, false, rep["complete"])

	code, out, errs = do(t, "explore", scenarioDir+"/mount-two-containers.scn", "--strategy", "dfs", "--json")
	require.Equal(t, exitFine, code, errs)
	require.NoError(t, json.Unmarshal([]byte(out), &rep))
	require.Equal(t, true, rep["complete"])
	require.InDelta(t, 0, rep["miss_probability"].(map[string]any)["4"], 0)
}

func TestAnIdbGoesOn(t *testing.T) {
	scenario := scenarioDir + "/mount-two-volumes.scn"
	explore := func(args ...string) (rep explored) {
		code, out, errs := do(t, append([]string{"explore", scenario, "--json", "--strategy", "idb:2"}, args...)...)
		require.Equal(t, exitFine, code, errs)
		require.NoError(t, json.Unmarshal([]byte(out), &rep))
		return rep
	}
	whole := explore()
	require.Equal(t, 2, whole.Bound)
	part := explore("--schedules", "50")
	require.NotEmpty(t, part.Position)
	rest := explore("--from", part.Position)
	require.Equal(t, whole.Schedules, part.Schedules+rest.Schedules)
	require.Equal(t, 2, rest.Bound)
	parts := explore("--shard", "1/3").Schedules + explore("--shard", "2/3").Schedules + explore("--shard", "3/3", "-j", "2").Schedules
	require.GreaterOrEqual(t, parts, whole.Schedules)
}

func TestAnInterruptedExplorationReports(t *testing.T) {
	for _, strategy := range []string{"portfolio", "idb"} {
		for _, jobs := range []string{"1", "2"} {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(200*time.Millisecond, cancel)
			var out, errs bytes.Buffer
			start := time.Now()
			code := run(ctx, []string{
				"explore", scenarioDir + "/mount-two-volumes.scn", "--budget", "1h", "-j", jobs, "--strategy", strategy,
			}, &out, &errs)
			require.Equal(t, exitFine, code, errs.String())
			require.Less(t, time.Since(start), time.Minute)
			require.Contains(t, out.String(), "schedules passed, none failed")
			require.Contains(t, out.String(), "probability that a bug was missed")
		}
	}
}

func TestExploreRefuses(t *testing.T) {
	scenario := scenarioDir + "/mount-two-containers.scn"
	for want, args := range map[string][]string{
		`unknown strategy "luck"`:        {"--strategy", "luck"},
		`strategy "pct:x"`:               {"--strategy", "pct:x"},
		`shard "3/2"`:                    {"--shard", "3/2"},
		`shard "x"`:                      {"--shard", "x"},
		"cannot be divided":              {"--strategy", "dfs", "--shard", "1/2"},
		"must be at least 1":             {"-j", "0"},
		"must not be negative":           {"--faults", "-1"},
		"--from is for --strategy idb":   {"--from", "1:2"},
		`malformed position "2:1"`:       {"--strategy", "idb", "--from", "2:1"},
		"--from is for --strategy idb w": {"--strategy", "idb", "--from", "1:1", "-j", "2"},
		"--schedules must be ":           {"--schedules", "0"},
	} {
		code, out, errs := do(t, append([]string{"explore", scenario}, args...)...)
		require.Equal(t, exitBadInput, code, "%v", args)
		require.Empty(t, out)
		require.Contains(t, errs, want)
	}
}
