package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

var errOtherDaemon = errors.New("another vmdkd uses the directory; give each its own --socket, --mount-root and --state-dir")

// own takes a directory, made with the mode if need be, until the file is closed or the process ends, however that ends. The
// error is errOtherDaemon if another vmdkd has it.
func own(dir string, mode os.FileMode) (*os.File, error) {
	if err := os.MkdirAll(dir, mode); err != nil {
		return nil, err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = d.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = errOtherDaemon
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return d, nil
}
