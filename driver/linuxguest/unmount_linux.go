package linuxguest

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Unmount unmounts whatever is mounted at the mountpoint, all layers of it, and removes the directory. Not mounted, or
// no such directory, is success. A mountpoint in use is a *BusyError that names the processes, as far as they can be
// seen, and stays mounted. A directory that is not empty is not ours to delete: it is left and logged.
//
// NB: in other mount namespaces that still have a mount on this directory, removing it detaches that mount lazily
// (Linux since 3.18); Release tells whether somebody still uses it.
func (g *Guest) Unmount(ctx context.Context, mountpoint string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("unmount %s: %w", mountpoint, context.Cause(ctx))
	}
	target, err := g.target(mountpoint)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("unmount %s: %w", mountpoint, err)
	}
	const layers = 16 // more than anybody stacks; an end, should a mount not go away
	for range layers {
		err = unix.Unmount(target, unix.UMOUNT_NOFOLLOW)
		if err != nil {
			break
		}
	}
	switch {
	case err == nil:
		return fmt.Errorf("unmount %s: there were more than %d mounts", mountpoint, layers-1)
	case errors.Is(err, unix.ENOENT):
		return nil
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("unmount: %w", &BusyError{Path: mountpoint, Holders: usersOf(ctx, target)})
	case !errors.Is(err, unix.EINVAL):
		return fmt.Errorf("unmount %s: %w", mountpoint, err)
	}
	// EINVAL is "not a mountpoint", but also a mount that may not be taken away from here.
	if top, terr := topMount(target); terr != nil {
		return fmt.Errorf("unmount %s: %w", mountpoint, terr)
	} else if top != nil {
		return fmt.Errorf("unmount %s: %w (mount %d of %s is locked)", mountpoint, err, top.ID, top.Source)
	}
	if err := unix.Rmdir(target); err != nil && !errors.Is(err, unix.ENOENT) {
		g.cfg.Log.Warn("mountpoint was unmounted but its directory stays", "mountpoint", mountpoint, "error", err)
	}
	return nil
}
