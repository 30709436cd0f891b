package scenarios_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/scenarios"
)

const root = ".." // of the module

func absRoot(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(root)
	require.NoError(t, err)
	return dir
}

// TestThePR810MutantFailsTheMachine builds the tests of this package with the mutant in the driver. What the machine
// finds there is written to a file, which fails on the mutant and passes on today's driver.
func TestThePR810MutantFailsTheMachine(t *testing.T) {
	m, err := scenarios.LoadMutant("pr810-merged")
	require.NoError(t, err)
	dir := t.TempDir()
	overlay, err := m.Overlay(absRoot(t), dir)
	require.NoError(t, err)
	bin := filepath.Join(dir, "scenarios.test")
	out, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", bin, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)

	hunt := exec.Command(bin, "-test.run", "^TestMachine$/^names$", "-rapid.nofailfile", "-rapid.seed=1", "-rapid.shrinktime=3s")
	hunt.Env = append(os.Environ(), foundDirVariable+"="+dir)
	out, err = hunt.CombinedOutput()
	require.Error(t, err, "%s", out)
	require.Contains(t, string(out), "--- FAIL: TestMachine/names")
	files, err := filepath.Glob(filepath.Join(dir, "*.scn"))
	require.NoError(t, err)
	require.Len(t, files, 1, "%s", out)
	require.Contains(t, string(out), "replay it with: go run ./cmd/vmdksim run --table "+files[0]+"\n")

	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	s, err := scenarios.Parse(files[0], string(text))
	require.NoError(t, err)
	ops := 0
	for _, c := range s.Clients {
		ops += len(c.Ops)
	}
	require.Equal(t, 2, ops, "%s", text)
	require.LessOrEqual(t, strings.Count(string(text), "\n"), 15)

	again := exec.Command(bin, "-test.run", "^TestReplayOfAFile$")
	again.Env = append(os.Environ(), replayVariable+"="+files[0])
	out, err = again.CombinedOutput()
	require.Error(t, err, "%s", out)
	require.Contains(t, string(out), "an oracle objects")
	t.Setenv(replayVariable, files[0])
	TestReplayOfAFile(t)
}

const replayVariable = "VMDKVOL_REPLAY"

// TestReplayOfAFile runs the scenario that the environment names. It is the part of
// TestThePR810MutantFailsTheMachine that another driver than today's must do.
func TestReplayOfAFile(t *testing.T) {
	file := os.Getenv(replayVariable)
	if file == "" {
		t.Skip("no file in " + replayVariable)
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	s, err := scenarios.Parse(file, string(text))
	require.NoError(t, err)
	stage, err := scenarios.NewStage(s)
	require.NoError(t, err)
	defer stage.Close()
	o, err := stage.Replay(false)
	require.NoError(t, err)
	require.Nil(t, o.Result.Failure, "an oracle objects")
	require.Empty(t, o.Wrong)
}

// TestMutantsFitToday: every OLD stands exactly once in today's source, and every mutant says what it is and who finds it.
func TestMutantsFitToday(t *testing.T) {
	require.NotEmpty(t, scenarios.MutantNames())
	for _, name := range scenarios.MutantNames() {
		m, err := scenarios.LoadMutant(name)
		require.NoError(t, err)
		require.Contains(t, []string{
			scenarios.ClassHistorical, scenarios.ClassKnownBug, scenarios.ClassDataRace, scenarios.ClassShim,
		}, m.Class, name)
		require.NotEmpty(t, m.Why, name)
		require.Equal(t, m.Class == scenarios.ClassDataRace, m.Test != "", name)
		if m.Test == "" {
			_, err := scenarios.Load(m.Scenario)
			require.NoError(t, err, name)
			require.NotEmpty(t, m.Source, name)
		}
		_, err = m.Overlay(absRoot(t), t.TempDir())
		require.NoError(t, err)
	}
}

func TestWhatAMutantSaysOfItself(t *testing.T) {
	m, err := scenarios.ParseMutant("m", "# Two lines\n# say why.\n# class: shim\n# source: here\n# scenario: a.scn\n"+
		"# equivalent: not really: no\n# a remark\nFILE a.go\nOLD\n# class: text\nNEW\ny\n")
	require.NoError(t, err)
	require.Equal(t, &scenarios.Mutant{
		Name: "m", Why: "Two lines say why.", Class: scenarios.ClassShim, Source: "here", Scenario: "a.scn", Equivalent: "not really: no",
		Edits: []scenarios.Edit{{File: "a.go", Line: 9, Old: "# class: text\n", New: "y\n"}},
	}, m)
}

func TestAStaleMutantIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.go"), []byte("x\ny\nx\n"), 0o600))
	for text, want := range map[string]string{
		"FILE a.go\nOLD\ngone\nNEW\nz\n":     "OLD stands 0 times in a.go",
		"FILE a.go\nOLD\nx\nNEW\nz\n":        "OLD stands 2 times in a.go",
		"FILE b.go\nOLD\nx\nNEW\nz\n":        "b.go",
		"FILE ../a.go\nOLD\nx\nNEW\nz\n":     "outside of the module",
		"# nothing\n":                        "changes nothing",
		"OLD\nx\n":                           "want FILE, OLD or NEW",
		"FILE a.go\nOLD\nx\ny\nNEW\nz\n\n\n": "",
	} {
		m, err := scenarios.ParseMutant("m", text)
		if err == nil {
			_, err = m.Overlay(dir, t.TempDir())
		}
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}

func TestTheTableMarksTheSwitch(t *testing.T) {
	s, err := scenarios.Load("mount-two-containers.scn")
	require.NoError(t, err)
	stage, err := scenarios.NewStage(s)
	require.NoError(t, err)
	defer stage.Close()
	o, err := stage.Replay(true)
	require.NoError(t, err)
	table := scenarios.Table(o.Events)
	head, rest, _ := strings.Cut(table, "\n")
	require.Equal(t, []string{"c1", "c2", "esx"}, strings.FieldsFunc(head, func(r rune) bool { return r == ' ' || r == '|' }))
	require.Equal(t, 1, strings.Count(rest, "<<<"), table)
	require.Regexp(t, `\| \* mount data .*<<< switch from c1`, rest)
}
