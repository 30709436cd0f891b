package vmdkops_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
)

// newTransport makes a Transport to a service that answers each request by calling server, which may block and may be
// called concurrently. A nil reply means that the service ends without answering.
type newTransport func(t *testing.T, server func(request []byte) (reply []byte)) vmdkops.Transport

// patience is how long a test waits for what must happen; only a failing test waits so long.
const patience = 20 * time.Second

// testTransport checks what vmdkops.Transport promises. Every Transport passes it.
func testTransport(t *testing.T, create newTransport) {
	background := func(t *testing.T) context.Context {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		t.Cleanup(cancel)
		return ctx
	}

	t.Run("requests and replies arrive unchanged", func(t *testing.T) {
		var got, reply []byte
		tr := create(t, func(request []byte) []byte { got = bytes.Clone(request); return bytes.Clone(reply) })
		for _, size := range []int{1, 54, wire.MaxRequest - 1} {
			request := bytes.Repeat([]byte{'q'}, size)
			for _, replySize := range []int{1, 4, 255, 256, 257, 4096, 1 << 20} {
				reply = bytes.Repeat([]byte{'r'}, replySize)
				answer, err := tr.RoundTrip(background(t), request)
				require.NoError(t, err)
				require.True(t, bytes.Equal(reply, answer), "%d of %d bytes", len(answer), len(reply))
				require.True(t, bytes.Equal(request, got), "%d of %d bytes", len(got), len(request))
				require.Equal(t, size, bytes.Count(request, []byte{'q'}), "the caller's bytes are not changed")
				clear(answer) // it is ours: the next answer must not notice
			}
		}
	})

	t.Run("a reply that never comes is not a promise", func(t *testing.T) {
		var calls atomic.Int32
		tr := create(t, func([]byte) []byte {
			if calls.Add(1) == 1 {
				return nil
			}
			return []byte("null")
		})
		reply, err := tr.RoundTrip(background(t), []byte("{}"))
		require.Error(t, err)
		require.NotErrorIs(t, err, wire.ErrNotSent)
		require.Nil(t, reply)
		require.EqualValues(t, 1, calls.Load(), "a transport repeats nothing")

		reply, err = tr.RoundTrip(background(t), []byte("{}"))
		require.NoError(t, err, "and the next request is not affected")
		require.Equal(t, "null", string(reply))
	})

	t.Run("a context that has ended sends nothing", func(t *testing.T) {
		var calls atomic.Int32
		tr := create(t, func([]byte) []byte { calls.Add(1); return []byte("null") })
		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errStopped)
		_, err := tr.RoundTrip(ctx, []byte("{}"))
		require.ErrorIs(t, err, wire.ErrNotSent)
		require.ErrorIs(t, err, errStopped)
		_, err = tr.RoundTrip(background(t), []byte("{}"))
		require.NoError(t, err)
		require.EqualValues(t, 1, calls.Load(), "only the second request arrived")
	})

	t.Run("cancelling ends the wait for a silent service", func(t *testing.T) {
		arrived, release := make(chan struct{}), make(chan struct{})
		tr := create(t, func([]byte) []byte { close(arrived); <-release; return []byte("null") })
		t.Cleanup(func() { close(release) })
		ctx, cancel := context.WithCancelCause(background(t))
		go func() { <-arrived; cancel(errStopped) }()
		_, err := tr.RoundTrip(ctx, []byte("{}"))
		require.ErrorIs(t, err, errStopped)
		require.NotErrorIs(t, err, wire.ErrNotSent)
	})

	t.Run("a deadline ends the wait for a silent service", func(t *testing.T) {
		release := make(chan struct{})
		tr := create(t, func([]byte) []byte { <-release; return []byte("null") })
		t.Cleanup(func() { close(release) })
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		t.Cleanup(cancel)
		_, err := tr.RoundTrip(ctx, []byte("{}"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})

	t.Run("concurrent requests neither wait for each other nor get each other's replies", func(t *testing.T) {
		const n = 64
		var all sync.WaitGroup // every request has arrived before any is answered
		all.Add(n)
		tr := create(t, func(request []byte) []byte {
			all.Done()
			all.Wait()
			return fmt.Appendf(nil, "reply to %s", request)
		})
		ctx := background(t)
		errs := make([]error, n)
		var clients sync.WaitGroup
		for i := range n {
			clients.Go(func() {
				request := fmt.Sprintf("request %d %s", i, strings.Repeat("x", i))
				reply, err := tr.RoundTrip(ctx, []byte(request))
				if err == nil && string(reply) != "reply to "+request {
					err = fmt.Errorf("request %d got %q", i, reply)
				}
				errs[i] = err
			})
		}
		clients.Wait()
		require.NoError(t, errors.Join(errs...))
	})
}
