package driver

import "context"

// Guest is this machine as the driver needs it: its disks, file systems and mounts. Implementations do as they are
// told and decide nothing; every method is safe for concurrent use on different disks and mountpoints.
//
// A disk is a device path that Disk returned, valid until the ESX host detaches it.
type Guest interface {
	// Disk waits until the disk that the ESX host plugged into the given place has a device and returns its path.
	// It gives up when ctx is done.
	Disk(ctx context.Context, at Place) (disk string, err error)
	// Probe says what the disk holds: "" if it is blank (no file system, no partition table, zeros where they
	// live), the name of a file system such as "ext4", or a description of what else was found. Doubt is an error.
	Probe(ctx context.Context, disk string) (content string, err error)
	// Mkfs makes an empty file system, without lost+found, on a blank disk.
	Mkfs(ctx context.Context, disk, fstype, label string) error
	// Mount mounts the disk at the mountpoint, making the directory if need be, and returns nil only after it
	// has seen that the mountpoint is that disk, with that access mode.
	Mount(ctx context.Context, disk, mountpoint, fstype string, readOnly bool) error
	// Unmount unmounts the mountpoint and removes the empty directory. Not mounted is success.
	Unmount(ctx context.Context, mountpoint string) error
	// Mounted returns the disk that is mounted at the mountpoint, "" if none.
	Mounted(ctx context.Context, mountpoint string) (disk string, err error)
	// Verify returns nil if the mountpoint is that disk, with that access mode. It is cheap: every Mount of a volume
	// that is mounted already asks.
	Verify(ctx context.Context, disk, mountpoint string, readOnly bool) error
	// Release makes sure that nobody holds the disk: it flushes it and opens it exclusively. An error names the
	// holder if it can be found; the disk must then stay attached.
	Release(ctx context.Context, disk string) error
	// Filesystems returns the file systems that Mkfs can make here, sorted.
	Filesystems() []string
}
