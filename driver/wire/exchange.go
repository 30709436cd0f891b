package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Conn is a stream whose reads and writes a deadline ends, also those that are under way.
type Conn interface {
	io.ReadWriter
	SetDeadline(t time.Time) error
}

// usualReply holds the frame of every reply but list and long errors, in bytes.
const usualReply = 512

// Exchange sends one request over a fresh connection and returns the text of its reply; the end of ctx ends both. An error
// that wraps ErrNotSent says that not a byte was written; any other leaves open what the peer has done. If ctx has ended,
// the error wraps context.Cause(ctx).
func Exchange(ctx context.Context, c Conn, request []byte) ([]byte, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	n, err := c.Write(AppendFrame(make([]byte, 0, HeaderSize+len(request)+1), request))
	switch {
	case err != nil && n == 0:
		return nil, fmt.Errorf("write: %w: %w", ErrNotSent, Because(ctx, err))
	case err != nil:
		return nil, fmt.Errorf("write: %w", Because(ctx, err))
	}
	// Most replies then cost one read of the connection. What else it brings is nobody's.
	reply, err := ReadFrame(bufio.NewReaderSize(c, usualReply), MaxReply)
	if err != nil {
		return nil, fmt.Errorf("read: %w", Because(ctx, err))
	}
	return reply, nil
}

// Because puts the cause of ctx in front of an error that the end of ctx has brought about.
func Because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}
