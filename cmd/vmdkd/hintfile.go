package main

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"vmdkvol/driver"
)

// hintFile keeps the names of volumes that may be attached from one life of vmdkd to the next, one a line. It is a hint: a
// file that cannot be read or written is a warning, and not synced to disk, because what it tells of ends with this machine's
// memory, or is found otherwise.
type hintFile struct {
	path string
	log  *slog.Logger

	mu    sync.Mutex // guards names and the file
	names map[string]bool
}

var _ driver.Hints = (*hintFile)(nil)

// openHints reads the hints below a directory, which is made if need be.
func openHints(dir string, log *slog.Logger) *hintFile {
	f := &hintFile{path: filepath.Join(dir, "attached"), log: log, names: map[string]bool{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		f.warn(err)
	}
	text, err := os.ReadFile(f.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.warn(err)
	}
	for line := range strings.Lines(string(text)) {
		if name := strings.TrimSuffix(line, "\n"); name != "" {
			f.names[name] = true
		}
	}
	return f
}

// Load returns the names that the last life left.
func (f *hintFile) Load() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sorted()
}

// Keep adds a name.
func (f *hintFile) Keep(volume string) { f.change(volume, true) }

// Drop takes a name away.
func (f *hintFile) Drop(volume string) { f.change(volume, false) }

func (f *hintFile) change(volume string, there bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.names[volume] == there {
		return
	}
	if there {
		f.names[volume] = true
	} else {
		delete(f.names, volume)
	}
	if err := f.write(); err != nil {
		f.warn(err)
	}
}

// write replaces the file as a whole.
func (f *hintFile) write() error {
	var text strings.Builder
	for _, name := range f.sorted() {
		text.WriteString(name + "\n")
	}
	fresh := f.path + ".new"
	if err := os.WriteFile(fresh, []byte(text.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, f.path)
}

func (f *hintFile) sorted() []string {
	names := make([]string, 0, len(f.names))
	for name := range f.names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (f *hintFile) warn(err error) {
	f.log.Warn("the hint of what is attached is not kept: after a crash, recovery may overlook a disk that is attached and not mounted",
		"file", f.path, "error", err)
}
