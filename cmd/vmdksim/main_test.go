package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const scenarioDir = "../../scenarios"

// do runs the program in this process.
func do(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "vmdksim")
	out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return bin
}

// program runs a built program and returns its exit status and output.
func program(t *testing.T, bin string, args ...string) (int, string) {
	t.Helper()
	c := exec.Command(bin, args...)
	out, err := c.Output()
	if c.ProcessState == nil {
		require.NoError(t, err)
	}
	return c.ProcessState.ExitCode(), string(out)
}

func scenarioFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(scenarioDir + "/*.scn")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func TestEveryScenarioHasOneHashInEveryProcess(t *testing.T) {
	bin := build(t)
	args := append([]string{"run", "--json"}, scenarioFiles(t)...)
	code, first := program(t, bin, args...)
	require.Equal(t, exitFine, code, first)
	_, second := program(t, bin, args...)
	require.Equal(t, first, second)
	_, here, _ := do(t, args...)
	require.Equal(t, first, here)
	var reports []replayed
	require.NoError(t, json.Unmarshal([]byte(first), &reports))
	require.Len(t, reports, len(scenarioFiles(t)))
}

// TestThePR810Mutant: it passes the empty schedule, and from every seed its failure is found; the file that was found
// fails on the mutant and passes on today's driver.
func TestThePR810Mutant(t *testing.T) {
	bin, clean, err := buildMutant(t.Context(), "pr810-merged", "")
	require.NoError(t, err)
	defer clean()
	dir := t.TempDir()
	sequential := filepath.Join(dir, "sequential.scn")
	require.NoError(t, os.WriteFile(sequential,
		[]byte("given volume data\nstart c1: mount data; unmount data\nstart c2: mount data\n"), 0o600))
	code, out := program(t, bin, "run", sequential)
	require.Equal(t, exitFine, code, out)

	worst := 0
	for seed := range 100 {
		found := filepath.Join(dir, fmt.Sprintf("found-%d.scn", seed))
		code, out := program(t, bin, "explore", scenarioDir+"/mount-two-containers.scn", "--json",
			"--seed", strconv.Itoa(seed), "--schedules", "200", "--out", found)
		require.Equal(t, exitFound, code, "seed %d: %s", seed, out)
		var rep explored
		require.NoError(t, json.Unmarshal([]byte(out), &rep))
		require.True(t, rep.Found)
		require.Equal(t, 2, rep.Operations)
		worst = max(worst, rep.Schedules)

		code, out = program(t, bin, "run", found)
		require.Equal(t, exitFound, code, "seed %d on the mutant: %s", seed, out)
		code, out, _ = do(t, "run", found)
		require.Equal(t, exitFine, code, "seed %d on today's driver: %s", seed, out)
	}
	t.Logf("worst of 100 seeds: schedule %d", worst)
}

func TestTheSharedConnectionMutant(t *testing.T) {
	bin, clean, err := buildMutant(t.Context(), "shared-connection", "")
	require.NoError(t, err)
	defer clean()
	code, out := program(t, bin, "run", scenarioDir+"/crossed-replies.scn")
	require.Equal(t, exitFound, code, out)
}

func TestBadInput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.scn")
	for _, tc := range []struct{ text, want string }{
		{"", "x.scn:1: nothing happens: there is no start line"},
		{"sart c1: mount v", `x.scn:1: unknown verb "sart"`},
		{"start c1: mout v", `x.scn:1: unknown operation "mout"`},
		{"start c1: mount", "x.scn:1: mount: the volume's name is missing"},
		{"start c1: mount v size=1gb", `x.scn:1: mount: unknown key "size"`},
		{"start c1: get v\nstart c1: get v", "x.scn:2: client c1 is started twice"},
		{"given volume v\ngiven volume v", "x.scn:2: volume v is given twice"},
		{"given volume v size=big\nstart c: get v", "volume v: size"},
		{"given quirk nonsense=on", `x.scn:1: unknown quirk "nonsense"`},
		{"given weather sunny", `x.scn:1: unknown given "weather"`},
		{"start c1: get v\nschedule\n  jump", `x.scn:3: unknown deviation "jump"`},
		{"start c1: get v\nschedule\n  switch c1 -> c2 before here", `x.scn:3: malformed place "here"`},
		{"start c1: get v\n  switch c1 -> c2 before a(b)#1", "x.scn:2: an indented line"},
		{"start c1: get v\nexpect\n  c2 get v -> ok", `x.scn:3: no client "c2" was started`},
		{"start c1: get v\nexpect\n  c1 get w -> ok", `x.scn:3: client c1 does not do "get w"`},
		{"start c1: get v\nend refs(v)", "x.scn:2: "},
		{"start c1: get v\nend weight(v)=1", `x.scn:2: unknown condition "weight"`},
		{strings.Repeat("\x00\xff garbage ", 1<<20), "x.scn:1: the file is"},
		{"start c1: get v\nexpect\n  count esx.get(v)=many", `x.scn:3: "esx.get(v)=many": want a number`},
		{"start c1: get v\nschedule now", `x.scn:2: "now" after schedule`},
		{"given faults -1\nstart c1: get v", "x.scn:1: faults"},
		{"start c1: create v size=1gb size=2gb", "x.scn:1: create: size is given twice"},
		{"start c1: get v\nschedule\n  fault lose at esx net.reply(x)#zero", `x.scn:3: malformed place`},
	} {
		require.NoError(t, os.WriteFile(file, []byte(tc.text), 0o600))
		code, out, errs := do(t, "run", file)
		require.Equal(t, exitBadInput, code, "%.80s", tc.text)
		require.Empty(t, out)
		require.Contains(t, errs, tc.want)
	}
	for _, args := range [][]string{
		{"run", filepath.Join(t.TempDir(), "none.scn")},
		{"run"},
		{"explore"},
		{"fly"},
		{"run", "--wings", "x"},
		{"explore", scenarioDir + "/crossed-replies.scn", "--mutant", "unheard-of"},
		{"explore", scenarioDir + "/crossed-replies.scn", "--budget", "0s"},
		{"explore", scenarioDir + "/crossed-replies.scn", "--shard", "1/2/3"},
		{"explore", scenarioDir + "/crossed-replies.scn", "--jobs", "100000"},
		{"explore", scenarioDir + "/crossed-replies.scn", "--out", t.TempDir()},
		{"explore", scenarioDir + "/crossed-replies.scn", "--out", filepath.Join(t.TempDir(), "none", "x.scn")},
		{"verify", "--violations", "0"}, // which would prove nothing, and say that all was run
		{"verify", "--limit", "0"},
		{"verify", "--shard", "1/2/3"},
	} {
		code, _, errs := do(t, args...)
		require.Equal(t, exitBadInput, code, "%v", args)
		require.NotEmpty(t, errs)
	}
}

func TestExploreFindsNothingInTodaysDriver(t *testing.T) {
	code, out, errs := do(t, "explore", scenarioDir+"/mount-two-containers.scn", "--schedules", "5000", "--json")
	require.Equal(t, exitFine, code, errs)
	var rep explored
	require.NoError(t, json.Unmarshal([]byte(out), &rep))
	require.False(t, rep.Found)
	require.Equal(t, 5000, rep.Schedules)
}
