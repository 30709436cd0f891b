package vmdkops_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
)

// newStream makes a Transport to a service that serves each connection, concurrently, by calling serve, and closes it
// when serve returns.
type newStream func(t *testing.T, serve func(conn io.ReadWriter)) vmdkops.Transport

// speaking lifts a stream to messages: a service that reads one frame and answers with one.
func speaking(create newStream) newTransport {
	return func(t *testing.T, server func([]byte) []byte) vmdkops.Transport {
		return create(t, func(conn io.ReadWriter) {
			request, err := wire.ReadFrame(conn, wire.MaxRequest)
			if err != nil {
				return
			}
			if reply := server(request); reply != nil {
				_, _ = conn.Write(wire.AppendFrame(nil, reply))
			}
		})
	}
}

// testStream checks what only a Transport over a byte stream can get wrong.
func testStream(t *testing.T, create newStream) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	const request = `{"cmd":"get","details":{"Name":"vol1"},"version":"2"}`
	whole := wire.AppendFrame(nil, []byte(`{"Error": "no"}`))

	// The service reads the request, writes these bytes, and then closes, or waits for the client to hang up.
	type answer struct {
		bytes  []byte
		linger bool
	}
	var next atomic.Pointer[answer]
	tr := create(t, func(conn io.ReadWriter) {
		if _, err := wire.ReadFrame(conn, wire.MaxRequest); err != nil {
			return
		}
		a := next.Load()
		_, _ = conn.Write(a.bytes)
		if a.linger {
			_, _ = io.Copy(io.Discard, conn)
		}
	})
	refuse := func(t *testing.T, what string) {
		t.Helper()
		reply, err := tr.RoundTrip(ctx, []byte(request))
		require.Error(t, err, what)
		require.NotErrorIs(t, err, wire.ErrNotSent, what)
		require.NoError(t, ctx.Err(), "%s: the client must not wait", what)
		require.Nil(t, reply)
	}

	t.Run("a reply cut at any byte is an error", func(t *testing.T) {
		for cut := range whole {
			next.Store(&answer{bytes: whole[:cut]})
			refuse(t, fmt.Sprintf("cut after %d bytes", cut))
		}
		next.Store(&answer{bytes: whole})
		reply, err := tr.RoundTrip(ctx, []byte(request))
		require.NoError(t, err)
		require.Equal(t, `{"Error": "no"}`, string(reply))
	})

	t.Run("a frame that is wrong is refused at once", func(t *testing.T) {
		for what, frame := range map[string]string{
			"wrong magic":               "cefbead0" + "0a" + "05000000" + "6e756c6c00",
			"text instead of a frame":   hex.EncodeToString([]byte("HTTP/1.1 400 Bad Request\r\n")),
			"four foreign bytes":        "deadbeef",
			"length 0":                  "efbead0b" + "00000000",
			"longer than the limit":     "efbead0b" + "01000001",
			"as long as can be":         "efbead0b" + "ffffffff",
			"no NUL":                    "efbead0b" + "04000000" + "6e756c6c",
			"NUL inside":                "efbead0b" + "06000000" + "6e7500756c00",
			"magic with the other byte": "efbead0a" + "05000000" + "6e756c6c00",
		} {
			raw, err := hex.DecodeString(frame)
			require.NoError(t, err)
			next.Store(&answer{bytes: raw, linger: true})
			refuse(t, what)
		}
	})

	t.Run("a reply in single bytes is read whole", func(t *testing.T) {
		tr := create(t, func(conn io.ReadWriter) {
			if _, err := wire.ReadFrame(conn, wire.MaxRequest); err != nil {
				return
			}
			for i := range whole {
				if _, err := conn.Write(whole[i : i+1]); err != nil {
					return
				}
			}
		})
		reply, err := tr.RoundTrip(ctx, []byte(request))
		require.NoError(t, err)
		require.Equal(t, `{"Error": "no"}`, string(reply))
	})

	t.Run("bytes behind a reply are nobody's", func(t *testing.T) {
		for _, more := range [][]byte{{0}, []byte("HTTP/1.1"), whole} {
			next.Store(&answer{bytes: append(bytes.Clone(whole), more...)})
			for range 2 { // the next request has a connection of its own
				reply, err := tr.RoundTrip(ctx, []byte(request))
				require.NoError(t, err)
				require.Equal(t, `{"Error": "no"}`, string(reply))
			}
		}
	})

	t.Run("a reply in two pieces is read whole, and an endless pause between them ends with the context", func(t *testing.T) {
		for cut := range whole {
			for _, endless := range []bool{false, true} {
				paused, stop := context.WithCancelCause(ctx)
				tr := create(t, func(conn io.ReadWriter) {
					if _, err := wire.ReadFrame(conn, wire.MaxRequest); err != nil {
						return
					}
					_, _ = conn.Write(whole[:cut])
					if endless {
						stop(errStopped)
						_, _ = io.Copy(io.Discard, conn)
						return
					}
					_, _ = conn.Write(whole[cut:])
				})
				reply, err := tr.RoundTrip(paused, []byte(request))
				stop(nil)
				if endless {
					require.ErrorIs(t, err, errStopped, "after %d bytes", cut)
					require.NotErrorIs(t, err, wire.ErrNotSent)
				} else {
					require.NoError(t, err, "after %d bytes", cut)
					require.Equal(t, `{"Error": "no"}`, string(reply))
				}
			}
		}
	})

	t.Run("a reply after its caller has given up reaches nobody", func(t *testing.T) {
		gaveUp := make(chan struct{})
		late := make(chan struct{})
		var first atomic.Bool
		waiting, stop := context.WithCancelCause(ctx)
		tr := create(t, func(conn io.ReadWriter) {
			text, err := wire.ReadFrame(conn, wire.MaxRequest)
			if err != nil {
				return
			}
			if first.CompareAndSwap(false, true) {
				stop(errStopped)
				<-gaveUp
				_, _ = conn.Write(whole)
				close(late)
				return
			}
			_, _ = conn.Write(wire.AppendFrame(nil, text))
		})
		_, err := tr.RoundTrip(waiting, []byte(request))
		require.ErrorIs(t, err, errStopped)
		require.NotErrorIs(t, err, wire.ErrNotSent)
		close(gaveUp)
		reply, err := tr.RoundTrip(ctx, []byte(`"another"`))
		require.NoError(t, err)
		require.Equal(t, `"another"`, string(reply))
		<-late
	})

	t.Run("a request of which a part was written is not a promise", func(t *testing.T) {
		partly, cancel := context.WithCancelCause(ctx)
		tr := create(t, func(conn io.ReadWriter) {
			_, _ = conn.Read(make([]byte, 1))
			cancel(errStopped)
			<-partly.Done()
		})
		_, err := tr.RoundTrip(partly, make([]byte, 16<<20)) // more than the buffers between them take
		require.Error(t, err)
		require.NotErrorIs(t, err, wire.ErrNotSent)
	})

	t.Run("a connection carries one request and is closed", func(t *testing.T) {
		// docs/original.md appendix A.1
		golden, err := hex.DecodeString("efbead0b360000007b22636d64223a22676574222c2264657461696c73223a7b224e616d65223a" +
			"22766f6c31227d2c2276657273696f6e223a2232227d00")
		require.NoError(t, err)
		var connections atomic.Int32
		heard := make(chan []byte, 2)
		tr := create(t, func(conn io.ReadWriter) {
			connections.Add(1)
			first := make([]byte, len(golden))
			_, _ = io.ReadFull(conn, first)
			_, _ = conn.Write(whole)
			rest, _ := io.ReadAll(conn) // ends when the client closes
			heard <- append(first, rest...)
		})
		for range 2 {
			_, err := tr.RoundTrip(ctx, []byte(request))
			require.NoError(t, err)
			require.True(t, bytes.Equal(golden, <-heard))
		}
		require.EqualValues(t, 2, connections.Load())
	})

	t.Run("a service that hangs up without reading is an error", func(t *testing.T) {
		tr := create(t, func(io.ReadWriter) {})
		for range 50 { // whether the request was written by then is a race; both ends of it are errors
			_, err := tr.RoundTrip(ctx, []byte(request))
			require.Error(t, err)
		}
	})
}
