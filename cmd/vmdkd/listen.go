package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// listen returns the socket that systemd passed, or else makes one at path, for root only. Closing the listener
// removes a socket that was made here, and only that.
func listen(path string) (net.Listener, error) {
	passed, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("socket from systemd: %w", err)
	}
	switch {
	case len(passed) == 1 && passed[0] != nil:
		return passed[0], nil
	case len(passed) > 0:
		return nil, lacks("leave one ListenStream= in the socket unit",
			"systemd passed %d descriptors instead of one stream socket", len(passed))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, lacks("run vmdkd as root, or choose another --socket", "socket directory: %w", err)
	}
	done, err := alone(filepath.Dir(path))
	if err != nil {
		return nil, lacks("run vmdkd as root, or choose another --socket", "socket directory: %w", err)
	}
	defer done()
	if err := removeStale(path); err != nil {
		return nil, err
	}
	c := net.ListenConfig{Control: private}
	l, err := c.Listen(context.Background(), "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, lacks(stopOther, "socket %s was taken this moment", path)
	}
	if err != nil {
		return nil, lacks("run vmdkd as root, or choose another --socket", "socket: %w", err)
	}
	return l, nil
}

const stopOther = "stop the other vmdkd, or choose another --socket"

// private gives a unix socket its mode before it has a name: bind(2) takes the name's mode from the socket's, so there
// is no moment at which others may connect, and the process's umask stays alone.
func private(_, _ string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) { err = unix.Fchmod(int(fd), 0o600) }); e != nil {
		return e
	}
	return err
}

// alone waits until no other vmdkd makes a socket in the directory, and keeps them waiting until done is called: two that
// found the same stale socket would otherwise remove it twice, the second time the one that the first has just made.
func alone(dir string) (done func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { _ = f.Close() }, nil
}

// removeStale removes a socket that a killed vmdkd left behind: one on which nobody answers.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return lacks("run vmdkd as root, or choose another --socket", "socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return wrongInput("--socket %s exists and is no socket", path)
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		_ = c.Close()
		return lacks(stopOther, "a process answers on socket %s already", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return lacks(stopOther, "socket %s is in use or out of reach: %w", path, err)
	}
	if err := os.Remove(path); err != nil {
		return lacks("run vmdkd as root, or choose another --socket", "stale socket: %w", err)
	}
	return nil
}
