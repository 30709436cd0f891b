package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHintsOutliveTheDaemon(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	log := slog.New(slog.DiscardHandler)
	f := openHints(dir, log)
	require.Empty(t, f.Load())
	for _, name := range []string{"b@ds1", "name with blanks@ds1", "a@ds1"} {
		f.Keep(name)
	}
	f.Drop("b@ds1")
	f.Drop("never@ds1")
	require.Equal(t, []string{"a@ds1", "name with blanks@ds1"}, openHints(dir, log).Load())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "a temporary file is left")
}

// A state directory that cannot be written is a warning.
func TestHintsThatCannotBeKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	var said strings.Builder
	f := openHints(file, slog.New(slog.NewTextHandler(&said, nil)))
	f.Keep("a@ds1")
	require.Equal(t, []string{"a@ds1"}, f.Load())
	require.Contains(t, said.String(), "level=WARN")
	require.Contains(t, said.String(), file)
}
