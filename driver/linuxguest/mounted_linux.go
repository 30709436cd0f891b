package linuxguest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Mounted returns the disk that is mounted at the mountpoint, topmost if there are several, with links resolved; ""
// if nothing is mounted there. If what is mounted is no disk, or a disk without a device node any more, it is the
// source as the mount table shows it.
func (g *Guest) Mounted(ctx context.Context, mountpoint string) (string, error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	target, err := g.target(mountpoint)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil // no parent directory, no mountpoint
	}
	if err != nil {
		return "", fmt.Errorf("what is mounted at %s: %w", mountpoint, err)
	}
	top, err := topMount(target)
	if err != nil || top == nil {
		return "", err
	}
	return g.source(top), nil
}

// Verify returns nil if the mountpoint is that disk, with that access mode. Unless the file system is btrfs, it does not
// read the mount table.
func (g *Guest) Verify(_ context.Context, disk, mountpoint string, readOnly bool) error {
	target, err := g.target(mountpoint)
	if err == nil {
		err = verify(target, deviceNumber(disk), readOnly)
	}
	if err != nil {
		return fmt.Errorf("%s is not %s: %w", mountpoint, disk, err)
	}
	return nil
}

// topMount returns the mount that a walk to the path ends on, nil if the path is no mountpoint: of several, the one
// that is nobody's parent at that place.
func topMount(path string) (*mountinfo.Info, error) {
	here, err := mountinfo.GetMounts(func(m *mountinfo.Info) (skip, stop bool) { return m.Mountpoint != path, false })
	if err != nil {
		return nil, fmt.Errorf("read the mount table: %w", err)
	}
	for _, m := range slices.Backward(here) {
		if !slices.ContainsFunc(here, func(o *mountinfo.Info) bool { return o.Parent == m.ID && o.ID != m.ID }) {
			return m, nil
		}
	}
	return nil, nil
}

// source returns the device of a mount. The path in the mount table is what somebody gave to mount(2), perhaps a link,
// so it is believed only if it is the mounted device; sysfs knows the name for a number.
func (g *Guest) source(m *mountinfo.Info) string {
	number := unix.Mkdev(uint32(m.Major), uint32(m.Minor))
	if mounts(m, deviceNumber(m.Source)) {
		if path, err := filepath.EvalSymlinks(m.Source); err == nil {
			return path
		}
	}
	link, err := os.Readlink(filepath.Join(g.cfg.SysRoot, "dev/block", fmt.Sprintf("%d:%d", m.Major, m.Minor)))
	if err == nil {
		path := filepath.Join(g.cfg.DevRoot, strings.ReplaceAll(filepath.Base(link), "!", "/"))
		if deviceNumber(path) == number {
			return path
		}
	}
	return m.Source
}
