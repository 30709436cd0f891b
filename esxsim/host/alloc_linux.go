package host

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// allocate gives a file of all zeros its blocks.
func allocate(f *os.File, size int64) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) {
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
