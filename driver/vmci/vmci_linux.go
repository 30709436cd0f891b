//go:build linux && vmci

package vmci

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/mdlayher/socket"
	"golang.org/x/sys/unix"

	"vmdkvol/driver/wire"
)

// ports is how many source ports there are.
const ports = wire.MaxClientPort - wire.MinClientPort + 1

// Transport is a vmdkops.Transport. It is safe for concurrent use.
type Transport struct {
	host unix.SockaddrVM

	mu   sync.Mutex
	next uint32 // guarded by mu: the source port to try next
}

// New makes a Transport. It does not connect: the service may start later, or restart.
func New(c Config) (*Transport, error) {
	if c.CID == 0 {
		c.CID = wire.HostCID
	}
	if c.Port == 0 {
		c.Port = wire.Port
	}
	return &Transport{host: unix.SockaddrVM{CID: c.CID, Port: c.Port}, next: wire.MinClientPort}, nil
}

// RoundTrip sends one request and returns the text of the reply. See vmdkops.Transport for what its errors promise.
func (t *Transport) RoundTrip(ctx context.Context, request []byte) ([]byte, error) {
	conn, err := t.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	reply, err := wire.Exchange(ctx, conn, request)
	if err != nil {
		return nil, fmt.Errorf("vmci: %d:%d: %w", t.host.CID, t.host.Port, err)
	}
	return reply, nil
}

// connect returns a connection to the service that the caller closes. Nothing has been sent on it.
func (t *Transport) connect(ctx context.Context) (*socket.Conn, error) {
	if ctx.Err() != nil {
		return nil, t.notSent("connect", context.Cause(ctx))
	}
	conn, err := socket.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0, "vsock", nil)
	if err != nil {
		return nil, t.notSent("socket", explain(err))
	}
	if err := t.bind(conn); err != nil {
		_ = conn.Close()
		return nil, t.notSent("bind", err)
	}
	if _, err := conn.Connect(ctx, &unix.SockaddrVM{CID: t.host.CID, Port: t.host.Port}); err != nil {
		_ = conn.Close()
		return nil, t.notSent("connect", wire.Because(ctx, explain(err)))
	}
	return conn, nil
}

// bind gives the socket the next source port that is free, trying each port once.
func (t *Transport) bind(conn *socket.Conn) error {
	var err error
	for range ports {
		err = conn.Bind(&unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: t.port()})
		if !errors.Is(err, unix.EADDRINUSE) {
			return explain(err)
		}
	}
	return fmt.Errorf("no free source port from %d to %d: %w", wire.MinClientPort, wire.MaxClientPort, err)
}

// port returns the source ports in turn.
func (t *Transport) port() uint32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.next
	t.next++
	if t.next > wire.MaxClientPort {
		t.next = wire.MinClientPort
	}
	return p
}

// explain adds what usually is the matter (docs/original.md §1.9).
func explain(err error) error {
	switch {
	case errors.Is(err, unix.EAFNOSUPPORT):
		return fmt.Errorf("the kernel has no AF_VSOCK, try: modprobe vmw_vsock_vmci_transport: %w", err)
	case errors.Is(err, unix.ENODEV):
		return fmt.Errorf("no VMCI device, is this a VM on ESX?: %w", err)
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("a source port below 1024 needs root or CAP_NET_BIND_SERVICE: %w", err)
	case errors.Is(err, unix.ECONNRESET):
		return fmt.Errorf("nobody listens, is the vmdkops service running on the ESX host?: %w", err)
	}
	return err
}

func (t *Transport) notSent(op string, err error) error {
	return fmt.Errorf("vmci: %s %d:%d: %w: %w", op, t.host.CID, t.host.Port, wire.ErrNotSent, err)
}
