package host

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// claim locks a file for whoever has it open now; EWOULDBLOCK if somebody has it. It is a lock of fcntl(2), which the flocks
// of disks know nothing of.
func claim(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) {
		failed = unix.FcntlFlock(fd, unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	})
	return errors.Join(err, failed)
}
