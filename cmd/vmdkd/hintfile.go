package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"vmdkvol/driver"
)

// hintFile keeps the names of volumes that may be attached from one life of vmdkd to the next, one a line. It is a hint: a
// file that cannot be read or written is a warning, and not synced to disk, because what it tells of ends with this machine's
// memory, or is found otherwise.
type hintFile struct {
	path string
	log  *slog.Logger
	dir  *os.File // locked; nil: the hints are only kept in memory

	mu    sync.Mutex // guards names and the file
	names map[string]bool
}

var _ driver.Hints = (*hintFile)(nil)

// maxHints bounds the file, in bytes: many times what a VM can have attached.
const maxHints = 1 << 20

// openHints reads the hints below a directory, which is made if need be, and keeps other daemons out of it until close: what
// one of them has attached is no reason for another to attach it and let it go.
func openHints(dir string, log *slog.Logger) *hintFile {
	f := &hintFile{path: filepath.Join(dir, "attached"), log: log, names: map[string]bool{}}
	var err error
	if f.dir, err = own(dir, 0o700); err != nil {
		f.warn(err)
		return f
	}
	text, err := f.read()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.warn(err)
	}
	for line := range strings.Lines(text) {
		if name := strings.TrimSuffix(line, "\n"); name != "" {
			f.names[name] = true
		}
	}
	return f
}

// close leaves the file to the next life. What is kept later stays in memory.
func (f *hintFile) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dir != nil {
		_ = f.dir.Close()
		f.dir = nil
	}
}

// read returns what the file says. It waits for nobody, whatever lies there under its name.
func (f *hintFile) read() (string, error) {
	file, err := os.OpenFile(f.path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return "", err
	}
	defer file.Close()
	switch info, err := file.Stat(); {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", errors.New("it is no regular file")
	case info.Size() > maxHints:
		return "", fmt.Errorf("it has %d bytes, more than the %d that hints may have", info.Size(), maxHints)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxHints))
	return string(text), err
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

// write replaces the file as a whole. It follows no link that somebody put in the way.
func (f *hintFile) write() error {
	if f.dir == nil {
		return nil // openHints said why
	}
	var text strings.Builder
	for _, name := range f.sorted() {
		text.WriteString(name + "\n")
	}
	fresh := f.path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text.String())
	if err = errors.Join(err, file.Close()); err != nil {
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
