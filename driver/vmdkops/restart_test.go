package vmdkops_test

import (
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
)

// newService lets a service listen at an address that it keeps, until stop, which waits for what it serves, and leaves
// nobody listening there.
type newService func(t *testing.T, serve func(conn io.ReadWriter)) (stop func())

// testRestart is a service that ends between a request and its reply, and comes back.
func testRestart(t *testing.T, tr vmdkops.Transport, listen newService) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	const request = `{"cmd":"version","version":"2"}`

	t.Run("a service that restarts before it replies", func(t *testing.T) {
		_, err := tr.RoundTrip(ctx, []byte(request))
		require.ErrorIs(t, err, wire.ErrNotSent, "nobody listens yet")

		arrived, die := make(chan struct{}), make(chan struct{})
		stop := listen(t, func(conn io.ReadWriter) {
			_, _ = wire.ReadFrame(conn, wire.MaxRequest)
			close(arrived)
			<-die
		})
		result := make(chan error, 1)
		go func() {
			_, err := tr.RoundTrip(ctx, []byte(request))
			result <- err
		}()
		<-arrived
		close(die)
		stop()
		err = <-result
		require.Error(t, err)
		require.NotErrorIs(t, err, wire.ErrNotSent, "it may have been executed")

		_, err = tr.RoundTrip(ctx, []byte(request))
		require.ErrorIs(t, err, wire.ErrNotSent, "nobody listens any more")

		stop = listen(t, func(conn io.ReadWriter) {
			text, _ := wire.ReadFrame(conn, wire.MaxRequest)
			_, _ = conn.Write(wire.AppendFrame(nil, text))
		})
		defer stop()
		reply, err := tr.RoundTrip(ctx, []byte(request))
		require.NoError(t, err)
		require.Equal(t, request, string(reply))
	})
}
