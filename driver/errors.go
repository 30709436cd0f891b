package driver

import (
	"context"
	"errors"

	"vmdkvol/driver/vmdkops"
)

// Kind says what an error means to whoever asked.
type Kind uint8

// The kinds of errors.
const (
	// Failed: it was tried and refused, for a reason that has no kind of its own.
	Failed Kind = iota
	// BadName: no volume can have this name.
	BadName
	// BadOption: Create was asked for something impossible.
	BadOption
	// NotFound: there is definitely no such volume.
	NotFound
	// Exists: Create found a volume that it may not take for its own.
	Exists
	// InUse: someone holds the volume; Error.Owner says who, if known.
	InUse
	// Doubt: what is on the disk, or in its metadata, does not allow to go on safely.
	Doubt
	// Denied: the vmgroup, a privilege or a quota forbids it.
	Denied
	// Full: the VM has no room for another disk.
	Full
	// Unreachable: no answer, or no certain one, from ESX; it may be different in a moment.
	Unreachable
	// Busy: ESX or this machine was occupied for too long.
	Busy
	// Closed: the driver is being stopped.
	Closed

	numKinds
)

var kindNames = [numKinds]string{
	Failed: "failed", BadName: "bad name", BadOption: "bad option", NotFound: "not found", Exists: "exists",
	InUse: "in use", Doubt: "doubt", Denied: "denied", Full: "full", Unreachable: "unreachable", Busy: "busy",
	Closed: "closed",
}

func (k Kind) String() string {
	if k < numKinds {
		return kindNames[k]
	}
	return "invalid kind"
}

// Error is what every method of Driver returns when it fails.
type Error struct {
	Op     string // the method, in lower case
	Volume string // as the caller named it
	Kind   Kind
	Owner  string // of InUse: the VM or process that holds the volume, "" if unknown
	Err    error  // the cause
}

// Error is "op volume: cause".
func (e *Error) Error() string {
	if e.Volume == "" {
		return e.Op + ": " + e.Err.Error()
	}
	return e.Op + " " + e.Volume + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the *Error in err's chain, and Failed if there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Failed
}

// errClosed is the cause of every context that ends because the driver is being stopped.
var errClosed = errors.New("the driver is being stopped")

// kinds maps what the ESX side said to what it means here.
var kinds = map[vmdkops.Kind]Kind{
	vmdkops.Failed: Failed, vmdkops.NotFound: NotFound, vmdkops.Exists: Exists, vmdkops.InUse: InUse,
	vmdkops.Busy: Busy, vmdkops.BadName: BadName, vmdkops.BadOption: BadOption, vmdkops.Denied: Denied,
	vmdkops.Full: Full, vmdkops.Mismatch: Failed, vmdkops.Unavailable: Unreachable, vmdkops.NotSent: Unreachable,
	vmdkops.Unknown: Unreachable, vmdkops.Unreadable: Doubt,
}

// kinded is a cause whose kind is known where it arises.
type kinded struct {
	kind  Kind
	owner string
	err   error
}

func (k *kinded) Error() string { return k.err.Error() }

func (k *kinded) Unwrap() error { return k.err }

// because gives a cause its kind.
func because(k Kind, err error) error { return &kinded{kind: k, err: err} }

// classify finds the kind of a cause, and the owner that it names.
func classify(err error) (Kind, string) {
	if k, ok := errors.AsType[*kinded](err); ok {
		return k.kind, k.owner
	}
	if errors.Is(err, errClosed) {
		return Closed, ""
	}
	if remote, ok := errors.AsType[*vmdkops.Error](err); ok {
		return kinds[remote.Kind], remote.Owner
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Busy, ""
	}
	return Failed, ""
}

// fail makes the error of an operation from its cause.
func fail(op, volume string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Op: op, Volume: volume, Err: err}
	e.Kind, e.Owner = classify(err)
	if remote, ok := err.(*vmdkops.Error); ok && remote.Err != nil { //nolint:errorlint // only the outermost prefix goes
		e.Err = remote.Err // op and volume are said already
	}
	return e
}
