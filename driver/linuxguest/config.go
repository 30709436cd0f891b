package linuxguest

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
)

// Config says where things are. The zero value is a usual Linux machine.
type Config struct {
	// DevRoot holds disk/by-path; "" means /dev. It is absolute.
	DevRoot string
	// SysRoot is where sysfs is mounted; "" means /sys. It is absolute.
	SysRoot string
	// MountRoot, if not "", is the only directory whose direct children may be mountpoints. It is absolute; Mount
	// makes it if need be.
	MountRoot string
	// ToolDirs are the directories, in order, where mkfs programs may be; nil means the usual four. They are absolute.
	ToolDirs []string
	// Log gets what is no error but worth knowing; nil discards it.
	Log *slog.Logger
}

// withDefaults fills in the defaults and refuses relative paths: the daemon's working directory means nothing.
func (c Config) withDefaults() (Config, error) {
	if c.DevRoot == "" {
		c.DevRoot = "/dev"
	}
	if c.SysRoot == "" {
		c.SysRoot = "/sys"
	}
	if c.ToolDirs == nil {
		c.ToolDirs = []string{"/usr/sbin", "/sbin", "/usr/bin", "/bin"}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	for _, p := range append([]string{c.DevRoot, c.SysRoot}, c.ToolDirs...) {
		if !filepath.IsAbs(p) {
			return c, fmt.Errorf("path %q is not absolute", p)
		}
	}
	if c.MountRoot != "" {
		if !filepath.IsAbs(c.MountRoot) {
			return c, fmt.Errorf("mount root %q is not absolute", c.MountRoot)
		}
		c.MountRoot = filepath.Clean(c.MountRoot)
	}
	return c, nil
}

// ErrPlace is in the error of Disk when the ESX host answered a place that cannot be one.
var ErrPlace = errors.New("not a place of a disk")

// BusyError says that a disk or mountpoint is held. errors.Is(err, syscall.EBUSY) holds.
type BusyError struct {
	Path    string   // the disk or mountpoint
	Holders []string // who holds it, a few at most; empty if nobody was found
}

// Error names the holders.
func (e *BusyError) Error() string {
	if len(e.Holders) == 0 {
		return e.Path + " is busy, by a holder that cannot be seen from here"
	}
	return e.Path + " is busy: " + strings.Join(e.Holders, "; ")
}

// Unwrap returns EBUSY.
func (*BusyError) Unwrap() error { return syscall.EBUSY }
