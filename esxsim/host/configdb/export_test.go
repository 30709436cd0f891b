package configdb

import (
	"time"

	"golang.org/x/sys/unix"
)

// Trusts reports whether the state of a file that was changed at that time is enough to know its content.
func Trusts(changed time.Time) bool {
	s := &snapshot{state: fileState{changed: unix.NsecToTimespec(changed.UnixNano())}}
	s.looked.Store(time.Now().UnixNano())
	return s.good(s.state)
}
