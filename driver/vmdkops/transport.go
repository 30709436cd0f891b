package vmdkops

import "context"

// Transport carries one request to the service and its reply back.
type Transport interface {
	// RoundTrip sends the text of one message, without its frame, and returns the text of the reply.
	//
	// An error may come after the service has executed the request, or before it executes it later.
	// errors.Is(err, wire.ErrNotSent) is the only promise that it never will. When ctx is done RoundTrip returns soon,
	// with context.Cause(ctx) in the error's chain.
	//
	// The transport may keep request but not change it; the reply belongs to the caller. RoundTrip is safe for
	// concurrent use, and no call waits for another.
	RoundTrip(ctx context.Context, request []byte) (reply []byte, err error)
}
