package host_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim/host"
)

// send writes a request without waiting for its reply.
func send(t *testing.T, c net.Conn, request string) {
	t.Helper()
	_, err := c.Write(wire.AppendFrame(nil, []byte(request)))
	require.NoError(t, err)
}

func receive(t *testing.T, c net.Conn) string {
	t.Helper()
	reply, err := wire.ReadFrame(c, wire.MaxReply)
	require.NoError(t, err)
	return string(reply)
}

// exchange is one request on a connection of its own.
func exchange(t *testing.T, socket, request string) string {
	t.Helper()
	c := dial(t, socket)
	defer c.Close()
	send(t, c, request)
	return receive(t, c)
}

const (
	askList    = `{"cmd":"list","details":{"Name":""}}`
	askVersion = `{"cmd":"version"}`
)

// manyVolumes makes a host in memory whose list does not fit into the buffers of a socket.
func manyVolumes(t *testing.T, change func(*host.Config)) (one, two string, size int) {
	t.Helper()
	h, one, two, _ := serveIn(t, "", func(c *host.Config) {
		c.Datastores[0].Dir = ""
		change(c)
	})
	for i := range 5000 {
		name := fmt.Sprintf("%s%04d", strings.Repeat("x", 90), i)
		require.Equal(t, "null", ask(t, h, "vm1", wire.Create, name, nil))
	}
	return one, two, len(ask(t, h, "vm1", wire.List, "", nil))
}

// Replies that nobody reads take a bounded amount of memory, and others get theirs.
func TestUnreadReplies(t *testing.T) {
	var limit int64 = 3<<20 - 1<<18 // 4 replies and a half
	one, two, size := manyVolumes(t, func(c *host.Config) { c.Timeout = time.Hour; c.MaxUnread = limit })
	fits := int(limit) / size
	require.Greater(t, fits, 1)
	var held []net.Conn
	dropped := 0
	for range 32 {
		c := dial(t, one)
		send(t, c, askList)
		n, err := c.Read(make([]byte, 1)) // then the reply counts, or is dropped
		switch {
		case n == 1:
			held = append(held, c)
		case errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET):
			dropped++
		default:
			t.Fatal(err)
		}
	}
	require.Len(t, held, fits)
	require.Equal(t, 32-fits, dropped)
	require.Equal(t, `{"version": "N/A"}`, exchange(t, one, askVersion), "a small reply")
	require.Len(t, exchange(t, two, askList), size, "another VM")
	rest, err := io.ReadAll(held[0]) // slowly is not never
	require.NoError(t, err)
	require.Len(t, rest, wire.HeaderSize+size, "with its NUL, without the byte above")
	require.Eventually(t, func() bool { // its bytes count no more
		c := dial(t, one)
		defer c.Close()
		send(t, c, askList)
		_, err := wire.ReadFrame(c, wire.MaxReply)
		return err == nil
	}, 10*time.Second, time.Millisecond)
	for _, c := range held {
		c.Close()
	}
}

// A client that does not take its reply is dropped in the end.
func TestNeverReads(t *testing.T) {
	one, _, size := manyVolumes(t, func(c *host.Config) { c.Timeout = 100 * time.Millisecond; c.MaxConnections = 2 })
	var stuck []net.Conn
	for range 6 { // more than there is room for
		c := dial(t, one)
		send(t, c, askList)
		stuck = append(stuck, c)
	}
	require.Equal(t, `{"version": "N/A"}`, exchange(t, one, askVersion))
	for _, c := range stuck[:4] { // the last ones may still have time
		got, _ := io.ReadAll(c)
		require.Less(t, len(got), size, "the rest was not sent")
	}
}

// What clients may do besides waiting for their reply.
func TestRudeClients(t *testing.T) {
	one, _, _ := serve(t, nil)
	half := dial(t, one)
	send(t, half, askVersion)
	require.NoError(t, half.(*net.UnixConn).CloseWrite())
	require.Equal(t, `{"version": "N/A"}`, receive(t, half), "half closed")

	gone := dial(t, one)
	send(t, gone, `{"cmd":"create","details":{"Name":"data"}}`)
	require.NoError(t, gone.Close())
	require.Eventually(t, func() bool { return strings.Contains(exchange(t, one, askList), "data@ds1") },
		10*time.Second, time.Millisecond, "what has begun is finished")

	talker := dial(t, one) // a second request on one connection is not read
	send(t, talker, askVersion)
	_, _ = talker.Write(wire.AppendFrame(nil, []byte(`{"cmd":"remove","details":{"Name":"data"}}`)))
	require.Equal(t, `{"version": "N/A"}`, receive(t, talker))
	n, err := talker.Read(make([]byte, 1))
	require.Zero(t, n)
	require.Error(t, err)
	require.Contains(t, exchange(t, one, askList), "data@ds1")
}

// A flood of connections of all kinds leaves no descriptor behind. TestMain looks for goroutines.
func TestFlood(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it closes what was forgotten
	one, two, stop := serve(t, func(c *host.Config) { c.Timeout = time.Second; c.MaxConnections = 8 })
	exchange(t, one, askList)
	before := countFiles(t)
	good := wire.AppendFrame(nil, []byte(askList))
	var clients sync.WaitGroup
	for g := range 16 {
		clients.Go(func() {
			for i := range 50 {
				c, err := net.Dial("unix", one)
				if err != nil {
					t.Error(err)
					return
				}
				switch (g + i) % 5 {
				case 0: // nothing
				case 1:
					_, _ = c.Write(good[:5])
				case 2:
					_, _ = c.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
				case 3:
					_, _ = c.Write(good) // and away
				default:
					_, _ = c.Write(good)
					if reply, err := wire.ReadFrame(c, wire.MaxReply); err != nil || string(reply) != "[]" {
						t.Errorf("%s %v", reply, err)
					}
				}
				c.Close()
			}
		})
	}
	for range 20 {
		require.Equal(t, "[]", exchange(t, two, askList), "another VM meanwhile")
	}
	clients.Wait()
	require.Equal(t, "[]", exchange(t, one, askList))
	stop()
	require.LessOrEqual(t, countFiles(t), before)
}

// With the quirk a silent client of one VM blocks all of them until it is dropped (docs/original.md D16).
func TestOneReceiver(t *testing.T) {
	h, one, two, _ := serveIn(t, t.TempDir(), func(c *host.Config) { c.Quirks = nil; c.Timeout = time.Hour })
	silent := dial(t, one)
	require.Eventually(t, h.Receiving, 10*time.Second, time.Millisecond)
	other := dial(t, two)
	send(t, other, askVersion)
	require.NoError(t, other.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err := other.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	silent.Close()
	require.NoError(t, other.SetReadDeadline(time.Time{}))
	require.Equal(t, `{"version": "N/A"}`, receive(t, other))

	dial(t, one) // and a stop waits for neither
	blocked := dial(t, two)
	send(t, blocked, askVersion)
}

// With the quirk sixteen receive errors in a row, of whichever VM, end the service; one good request among them, and it counts
// anew. A request that runs gets its reply.
func TestGivesUp(t *testing.T) {
	plugging, goOn := make(chan struct{}), make(chan struct{})
	dir := t.TempDir()
	one, two := filepath.Join(dir, "vm1.sock"), filepath.Join(dir, "vm2.sock")
	h := open(t, filepath.Join(dir, "ds1"), func(c *host.Config) {
		c.VMs = []host.VM{{Name: "vm1", Socket: one}, {Name: "vm2", Socket: two}}
		c.Quirks = host.Quirks{host.OneReceiver: false}
		c.Hook = func(context.Context, host.Plug) error {
			close(plugging)
			<-goOn
			return nil
		}
	})
	require.NoError(t, h.Listen())
	served := make(chan error, 1)
	go func() { served <- h.Serve(t.Context()) }()
	bad := func(socket string, times int) {
		for i := range times {
			c := dial(t, socket)
			if i%2 == 0 { // the others send nothing at all
				_, _ = c.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
			}
			_ = c.(*net.UnixConn).CloseWrite()
			answer, _ := io.ReadAll(c)
			require.Empty(t, answer)
		}
	}
	bad(one, 15)
	require.Equal(t, "null", exchange(t, two, quote(t, wire.Create, "data")))
	bad(one, 8)
	running := dial(t, two)
	send(t, running, quote(t, wire.Attach, "data"))
	<-plugging
	bad(two, 8)
	bad(one, 7)
	select {
	case err := <-served:
		t.Fatal(err)
	default:
	}
	bad(one, 1)
	close(goOn)
	require.Contains(t, receive(t, running), "Unit")
	require.ErrorIs(t, <-served, host.ErrGaveUp)
	require.NoFileExists(t, one)
}

// A request that waits for a lock that never comes (docs/original.md D9) does not keep the host from ending.
func TestStopEndsDeadlock(t *testing.T) {
	h, one, _, stop := serveIn(t, t.TempDir(), func(c *host.Config) {
		c.Drain = time.Millisecond
		c.Datastores = append(c.Datastores, host.Datastore{Name: "ds2", Dir: t.TempDir()})
	})
	require.Equal(t, "null", ask(t, h, "vm1", wire.Create, "data", nil))
	stuck := dial(t, one)
	send(t, stuck, `{"cmd":"create","details":{"Name":"data@ds2","Opts":{"clone-from":"data@ds1"}}}`)
	send(t, dial(t, one), `{"cmd":"get","details":{"Name":"data"}}`) // waits for the same lock
	esx, _ := h.Service()
	require.Eventually(t, func() bool { return !esx.Idle() }, 10*time.Second, time.Millisecond)
	require.Equal(t, `{"version": "N/A"}`, exchange(t, one, askVersion), "it stops nobody else")
	stop()
	require.Contains(t, receive(t, stuck), "the service was stopped")
}

func TestHostQuirks(t *testing.T) {
	for text, on := range map[string]bool{
		"": true, "faithful": true, "fixed": false, "one-receiver=off": false, "fixed,one-receiver=on": true,
		"one-receiver=off,faithful": true, "null-get=off, one-receiver=off": false, "fixed,gives-up=on": false,
	} {
		q, err := host.ParseQuirks(text)
		require.NoError(t, err, text)
		value, set := q[host.OneReceiver]
		require.Equal(t, on, value || !set, text)
	}
	for _, text := range []string{"one-receiver", "one-receiver=", "two-receivers=on"} {
		_, err := host.ParseQuirks(text)
		require.Error(t, err, text)
	}
	_, err := host.Open(host.Config{
		Datastores: []host.Datastore{{Name: "ds1"}}, Quirks: host.Quirks{"two-receivers": true, host.OneReceiver: true},
	})
	require.ErrorContains(t, err, "two-receivers")
}
