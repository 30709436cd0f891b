package guestsim

import "errors"

// Why an operation failed; compare with errors.Is. Each is named for the errno that Linux would give.
var (
	ErrBusy     = errors.New("device or resource busy") // EBUSY
	ErrNoDisk   = errors.New("no such device")          // ENODEV, ENXIO
	ErrIO       = errors.New("input/output error")      // EIO
	ErrReadOnly = errors.New("read-only file system")   // EROFS
	ErrInvalid  = errors.New("invalid argument")        // EINVAL: not what the disk holds, or mkfs cannot do it
)

// Error is the failure of an operation on a disk or mountpoint. Err is one of the errors
// above, fs.ErrNotExist of a file, or the cause of a context.
type Error struct {
	Op     string // "mount", "mkfs", ...
	Object string // a device path or a mountpoint
	Reason string // more than Err says, "" if there is no more
	Err    error
}

func (e *Error) Error() string {
	s := e.Op + " " + e.Object + ": "
	if e.Reason != "" {
		s += e.Reason + ": "
	}
	return s + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

func fail(op, object, reason string, err error) error {
	return &Error{Op: op, Object: object, Reason: reason, Err: err}
}
