//go:build linux && vmci

package vmdkops_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/mdlayher/socket"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vmdkvol/driver/vmci"
	"vmdkvol/driver/vmdkops"
)

// overVsock is vmci and a service that listens on AF_VSOCK in this very machine.
func overVsock(t *testing.T, serve func(io.ReadWriter)) vmdkops.Transport {
	stop, port := listenVsock(t, unix.VMADDR_PORT_ANY, serve)
	t.Cleanup(stop)
	return vsockTransport(t, port)
}

func vsockTransport(t *testing.T, port uint32) vmdkops.Transport {
	tr, err := vmci.New(vmci.Config{CID: unix.VMADDR_CID_LOCAL, Port: port})
	require.NoError(t, err)
	return tr
}

// listenVsock is a service that listens on AF_VSOCK.
func listenVsock(t *testing.T, port uint32, serve func(io.ReadWriter)) (stop func(), bound uint32) {
	listener, bound := bindVsock(t, port)
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, peer, err := listener.Accept(ctx, 0)
			if err != nil {
				return
			}
			if peer.(*unix.SockaddrVM).Port >= 1024 { // docs/original.md §1.4: closed without a reply
				_ = conn.Close()
				continue
			}
			serving.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	return func() {
		cancel()
		_ = listener.Close()
		serving.Wait()
	}, bound
}

func bindVsock(t *testing.T, port uint32) (listener *socket.Conn, bound uint32) {
	listener, err := socket.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0, "vsock", nil)
	if err != nil {
		t.Skipf("no AF_VSOCK, try: modprobe vsock_loopback: %v", err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	require.NoError(t, listener.Bind(&unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: port}))
	require.NoError(t, listener.Listen(128))
	addr, err := listener.Getsockname()
	require.NoError(t, err)
	return listener, addr.(*unix.SockaddrVM).Port
}

// probeVsock skips the test unless a connection from this machine to itself, from a port below 1024, works. Without the
// loopback driver a connect may hang, hence the deadline.
func probeVsock(t *testing.T) {
	listener, port := bindVsock(t, unix.VMADDR_PORT_ANY)
	conn, err := socket.Socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0, "vsock", nil)
	require.NoError(t, err)
	defer conn.Close()
	defer listener.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for p := uint32(1023); p >= 1000; p-- {
		if err = conn.Bind(&unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: p}); err == nil {
			break
		}
	}
	if err != nil {
		t.Skipf("no source port below 1024, run as root: %v", err)
	}
	if _, err := conn.Connect(ctx, &unix.SockaddrVM{CID: unix.VMADDR_CID_LOCAL, Port: port}); err != nil {
		t.Skipf("AF_VSOCK has no loopback, try: modprobe vsock_loopback: %v", err)
	}
}

func TestVsockConforms(t *testing.T) {
	probeVsock(t)
	testTransport(t, speaking(overVsock))
	testStream(t, overVsock)
	const port = 10190 // any that nobody has
	testRestart(t, vsockTransport(t, port), func(t *testing.T, serve func(io.ReadWriter)) func() {
		stop, _ := listenVsock(t, port, serve)
		return stop
	})
}
