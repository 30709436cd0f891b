package vmdkops_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/mdlayher/socket"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
)

// pairs does what driver/vmci does on a connection, for machines without AF_VSOCK: each request has a pair of sockets, of
// the library that vmci uses.
type pairs struct {
	serving sync.WaitGroup
	serve   func(io.ReadWriter)
}

func (p *pairs) RoundTrip(ctx context.Context, request []byte) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, errors.Join(wire.ErrNotSent, context.Cause(ctx))
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, errors.Join(wire.ErrNotSent, err)
	}
	ends := [2]*socket.Conn{}
	for i, fd := range fds {
		if ends[i], err = socket.New(fd, "pair"); err != nil {
			return nil, errors.Join(wire.ErrNotSent, err)
		}
	}
	p.serving.Go(func() {
		defer ends[1].Close()
		p.serve(ends[1])
	})
	defer ends[0].Close()
	return wire.Exchange(ctx, ends[0], request)
}

func overPairs(t *testing.T, serve func(io.ReadWriter)) vmdkops.Transport {
	p := &pairs{serve: serve}
	t.Cleanup(p.serving.Wait)
	return p
}

func TestExchangeConforms(t *testing.T) {
	require.Implements(t, (*wire.Conn)(nil), &socket.Conn{})
	testTransport(t, speaking(overPairs))
	testStream(t, overPairs)
}
