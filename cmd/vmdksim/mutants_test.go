package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// harmless changes nothing that anyone can see.
const harmless = "# Says it in other words.\n# class: known-bug\n# scenario: mount-read-only.scn\n" +
	"FILE driver/volumes.go\n" +
	"OLD\nvar errNotHeld = errors.New(\"driver: a volume's lock was released twice\")\n" +
	"NEW\nvar errNotHeld = errors.New(\"driver: a volume's lock was given back twice\")\n"

func TestMutantsAreKilled(t *testing.T) {
	names := []string{"pr810-merged", "record-deleted-while-awaited", "failed-mount-stays-attached", "unguarded-map"}
	code, out, errs := do(t, append([]string{"mutants", "--json", "--seeds", "3"}, names...)...)
	require.Equal(t, exitFine, code, errs)
	require.Empty(t, errs, "no progress where there is no terminal")
	var rows []mutantRow
	require.NoError(t, json.Unmarshal([]byte(out), &rows))
	require.Len(t, rows, len(names))
	for i, r := range rows {
		require.Equal(t, names[i], r.Name)
		if r.Name == "unguarded-map" {
			require.False(t, r.Killed)
			require.Contains(t, r.Skipped, "race detector")
			continue
		}
		require.True(t, r.Killed, "%+v", r)
		require.Equal(t, 3, r.Found)
		require.NotEmpty(t, r.Oracle)
		require.Positive(t, r.Operations)
		require.Positive(t, r.MSP50)
		require.GreaterOrEqual(t, r.SchedulesP95, r.SchedulesP50)
	}
}

func TestAMutantThatSurvives(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "words.mutant")
	require.NoError(t, os.WriteFile(file, []byte(harmless), 0o600))
	code, out, errs := do(t, "mutants", "--seeds", "1", "--schedules", "50", file)
	require.Equal(t, exitFound, code, errs)
	require.Regexp(t, `words +known-bug +SURVIVED +50 +50 `, out)

	marked := strings.Replace(harmless, "FILE", "# equivalent: words are not looked at\nFILE", 1)
	require.NoError(t, os.WriteFile(file, []byte(marked), 0o600))
	code, out, errs = do(t, "mutants", "--seeds", "1", "--schedules", "50", file)
	require.Equal(t, exitFine, code, errs)
	require.Contains(t, out, "words are not looked at")
}

// A wrong kind of error, which a run with a fault excuses: the scenario alone says which it must be.
func TestAMutantThatOnlyTheScenarioSees(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kind.mutant")
	line := "\treturn because(%s, errors.Join(errors.New(\"it is not known whether the volume was removed\"), err))\n"
	require.NoError(t, os.WriteFile(file, []byte("# Busy is not unreachable.\n# class: known-bug\n# scenario: remove-lost.scn\n"+
		"FILE driver/remove.go\nOLD\n"+fmt.Sprintf(line, "Unreachable")+"NEW\n"+fmt.Sprintf(line, "Busy")), 0o600))
	code, out, errs := do(t, "mutants", "--json", "--seeds", "1", "--schedules", "50", file)
	require.Equal(t, exitFine, code, errs)
	var rows []mutantRow
	require.NoError(t, json.Unmarshal([]byte(out), &rows))
	r := rows[0]
	require.True(t, r.Killed)
	require.Equal(t, oracleExpectation, r.Oracle)
	require.Equal(t, []int{0, 2, 1, 0, 1}, []int{r.Found, r.Operations, r.Deviations, r.Preemptions, r.Faults})
}

func TestMutantsRefuses(t *testing.T) {
	stale := filepath.Join(t.TempDir(), "stale.mutant")
	require.NoError(t, os.WriteFile(stale, []byte(strings.Replace(harmless, "var ", "let ", 1)), 0o600))
	for want, args := range map[string][]string{
		"no mutant nonsense": {"nonsense"},
		"OLD stands 0 times": {stale},
		"at least 1":         {"--seeds", "0"},
		"name none":          {"--write", "x", "pr810-merged"},
		"is this the source": {"--source", t.TempDir(), "pr810-merged"},
	} {
		code, _, errs := do(t, append([]string{"mutants"}, args...)...)
		require.Equal(t, exitBadInput, code, args)
		require.Contains(t, errs, want)
	}
}

func TestPercentile(t *testing.T) {
	require.Equal(t, 3, percentile([]int{5, 1, 3, 2, 4}, 50))
	require.Equal(t, 5, percentile([]int{5, 1, 3, 2, 4}, 95))
	require.Equal(t, 7, percentile([]int{7}, 50))
	twenty := make([]int, 20)
	for i := range twenty {
		twenty[i] = i + 1
	}
	require.Equal(t, 10, percentile(twenty, 50))
	require.Equal(t, 19, percentile(twenty, 95))
}
