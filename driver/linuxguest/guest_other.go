//go:build !linux

package linuxguest

import (
	"errors"
	"runtime"
)

// Guest cannot exist on this system.
type Guest struct{}

// New fails: disks and mounts of this kind exist on Linux only.
func New(cfg Config) (*Guest, error) {
	if _, err := cfg.withDefaults(); err != nil {
		return nil, err
	}
	return nil, errors.New("disks can be mounted on Linux only, this is " + runtime.GOOS)
}

// SeenBy is never reached: there is no Guest here.
func (*Guest) SeenBy(int) error { return nil }
