package vmdkops_test

import (
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/unixesx"
	"vmdkvol/driver/vmdkops"
)

// listenUnix is a service that listens on a unix socket.
func listenUnix(t *testing.T, path string, serve func(io.ReadWriter)) (stop func()) {
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	return func() {
		_ = listener.Close()
		serving.Wait()
	}
}

func unixTransport(t *testing.T, path string) vmdkops.Transport {
	tr, err := unixesx.New(unixesx.Config{Path: path})
	require.NoError(t, err)
	return tr
}

// overUnix is unixesx and a service that listens on a unix socket.
func overUnix(t *testing.T, serve func(io.ReadWriter)) vmdkops.Transport {
	path := filepath.Join(t.TempDir(), "esx.sock")
	t.Cleanup(listenUnix(t, path, serve))
	return unixTransport(t, path)
}

func TestUnixSocketConforms(t *testing.T) {
	testTransport(t, speaking(overUnix))
	testStream(t, overUnix)
	path := filepath.Join(t.TempDir(), "esx.sock")
	testRestart(t, unixTransport(t, path), func(t *testing.T, serve func(io.ReadWriter)) func() {
		return listenUnix(t, path, serve)
	})
}
