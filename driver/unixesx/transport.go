package unixesx

import (
	"context"
	"errors"
	"fmt"
	"net"

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
		return nil, t.notSent("dial", wire.Because(ctx, err))
	}
	defer conn.Close()
	reply, err := wire.Exchange(ctx, conn, request)
	if err != nil {
		return nil, fmt.Errorf("unixesx: %s: %w", t.path, err)
	}
	return reply, nil
}

func (t *Transport) notSent(op string, err error) error {
	return fmt.Errorf("unixesx: %s %s: %w: %w", op, t.path, wire.ErrNotSent, err)
}
