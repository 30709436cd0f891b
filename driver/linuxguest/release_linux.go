package linuxguest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// After a container ends, the kernel frees its mount namespace a little later than the process. That long Release
// waits before it calls a disk held.
const (
	releaseGrace = 300 * time.Millisecond
	releasePause = 10 * time.Millisecond
)

// Release makes sure that nobody holds the disk: it opens it exclusively (O_EXCL; a file system, mounted in any mount
// namespace, or a device mapper would refuse) and flushes it. A *BusyError names the holders if they can be found. A
// disk without a device is an error that is os.ErrNotExist or ENXIO. It keeps nothing open, so the answer is true for
// as long as nobody mounts the disk.
func (g *Guest) Release(ctx context.Context, disk string) error {
	fd, err := openDisk(disk, unix.O_RDONLY|unix.O_EXCL)
	for end := time.Now().Add(releaseGrace); errors.Is(err, unix.EBUSY) && time.Now().Before(end); {
		if pause(ctx, releasePause) != nil {
			break
		}
		fd, err = openDisk(disk, unix.O_RDONLY|unix.O_EXCL)
	}
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("release: %w", &BusyError{Path: disk, Holders: g.holdersOf(ctx, disk)})
	}
	if err != nil {
		return fmt.Errorf("release: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Fsync(fd); err != nil {
		return fmt.Errorf("release: flush %s: %w", disk, err)
	}
	return nil
}
