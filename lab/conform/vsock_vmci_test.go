//go:build linux && vmci

package conform_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/mdlayher/socket"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vmdkvol/driver/vmci"
	"vmdkvol/driver/wire"
)

// overVsock is driver/vmci and hosts that listen on AF_VSOCK in this very machine, on a port for each VM, since all of them have
// its CID.
func overVsock(t *testing.T, w *world) speaker {
	ports := map[string]uint32{}
	for _, vm := range vms {
		l, port, err := listenVsock()
		require.NoError(t, err)
		ports[vm] = port
		ctx, cancel := context.WithCancel(context.Background())
		var serving sync.WaitGroup
		serving.Go(func() {
			for {
				c, peer, err := l.Accept(ctx, 0)
				if err != nil {
					return
				}
				serving.Go(func() {
					defer c.Close()
					if peer.(*unix.SockaddrVM).Port <= wire.MaxClientPort { // docs/original.md §1.4
						_ = w.h.ServeConn(ctx, vm, c)
					}
				})
			}
		})
		t.Cleanup(func() {
			cancel()
			_ = l.Close()
			serving.Wait()
		})
	}
	return speaker{say: func(ctx context.Context, vm, text string, _ []byte) (string, error) {
		transport, err := vmci.New(vmci.Config{CID: unix.VMADDR_CID_LOCAL, Port: ports[vm]})
		if err != nil {
			return "", err
		}
		reply, err := transport.RoundTrip(ctx, []byte(text))
		return string(reply), err
	}}
}

func listenVsock() (*socket.Conn, uint32, error) {
	l, err := socket.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0, "vsock", nil)
	if err != nil {
		return nil, 0, err
	}
	err = l.Bind(&unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: unix.VMADDR_PORT_ANY})
	if err == nil {
		err = l.Listen(128)
	}
	if err != nil {
		_ = l.Close()
		return nil, 0, err
	}
	addr, err := l.Getsockname()
	if err != nil {
		_ = l.Close()
		return nil, 0, err
	}
	return l, addr.(*unix.SockaddrVM).Port, nil
}

// noVsock says why this machine has no AF_VSOCK to itself, and what to do; "" if it has. Without the loopback driver a connect
// may hang, hence the deadline.
var noVsock = sync.OnceValue(func() string {
	l, port, err := listenVsock()
	if err != nil {
		return "no AF_VSOCK, try: modprobe vsock_loopback: " + err.Error()
	}
	defer l.Close()
	c, err := socket.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0, "vsock", nil)
	if err != nil {
		return "no AF_VSOCK, try: modprobe vsock_loopback: " + err.Error()
	}
	defer c.Close()
	for p := uint32(wire.MaxClientPort); p >= wire.MinClientPort; p-- {
		if err = c.Bind(&unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: p}); err == nil {
			break
		}
	}
	if err != nil {
		return "no source port below 1024, run as root: " + err.Error()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if _, err := c.Connect(ctx, &unix.SockaddrVM{CID: unix.VMADDR_CID_LOCAL, Port: port}); err != nil {
		return "AF_VSOCK has no loopback, try: modprobe vsock_loopback: " + err.Error()
	}
	return ""
})
