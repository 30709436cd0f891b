package host

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// allocate gives a file of all zeros its blocks. It asks first whether there is room: fallocate takes what there is before
// it says that there is not enough, and everybody else on that file system would see it full meanwhile.
func allocate(f *os.File, size int64) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) {
		var fs unix.Statfs_t
		if failed = unix.Fstatfs(int(fd), &fs); failed != nil {
			return
		}
		if size/fs.Bsize >= int64(fs.Bavail) { //nolint:gosec // no file system has 2^63 blocks
			failed = unix.ENOSPC
			return
		}
		for {
			if failed = unix.Fallocate(int(fd), 0, 0, size); !errors.Is(failed, unix.EINTR) {
				return
			}
		}
	})
	if errors.Is(failed, unix.EOPNOTSUPP) {
		failed = fmt.Errorf("the file system of the datastore cannot allocate space (only diskformat=thin works): %w", failed)
	}
	return errors.Join(err, failed)
}

// nextData returns where the bytes of a file go on after its holes, size if nowhere. It moves the file's offset.
func nextData(f *os.File, at, size int64) int64 {
	next, err := f.Seek(at, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		return size
	case err != nil:
		return at // the file system does not know
	}
	return next
}
