package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/scenarios"
)

// TestRandomProgramsAreDeterministic is a short form of make determinism.
func TestRandomProgramsAreDeterministic(t *testing.T) {
	code, out, errs := do(t, "determinism", "--json", "--alone", "--programs", "2000", "--guarded", "60", "--seed", "7")
	require.Equal(t, exitFine, code, "%s %s", out, errs)
	var d determined
	require.NoError(t, json.Unmarshal([]byte(out), &d))
	require.True(t, d.OK)
	require.Equal(t, 4000, d.Runs)
	require.Greater(t, d.Steps, 4000)
	require.Len(t, d.Guard, 8)
	require.NotEqual(t, d.Hash, d.Guard[0].Hash) // of other programs
	require.Empty(t, errs, "no progress where there is no terminal")

	// The number of workers does not matter, and a second process agrees.
	code, out = program(t, build(t), "determinism", "--json", "--programs", "2000", "--guarded", "0", "--seed", "7", "-j", "1")
	require.Equal(t, exitFine, code, out)
	var again determined
	require.NoError(t, json.Unmarshal([]byte(out), &again))
	require.Equal(t, d.Hash, again.Hash)
	require.Equal(t, d.Hash, again.Second)
}

// TestChanceIsFound: an ESX service whose answers depend on what happened before the run.
func TestChanceIsFound(t *testing.T) {
	source, err := moduleRoot(t.Context())
	require.NoError(t, err)
	m, err := scenarios.ParseMutant("chance", "# class: shim\nFILE esxsim/get.go\nOLD\n"+
		"\t\treturn nil, \"Volume \" + c.volume + \" not found (file: \" + c.group.path(c.target) + \")\"\nNEW\n"+
		"\t\tasked++\n\t\treturn nil, \"Volume \" + c.volume + string(rune('a'+asked%26)) + \" not found (file: \"\n"+
		"OLD\n// get describes a volume (docs/original.md §2.9).\nNEW\nvar asked int\n\n")
	require.NoError(t, err)
	bin, clean, err := overlaid(t.Context(), m, source)
	require.NoError(t, err)
	defer clean()
	code, out := program(t, bin, "determinism", "--json", "--programs", "200", "--guarded", "40")
	require.Equal(t, exitFound, code)
	var d determined
	require.NoError(t, json.Unmarshal([]byte(out), &d))
	require.False(t, d.OK)
	require.Positive(t, d.Differing)
	require.Positive(t, d.Guard[0].Differing)
	require.True(t, strings.HasPrefix(d.First, "# sample "), d.First)

	file := filepath.Join(t.TempDir(), "first.scn") // what differs is a scenario
	require.NoError(t, os.WriteFile(file, []byte(d.First), 0o600))
	_, err = parseFile(file)
	require.NoError(t, err)
}

func TestDeterminismRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"at least one job": {"--jobs", "0"},
		"not less than no": {"--programs", "-1"},
		"give --races":     {"--write", "x"},
		"not --alone":      {"--write", "x", "--races", "1", "--alone"},
	} {
		code, _, errs := do(t, append([]string{"determinism"}, args...)...)
		require.Equal(t, exitBadInput, code, args)
		require.Contains(t, errs, want)
	}
}

func TestTheDeterminismPage(t *testing.T) {
	d := &determined{
		Programs: 11, Runs: 22, Steps: 333, Hash: "aaaa", Second: "bbbb",
		Guard: []guard{{Backend: "coroutines", Processors: 2, GC: -1, Programs: 5, Hash: "cccc"}},
		Races: &races{Seeded: 10, Reported: 9, Schedules: 1000, ElapsedMS: 77_000},
	}
	page := determinismPage(d, "dddd")
	require.Contains(t, page, "\n"+hashMark+"dddd\n")
	require.Contains(t, page, "\n| 11 | 22 | 333 | 0 | aaaa | bbbb |\n")
	require.Contains(t, page, "\n| coroutines | 2 | off | 5 | 0 | cccc |\n")
	require.Contains(t, page, "Of 10 mutants that open a data race, the race detector reports 9 with the right line within 100 schedules")
	require.Contains(t, page, "1000 schedules of all scenarios gave 0 reports (77 s)")
}
