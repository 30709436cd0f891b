package main

import (
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTheFuzzerRanForLong: a short run writes the page, too, but not for a release.
func TestTheFuzzerRanForLong(t *testing.T) {
	page, err := os.ReadFile("../../docs/fuzz.md")
	require.NoError(t, err)
	row := regexp.MustCompile(`(?m)^\| (\d\w+) \| (\d+) \|`).FindSubmatch(page)
	require.NotNil(t, row, "run: make fuzz-service")
	ran, err := time.ParseDuration(string(row[1]))
	require.NoError(t, err)
	require.GreaterOrEqual(t, ran, 10*time.Minute, "docs/fuzz.md is of a short run; run: make fuzz-service")
}

func TestFuzzIsRead(t *testing.T) {
	r, ok := parseFuzz([]byte("fuzz: elapsed: 0s, gathering baseline coverage: 0/2 completed\n" +
		"fuzz: elapsed: 3s, execs: 190 (39/sec), new interesting: 2 (total: 48)\n" +
		"fuzz: elapsed: 6s, execs: 3757 (619/sec), new interesting: 3 (total: 49)\nPASS\n"))
	require.True(t, ok)
	require.Equal(t, fuzzed{execs: 3757, interesting: 49}, r)
	_, ok = parseFuzz([]byte("PASS\n"))
	require.False(t, ok)

	require.Equal(t, map[string]bool{"a.go:1.2,3.4": true, "b.go:1.2,3.4": true},
		coveredBlocks([]byte("mode: set\na.go:1.2,3.4 1 1\na.go:5.2,6.4 10 0\nb.go:1.2,3.4 2 10\n")))

	page := fuzzPage(fuzzed{elapsed: "10m2s", execs: 100, interesting: 3, seeds: 4, added: 1}, "beef")
	require.Contains(t, page, hashMark+"beef\n")
	require.Contains(t, page, "| 10m2s | 100 | 0 | 3 | 4 + 1 |")

	code, _, stderr := do(t, "fuzz", "--time", "0s")
	require.Equal(t, exitBadInput, code)
	require.Contains(t, stderr, "--time 0s")
}
