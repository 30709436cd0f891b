package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
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
	f.close()
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

// Nothing that lies about in the state directory under the file's names is written through, or waited for.
func TestHintsAmongStrangeFiles(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(t.TempDir(), "victim")
	require.NoError(t, os.WriteFile(victim, []byte("precious"), 0o600))
	require.NoError(t, os.Symlink(victim, filepath.Join(dir, "attached.new")))
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "attached"), 0o600)) // whose reader would wait for a writer
	var said strings.Builder
	f := openHints(dir, slog.New(slog.NewTextHandler(&said, nil)))
	require.Empty(t, f.Load())
	require.Contains(t, said.String(), "no regular file")
	f.Keep("a@ds1")
	text, err := os.ReadFile(victim)
	require.NoError(t, err)
	require.Equal(t, "precious", string(text))
	f.close()
	require.Equal(t, []string{"a@ds1"}, openHints(dir, slog.New(slog.DiscardHandler)).Load())
}

// A file that is too large to be ours is not read into memory.
func TestHintsThatAreTooMany(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "attached"), nil, 0o600))
	require.NoError(t, os.Truncate(filepath.Join(dir, "attached"), 1<<40))
	var said strings.Builder
	require.Empty(t, openHints(dir, slog.New(slog.NewTextHandler(&said, nil))).Load())
	require.Contains(t, said.String(), "level=WARN")
}

// What another vmdkd has attached is no reason to attach and detach it, and its hints are not overwritten.
func TestHintsOfAnotherDaemon(t *testing.T) {
	dir := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	first := openHints(dir, log)
	first.Keep("a@ds1")
	var said strings.Builder
	second := openHints(dir, slog.New(slog.NewTextHandler(&said, nil)))
	require.Empty(t, second.Load())
	require.Contains(t, said.String(), "--state-dir")
	second.Keep("b@ds1")
	require.Equal(t, []string{"b@ds1"}, second.Load())
	second.close()
	first.close()
	require.Equal(t, []string{"a@ds1"}, openHints(dir, log).Load())
}
