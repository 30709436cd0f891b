package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestThePagesAreFresh: what is generated speaks of today's sources.
func TestThePagesAreFresh(t *testing.T) {
	for _, p := range []struct {
		page, made string
		sources    []string
	}{
		{"docs/mutants.md", "make mutants", matrixSources},
		{"docs/determinism.md", "make determinism", determinismSources},
		{"docs/fuzz.md", "make fuzz-service", fuzzSources},
	} {
		t.Run(filepath.Base(p.page), func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join("../..", p.page))
			require.NoError(t, err, "run: %s", p.made)
			said := regexp.MustCompile(`(?m)^` + hashMark + `(\S+)$`).FindSubmatch(page)
			require.NotNil(t, said, "%s names no hash; run: %s", p.page, p.made)
			hash, err := sourceHash("../..", p.sources)
			require.NoError(t, err)
			require.Equal(t, hash, string(said[1]), "%s speaks of other sources; run: %s", p.page, p.made)
		})
	}
}

// TestTheHashSeesEveryChange of the files that count, and nothing else.
func TestTheHashSeesEveryChange(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		name = filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	for _, pattern := range matrixSources {
		write(strings.Replace(pattern, "*", "a", 1), "one")
	}
	hash := func() string {
		h, err := sourceHash(root, matrixSources)
		require.NoError(t, err)
		return h
	}
	first := hash()
	write("driver/a_test.go", "a test")
	write("lab/a.go", "elsewhere")
	require.Equal(t, first, hash())
	seen := map[string]bool{first: true}
	for _, pattern := range matrixSources {
		write(strings.Replace(pattern, "*", "a", 1), "two")
		require.False(t, seen[hash()], pattern)
		seen[hash()] = true
	}
	write("driver/b.go", "one")
	require.False(t, seen[hash()])
	require.NoError(t, os.Rename(filepath.Join(root, "driver/b.go"), filepath.Join(root, "driver/c.go")))
	require.False(t, seen[hash()])
}
