package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/scenarios"
)

// TestSeededRaces: each mutant that opens a data race is reported, with the line that its file names, within 100
// schedules. It builds the program once for each of them, so it runs only where races are the subject: make race.
func TestSeededRaces(t *testing.T) {
	if !raceDetector || testing.Short() {
		t.Skip("a matter of minutes: run make race")
	}
	source, err := moduleRoot(t.Context())
	require.NoError(t, err)
	seen := 0
	for _, name := range scenarios.MutantNames() {
		m, err := scenarios.LoadMutant(name)
		require.NoError(t, err)
		if m.Races == "" {
			continue
		}
		seen++
		t.Run(name, func(t *testing.T) {
			file, text, ok := strings.Cut(m.Races, ": ")
			require.True(t, ok)
			code, _, report := do(t, "race", "--mutant", name, "--schedules", "100", filepath.Join(source, "scenarios", m.Scenario))
			require.Equal(t, exitFound, code)
			place := fmt.Sprintf("%s:%d ", file, lineOf(t, m, source, file, text))
			require.True(t, strings.Contains(report, "DATA RACE") && strings.Contains(report, place),
				"no report names %s", place) // the reports are long
		})
	}
	require.GreaterOrEqual(t, seen, 10)
}

// lineOf finds the line of a text in a file as the mutant changes it.
func lineOf(t *testing.T, m *scenarios.Mutant, source, file, text string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(source, file))
	require.NoError(t, err)
	changed := string(b)
	for _, e := range m.Edits {
		if e.File == file {
			changed = strings.Replace(changed, e.Old, e.New, 1)
		}
	}
	for i, line := range strings.Split(changed, "\n") {
		if strings.TrimSpace(line) == text {
			return i + 1
		}
	}
	t.Fatalf("%s has no line %q", file, text)
	return 0
}

// TestTheDriverHasNoRace is a short form of what make race does with every scenario.
func TestTheDriverHasNoRace(t *testing.T) {
	if testing.Short() {
		t.Skip("builds with the race detector: run without -short")
	}
	code, out, report := do(t, "race", "--schedules", "200", filepath.Join(scenarioDir, "mount-during-last-unmount.scn"))
	require.Equal(t, exitFine, code, report)
	require.Contains(t, out, "200 schedules")
}
