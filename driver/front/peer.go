package front

import (
	"net"
	"strconv"
	"strings"
)

// peer is the other end of a connection as a net.Addr, because a request knows its connection by the text of that
// address alone: the server's ConnContext belongs to the plugin library.
type peer struct{ pid int }

const peerPrefix = "pid "

func (peer) Network() string { return "unix" }

func (p peer) String() string { return peerPrefix + strconv.Itoa(p.pid) }

// callerOf returns the process at the other end of a request's connection, 0 if it is not known.
func callerOf(remoteAddr string) (pid int) {
	text, ok := strings.CutPrefix(remoteAddr, peerPrefix)
	if !ok {
		return 0
	}
	pid, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return pid
}

// peerOf asks the kernel who connected; 0 is somebody in a pid namespace that cannot be seen from here, or not known.
func peerOf(c net.Conn) peer {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return peer{}
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return peer{}
	}
	var p peer
	if err := raw.Control(func(fd uintptr) { p.pid = peerPid(int(fd)) }); err != nil {
		return peer{}
	}
	return p
}

// unseenError refuses a Mount whose mountpoint Docker would find empty.
type unseenError struct{ err error }

func (e *unseenError) Error() string { return e.err.Error() }

func (e *unseenError) Unwrap() error { return e.err }

// visible refuses calls whose answer names a directory, if the caller would find another one there.
func (h *Handler) visible(e endpoint, remoteAddr string) error {
	if !e.mounts || h.seenBy == nil {
		return nil
	}
	if err := h.seenBy(callerOf(remoteAddr)); err != nil {
		return &unseenError{err}
	}
	return nil
}
