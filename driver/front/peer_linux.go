package front

import "golang.org/x/sys/unix"

// peerPid is SO_PEERCRED of unix(7): the process that called connect(2), or listen(2) at the other end of a pair.
func peerPid(fd int) int {
	c, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0
	}
	return int(c.Pid)
}
