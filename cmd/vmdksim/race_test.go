package main

import (
	"path/filepath"
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
			require.NoError(t, seededRace(t.Context(), m, source))
		})
	}
	require.GreaterOrEqual(t, seen, 10)
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
