package wire

import (
	"errors"
	"fmt"
	"io"
	"strconv"
)

// Frame errors. What a function returns may wrap them with sizes; compare with errors.Is.
var (
	ErrMagic    = errors.New("wire: wrong magic")
	ErrLength   = errors.New("wire: frame length is 0")
	ErrTooLarge = errors.New("wire: too large")
	// ErrTruncated is also an io.ErrUnexpectedEOF.
	ErrTruncated = fmt.Errorf("wire: frame cut short: %w", io.ErrUnexpectedEOF)
	ErrNoNUL     = errors.New("wire: frame does not end with NUL")
	ErrInnerNUL  = errors.New("wire: NUL inside the text of a frame")
	ErrTrailing  = errors.New("wire: bytes after the frame")
)

// ErrUTF8 says that a request holds text that is not UTF-8. JSON cannot carry it, and replacing the bad bytes would
// name another volume.
var ErrUTF8 = errors.New("wire: not valid UTF-8")

// ErrNotSent is wrapped by a transport that knows that the peer did not execute the request, because not all of it
// was sent. It is the only such promise: after any other transport error the request may have been executed.
var ErrNotSent = errors.New("wire: request not sent")

// ErrorReply is the failure that the service reported: {"Error": "text"}.
type ErrorReply struct {
	Text string // never empty
}

// Error returns the text of the service, unchanged.
func (e *ErrorReply) Error() string { return e.Text }

// BadReplyError says that a reply is neither a success of its command nor one error text. Whether the command was
// executed is unknown.
type BadReplyError struct {
	Problem string
	Reply   string // the first bytes of the reply, at most 80
}

func (e *BadReplyError) Error() string {
	return "wire: bad reply: " + e.Problem + ": " + strconv.Quote(e.Reply)
}

// SyntaxError says that a request is not JSON in UTF-8. The original service answers "Failed to parse json"
// (docs/original.md §1.8).
type SyntaxError struct {
	Problem string // includes the offset
}

func (e *SyntaxError) Error() string { return "wire: request is not JSON: " + e.Problem }

// MissingFieldError says that a request lacks a field: "cmd", "details" or "Name". The original service answers with
// Python's KeyError of that name (docs/original.md §1.8).
type MissingFieldError struct {
	Field string
}

func (e *MissingFieldError) Error() string {
	return "wire: request lacks the field " + strconv.Quote(e.Field)
}

// FieldTypeError says that a field of a request has a type that it must not have: "cmd", "details", "Name", "Opts",
// or "" for the request itself. The original service answers with Python's TypeError or the like.
type FieldTypeError struct {
	Field string
	Raw   string // the JSON text of the value
}

func (e *FieldTypeError) Error() string {
	if e.Field == "" {
		return "wire: request is not a JSON object"
	}
	return "wire: request has the wrong type in the field " + strconv.Quote(e.Field)
}
