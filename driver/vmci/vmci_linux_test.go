//go:build linux && vmci

package vmci

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/mdlayher/socket"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vmdkvol/driver/wire"
)

func TestDefaultAddress(t *testing.T) {
	tr, err := New(Config{})
	require.NoError(t, err)
	require.Equal(t, unix.SockaddrVM{CID: 2, Port: 1019}, tr.host)
	tr, err = New(Config{CID: 1, Port: 5000})
	require.NoError(t, err)
	require.Equal(t, unix.SockaddrVM{CID: 1, Port: 5000}, tr.host)
}

func TestSourcePortsGoRound(t *testing.T) {
	tr, err := New(Config{})
	require.NoError(t, err)
	for round := range 2 {
		for want := uint32(wire.MinClientPort); want <= wire.MaxClientPort; want++ {
			require.Equal(t, want, tr.port(), "round %d", round)
		}
	}
}

// vsock returns a stream socket, or skips the test where there is none or it may not be bound.
func vsock(t *testing.T) *socket.Conn {
	t.Helper()
	conn, err := socket.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0, "vsock", nil)
	if err != nil {
		t.Skipf("no AF_VSOCK, try: modprobe vsock_loopback: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestPortInUseIsPassedOver(t *testing.T) {
	tr, err := New(Config{})
	require.NoError(t, err)
	first, second, third := vsock(t), vsock(t), vsock(t)
	if err := tr.bind(first); errors.Is(err, unix.EACCES) {
		t.Skipf("run as root: %v", err)
	} else if err != nil {
		t.Skipf("AF_VSOCK without a transport, try: modprobe vsock_loopback: %v", err)
	}
	tr.next = wire.MinClientPort // as after a full round
	require.NoError(t, tr.bind(second))
	require.NoError(t, tr.bind(third))

	seen := map[uint32]bool{}
	for _, conn := range []*socket.Conn{first, second, third} {
		addr, err := conn.Getsockname()
		require.NoError(t, err)
		port := addr.(*unix.SockaddrVM).Port
		require.GreaterOrEqual(t, port, uint32(wire.MinClientPort))
		require.LessOrEqual(t, port, uint32(wire.MaxClientPort))
		require.False(t, seen[port], port)
		seen[port] = true
	}
}

// Whatever this machine offers instead of an ESX host, a request to nobody is not sent.
func TestNobodyThereIsNotSent(t *testing.T) {
	tr, err := New(Config{CID: unix.VMADDR_CID_LOCAL, Port: 59999})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err = tr.RoundTrip(ctx, []byte("{}"))
	require.ErrorIs(t, err, wire.ErrNotSent)
}

// pair returns both ends of a connection of the same kind as a vsock's, for machines that have no vsock.
func pair(t *testing.T) (client, service *socket.Conn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	ends := [2]*socket.Conn{}
	for i, fd := range fds {
		ends[i], err = socket.New(fd, "pair")
		require.NoError(t, err)
		t.Cleanup(func() { _ = ends[i].Close() })
	}
	return ends[0], ends[1]
}

func TestExchange(t *testing.T) {
	whole := wire.AppendFrame(nil, []byte("null"))
	for cut := 0; cut <= len(whole); cut++ {
		client, service := pair(t)
		_, err := service.Write(whole[:cut]) // the buffer takes it
		require.NoError(t, err)
		require.NoError(t, service.CloseWrite())
		reply, err := wire.Exchange(t.Context(), client, []byte("{}"))
		if cut == len(whole) {
			require.NoError(t, err)
			require.Equal(t, "null", string(reply))
		} else {
			require.Error(t, err, "cut after %d bytes", cut)
			require.NotErrorIs(t, err, wire.ErrNotSent)
		}
		request, err := wire.ReadFrame(service, wire.MaxRequest)
		require.NoError(t, err)
		require.Equal(t, "{}", string(request))
	}
}

func TestExchangeEndsWithItsContext(t *testing.T) {
	gone := errors.New("gone")

	client, service := pair(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		_, _ = wire.ReadFrame(service, wire.MaxRequest)
		cancel(gone)
	}()
	_, err := wire.Exchange(ctx, client, []byte("{}"))
	require.ErrorIs(t, err, gone)
	require.NotErrorIs(t, err, wire.ErrNotSent, "the service has read it")

	client, service = pair(t)
	ctx, cancel = context.WithCancelCause(t.Context())
	go func() {
		_, _ = service.Read(make([]byte, 1))
		cancel(gone)
	}()
	_, err = wire.Exchange(ctx, client, make([]byte, 16<<20)) // more than the buffers take
	require.ErrorIs(t, err, gone)
	require.NotErrorIs(t, err, wire.ErrNotSent, "a part was written")

	client, service = pair(t)
	require.NoError(t, service.Close())
	_, err = wire.Exchange(t.Context(), client, []byte("{}"))
	require.ErrorIs(t, err, wire.ErrNotSent, "the connection was gone before the first byte")
}
