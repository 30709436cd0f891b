package vmdkops

import (
	"errors"

	"vmdkvol/driver/wire"
)

// Kind says what an error means for the caller.
type Kind uint8

// The kinds. Except for Unknown, each says that the command has not done what it was asked to do.
const (
	// Failed is any definite refusal or fault of the service that has no kind of its own.
	Failed Kind = iota
	// NotFound: the volume does not exist.
	NotFound
	// Exists: a file with the volume's name exists already.
	Exists
	// InUse: the disk is attached to another VM, or locked by it. Error.Owner names the VM if the service did.
	InUse
	// Busy: another task holds the VM; the same request may succeed in a moment.
	Busy
	// BadName: the service does not accept the name of the volume or of its datastore.
	BadName
	// BadOption: the service does not accept an option of create.
	BadOption
	// Denied: the vmgroup, a privilege or a quota forbids it.
	Denied
	// Full: the VM has no room for another disk.
	Full
	// Mismatch: the service speaks another version of the protocol.
	Mismatch
	// Unavailable: the service declined before doing anything, because it stops or the host's agent is away.
	Unavailable
	// NotSent: nothing was done, because no attempt reached the service, or because the context ended while the
	// service declined as busy or unavailable.
	NotSent
	// Unknown: the command may have been executed, may be executed still, or may never be. A lost reply, a
	// deadline, a malformed reply and an exception inside the service all mean this.
	Unknown
	// Unreadable: the volume exists, but the service could not read its metadata.
	Unreadable

	numKinds
)

var kindNames = [numKinds]string{
	Failed: "failed", NotFound: "not found", Exists: "exists", InUse: "in use", Busy: "busy", BadName: "bad name",
	BadOption: "bad option", Denied: "denied", Full: "full", Mismatch: "mismatch", Unavailable: "unavailable",
	NotSent: "not sent", Unknown: "unknown", Unreadable: "unreadable",
}

func (k Kind) String() string {
	if k < numKinds {
		return kindNames[k]
	}
	return "invalid kind"
}

// Error is the failure of one command.
type Error struct {
	Cmd    wire.Command
	Volume string // as the caller named it; "" for list and version
	Kind   Kind
	Owner  string // of InUse: the VM that has the disk, "" if the service did not say
	Err    error  // the cause, never nil in an Error that a Client returned
}

// Error is "command volume: kind: cause".
func (e *Error) Error() string {
	s := string(e.Cmd)
	if e.Volume != "" {
		s += " " + e.Volume
	}
	s += ": " + e.Kind.String()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(e, wire.ErrNotSent) agree with the kind, also if the context ended before the first attempt.
func (e *Error) Is(target error) bool { return target == wire.ErrNotSent && e.Kind == NotSent }

// KindOf returns the kind of the *Error in err's chain, and Failed if there is none. KindOf(nil) is Failed too: ask
// only about errors.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Failed
}
