package explore_test

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestADataRaceIsReportedWithItsLine runs testdata/racy, one run of which has a race between two sections that take turns.
func TestADataRaceIsReportedWithItsLine(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("the race detector needs a C compiler: install gcc")
	}
	out, err := exec.Command("go", "run", "-race", "./testdata/racy", "unlocked").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "WARNING: DATA RACE")
	source, err := os.ReadFile("testdata/racy/main.go")
	require.NoError(t, err)
	for i, line := range strings.Split(string(source), "\n") {
		if strings.Contains(line, "// here") {
			require.Regexp(t, `racy/main\.go:`+strconv.Itoa(i+1)+`\b`, string(out))
		}
	}
	// Of two tasks, the second begins when the first has ended: nothing but their turns orders what they do.
	out, err = exec.Command("go", "run", "-race", "./testdata/racy", "starter").CombinedOutput()
	require.Error(t, err, "%s", out)
	for i, line := range strings.Split(string(source), "\n") {
		if strings.Contains(line, "// there") {
			require.Regexp(t, `racy/main\.go:`+strconv.Itoa(i+1)+`\b`, string(out))
		}
	}
	out, err = exec.Command("go", "run", "-race", "./testdata/racy", "locked").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Empty(t, string(out))
}
