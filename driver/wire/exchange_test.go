package wire_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
)

func TestConnectionGoneBeforeTheFirstByteIsNotSent(t *testing.T) {
	client, service := net.Pipe()
	require.NoError(t, service.Close())
	_, err := wire.Exchange(t.Context(), client, []byte("{}"))
	require.ErrorIs(t, err, wire.ErrNotSent)

	client, service = net.Pipe()
	go func() {
		_, _ = service.Read(make([]byte, 1))
		_ = service.Close()
	}()
	_, err = wire.Exchange(t.Context(), client, []byte("{}"))
	require.Error(t, err)
	require.NotErrorIs(t, err, wire.ErrNotSent)
}
