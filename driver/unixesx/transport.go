package unixesx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"vmdkvol/driver/wire"
)

// Config says where the service listens.
type Config struct {
	Path string // of the socket
}

// Transport is a vmdkops.Transport. It has no state and is safe for concurrent use.
type Transport struct {
	path string
}

// New makes a Transport. It does not connect: the service may start later, or restart.
func New(c Config) (*Transport, error) {
	if c.Path == "" {
		return nil, errors.New("unixesx: config has no socket path")
	}
	return &Transport{path: c.Path}, nil
}

// RoundTrip sends one request and returns the text of the reply. See vmdkops.Transport for what its errors promise.
func (t *Transport) RoundTrip(ctx context.Context, request []byte) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, t.notSent("dial", context.Cause(ctx))
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", t.path)
	if err != nil {
		return nil, t.notSent("dial", because(ctx, err))
	}
	defer conn.Close()
	return t.exchange(ctx, conn, request)
}

// exchange sends the request and reads the reply.
func (t *Transport) exchange(ctx context.Context, conn net.Conn, request []byte) ([]byte, error) {
	// A deadline in the past ends reads and writes that are under way, too.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	if n, err := conn.Write(wire.AppendFrame(make([]byte, 0, wire.HeaderSize+len(request)+1), request)); err != nil {
		if n == 0 {
			return nil, t.notSent("write", because(ctx, err))
		}
		return nil, t.failed("write", because(ctx, err))
	}
	reply, err := wire.ReadFrame(conn, wire.MaxReply)
	if err != nil {
		return nil, t.failed("read", because(ctx, err))
	}
	return reply, nil
}

// because puts the cause of ctx in front of an error that the end of ctx has brought about.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

func (t *Transport) notSent(op string, err error) error {
	return fmt.Errorf("unixesx: %s %s: %w: %w", op, t.path, wire.ErrNotSent, err)
}

func (t *Transport) failed(op string, err error) error {
	return fmt.Errorf("unixesx: %s %s: %w", op, t.path, err)
}
