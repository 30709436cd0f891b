package unixesx_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/unixesx"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
)

// What a Transport must do at all is tested by the conformance suite in driver/vmdkops.
var _ vmdkops.Transport = (*unixesx.Transport)(nil)

func transport(t *testing.T, path string) *unixesx.Transport {
	t.Helper()
	tr, err := unixesx.New(unixesx.Config{Path: path})
	require.NoError(t, err)
	return tr
}

func TestNewNeedsAPath(t *testing.T) {
	_, err := unixesx.New(unixesx.Config{})
	require.Error(t, err)
}

func TestNobodyThereIsNotSent(t *testing.T) {
	dir := t.TempDir()
	_, err := transport(t, filepath.Join(dir, "none.sock")).RoundTrip(t.Context(), []byte("{}"))
	require.ErrorIs(t, err, wire.ErrNotSent)
	require.ErrorIs(t, err, fs.ErrNotExist)

	path := filepath.Join(dir, "stale.sock")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	listener.SetUnlinkOnClose(false)
	require.NoError(t, listener.Close())
	_, err = transport(t, path).RoundTrip(t.Context(), []byte("{}"))
	require.ErrorIs(t, err, wire.ErrNotSent)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)

	_, err = transport(t, filepath.Join(dir, strings.Repeat("x", 200))).RoundTrip(t.Context(), []byte("{}"))
	require.ErrorIs(t, err, wire.ErrNotSent, "a path too long for a socket")
}

// The request of a client whose connection was never accepted may still be read later, so nothing is promised.
func TestNeverAcceptedIsNoPromise(t *testing.T) {
	path := filepath.Join(t.TempDir(), "esx.sock")
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	defer listener.Close()

	gone := errors.New("gone")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, gone)
	defer cancel()
	_, err = transport(t, path).RoundTrip(ctx, []byte("{}"))
	require.ErrorIs(t, err, gone)
	require.NotErrorIs(t, err, wire.ErrNotSent)
}

func TestServiceMayStartLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "esx.sock")
	tr := transport(t, path)
	_, err := tr.RoundTrip(t.Context(), []byte("{}"))
	require.ErrorIs(t, err, wire.ErrNotSent)

	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := wire.ReadFrame(conn, wire.MaxRequest); err == nil {
			_, _ = conn.Write(wire.AppendFrame(nil, []byte("null")))
		}
	}()
	defer func() {
		_ = listener.Close()
		<-served
	}()
	reply, err := tr.RoundTrip(t.Context(), []byte("{}"))
	require.NoError(t, err)
	require.Equal(t, "null", string(reply))
}
