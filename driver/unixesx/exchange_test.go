package unixesx

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
)

// Inside the package, because a socket cannot be made to break between dial and write.
func TestConnectionGoneBeforeTheFirstByteIsNotSent(t *testing.T) {
	tr, err := New(Config{Path: "unused"})
	require.NoError(t, err)

	client, service := net.Pipe()
	require.NoError(t, service.Close())
	_, err = tr.exchange(t.Context(), client, []byte("{}"))
	require.ErrorIs(t, err, wire.ErrNotSent)

	client, service = net.Pipe()
	go func() {
		_, _ = service.Read(make([]byte, 1))
		_ = service.Close()
	}()
	_, err = tr.exchange(t.Context(), client, []byte("{}"))
	require.Error(t, err)
	require.NotErrorIs(t, err, wire.ErrNotSent)
}
