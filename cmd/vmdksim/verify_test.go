package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// certify runs verify and reads its certificate.
func certify(t *testing.T, wantCode int, args ...string) certificate {
	t.Helper()
	code, out, errs := do(t, append([]string{"verify", "--json"}, args...)...)
	require.Equal(t, wantCode, code, errs)
	var c certificate
	require.NoError(t, json.Unmarshal([]byte(out), &c), out)
	return c
}

// TestTheProofOfPR810Fails: a certificate is worth something.
func TestTheProofOfPR810Fails(t *testing.T) {
	c := certify(t, exitFound, "--clients", "2", "--ops", "1", "--mutant", "pr810-merged")
	require.False(t, c.Complete)
	require.Equal(t, 1, c.Violations)
	require.NotContains(t, []string{"", explore.CommutationOracle}, c.Oracle)
	require.Contains(t, c.First, "start c2: ")
	require.Regexp(t, "schedule\n  (pick|switch) ", c.First, "it says under which schedule")
}

// publishing is a driver that says it only reads what it publishes.
const publishing = "# The footprint of a write says that it is a read.\n# class: known-bug\n# source: here\n# scenario: mount-read-only.scn\n" +
	"FILE driver/volumes.go\n" +
	"OLD\n\tv.env.Touch(h.shown, true)\n\th.published = h.published[:0]\n" +
	"NEW\n\tv.env.Touch(h.shown, false)\n\th.published = h.published[:0]\n"

// TestTheAuditFindsAWrongFootprintOfTheDriver: such a driver does nothing wrong, but a search that believes it would leave
// out schedules.
func TestTheAuditFindsAWrongFootprintOfTheDriver(t *testing.T) {
	file := filepath.Join(t.TempDir(), "publishing.mutant")
	require.NoError(t, os.WriteFile(file, []byte(publishing), 0o600))
	scope := []string{"--clients", "2", "--ops", "1", "--audit", "1"}
	c := certify(t, exitFound, append(scope, "--mutant", file)...)
	require.False(t, c.Complete)
	require.Equal(t, explore.CommutationOracle, c.Oracle)
	require.Contains(t, c.Detail, "lock(")
	require.Positive(t, c.Audited)

	c = certify(t, exitFine, scope...)
	require.True(t, c.Complete)
	require.Greater(t, c.Audited, 500)
}
