package linuxguest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/sys/unix"
)

var fsName = regexp.MustCompile(`^[a-z0-9]{1,16}$`)

// Mount mounts the disk at the mountpoint, makes the directory (mode 0755) if need be, and returns nil only after it
// has seen that the mountpoint is that disk with that access mode. It refuses a mountpoint outside of MountRoot, one
// that is a link or a file, and one where something is mounted already. After an error nothing of its own is left mounted,
// and no directory that it made. A read-only mount still replays a journal if the disk can be written.
func (g *Guest) Mount(ctx context.Context, disk, mountpoint, fstype string, readOnly bool) error {
	mode := "read-write"
	flags := uintptr(0)
	if readOnly {
		mode, flags = "read-only", unix.MS_RDONLY
	}
	fail := func(err error) error {
		return fmt.Errorf("mount %s at %s as %.20q %s: %w", disk, mountpoint, fstype, mode, err)
	}
	if ctx.Err() != nil {
		return fail(context.Cause(ctx))
	}
	if !fsName.MatchString(fstype) {
		return fail(errors.New("no name of a file system"))
	}
	number := deviceNumber(disk)
	if number == 0 {
		return fail(unix.ENOTBLK)
	}
	if g.cfg.MountRoot != "" {
		if err := os.MkdirAll(g.cfg.MountRoot, 0o755); err != nil {
			return fail(err)
		}
	}
	target, err := g.target(mountpoint)
	if err != nil {
		return fail(err)
	}
	made, err := makeDir(target)
	if err != nil {
		return fail(err)
	}
	undo := func(err error) error {
		if made {
			err = errors.Join(err, os.Remove(target))
		}
		return fail(err)
	}
	if there, err := topMount(target); err != nil {
		return undo(err)
	} else if there != nil {
		return fail(&BusyError{Path: mountpoint, Holders: []string{"a mount of " + there.Source}})
	}
	if err := unix.Mount(disk, target, fstype, flags, ""); err != nil {
		return undo(g.explain(ctx, err, disk))
	}
	if err := verify(target, number, readOnly); err != nil {
		return undo(errors.Join(err, unix.Unmount(target, unix.UMOUNT_NOFOLLOW)))
	}
	return nil
}

// target checks a mountpoint and returns it with the links of its parent resolved, as the mount table shows it. The
// last element is not resolved; it need not exist.
func (g *Guest) target(mountpoint string) (string, error) {
	if !filepath.IsAbs(mountpoint) || filepath.Clean(mountpoint) != mountpoint || mountpoint == "/" {
		return "", errors.New("no absolute, clean path")
	}
	parent := filepath.Dir(mountpoint)
	if g.cfg.MountRoot != "" && parent != g.cfg.MountRoot {
		return "", fmt.Errorf("it is not directly below %s", g.cfg.MountRoot)
	}
	parent, err := filepath.EvalSymlinks(parent)
	if err != nil {
		return "", err
	}
	return filepath.Join(parent, filepath.Base(mountpoint)), nil
}

// makeDir makes the directory unless it is there and a real one.
func makeDir(path string) (made bool, err error) {
	err = os.Mkdir(path, 0o755)
	if err == nil {
		return true, os.Chmod(path, 0o755) // whatever the umask
	}
	if !errors.Is(err, os.ErrExist) {
		return false, err
	}
	st, err := os.Lstat(path)
	if err != nil {
		return false, err
	}
	if !st.IsDir() {
		return false, fmt.Errorf("it is no directory (%s)", st.Mode())
	}
	return false, nil
}

// verify looks at what is mounted at target now: the device and the access mode, of the mount and of the file system.
func verify(target string, number uint64, readOnly bool) error {
	fd, err := unix.Open(target, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("look at the mount: %w", err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("look at the mount: %w", err)
	}
	if st.Dev != number {
		// btrfs shows a device number of its own for each subvolume; then the mount table must name the disk.
		top, err := topMount(target)
		if err != nil {
			return err
		}
		if top == nil || !mounts(top, number) || !sameMount(fd, top.ID) {
			return fmt.Errorf("another device is mounted there: %d:%d", unix.Major(st.Dev), unix.Minor(st.Dev))
		}
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return fmt.Errorf("look at the mount: %w", err)
	}
	if is := fs.Flags&unix.ST_RDONLY != 0; is != readOnly {
		return fmt.Errorf("it came up with read-only = %t", is)
	}
	return nil
}

// sameMount says whether fd is in the mount with that id; Linux before 5.8 cannot tell and is believed.
func sameMount(fd, id int) bool {
	var st unix.Statx_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st)
	return err != nil || st.Mask&unix.STATX_MNT_ID == 0 || st.Mnt_id == uint64(id)
}

// explain adds what the bare numbers of mount(2) mean here.
func (g *Guest) explain(ctx context.Context, err error, disk string) error {
	switch {
	case errors.Is(err, unix.ENODEV):
		return fmt.Errorf("%w (the kernel does not know this file system)", err)
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%w (the disk does not hold this file system; see the kernel log)", err)
	case errors.Is(err, unix.EROFS), errors.Is(err, unix.EACCES):
		return fmt.Errorf("%w (the disk is write-protected)", err)
	case errors.Is(err, unix.EBUSY):
		return &BusyError{Path: disk, Holders: g.holdersOf(ctx, disk)}
	}
	return err
}
