package storm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/scenarios"
)

// The storm is worth its time only if it reports a map that one access does not guard.
func TestUnguardedMapIsReported(t *testing.T) {
	requireRaceDetector(t)
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	mutant, err := scenarios.LoadMutant("unguarded-map")
	require.NoError(t, err)
	overlay, err := mutant.Overlay(root, t.TempDir())
	require.NoError(t, err)

	test := exec.CommandContext(t.Context(), "go", "test", "-race", "-short", "-count=1", "-overlay", overlay,
		"-run", "^TestStorm$", "./lab/storm")
	test.Dir = root
	out, err := test.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "the storm passed on the mutant, or did not run:\n%s", out)
	require.Regexp(t, `DATA RACE|concurrent map`, string(out))
	require.Contains(t, string(out), "volumes.go", "the report does not show where")
}

// requireRaceDetector skips where -race cannot be built.
func requireRaceDetector(t *testing.T) {
	t.Helper()
	probe := filepath.Join(t.TempDir(), "probe.go")
	require.NoError(t, os.WriteFile(probe, []byte("package main\n\nfunc main() {}\n"), 0o600))
	out, err := exec.CommandContext(t.Context(), "go", "run", "-race", probe).CombinedOutput()
	if err != nil {
		t.Skipf("the race detector cannot be built; install gcc and set CGO_ENABLED=1: %v\n%s", err, out)
	}
}
