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

// TestThePR810MutantFailsTheMachine builds the tests of this package with the mutant in the driver.
func TestThePR810MutantFailsTheMachine(t *testing.T) {
	m, err := scenarios.LoadMutant("pr810-merged")
	require.NoError(t, err)
	overlay, err := m.Overlay(absRoot(t), t.TempDir())
	require.NoError(t, err)
	out, err := exec.Command("go", "test", "-overlay", overlay, "-run", "^TestMachine$", "-count=1", ".",
		"-rapid.nofailfile", "-rapid.shrinktime=1s").CombinedOutput()
	require.Error(t, err, "%s", out)
	require.Contains(t, string(out), "--- FAIL: TestMachine")
	require.Contains(t, string(out), "\n        start c") // a program was found and shrunk, it did not just fail to build
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
