package host_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/unixesx"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
	"vmdkvol/esxsim/host"
	"vmdkvol/seam"
)

// serve runs a host with sockets for vm1 and vm2 and returns their paths and how to stop it.
func serve(t *testing.T, change func(*host.Config)) (one, two string, stop func()) {
	t.Helper()
	_, one, two, stop = serveIn(t, t.TempDir(), change)
	return one, two, stop
}

// serveIn is the same with the datastore in dir/ds1.
func serveIn(t *testing.T, dir string, change func(*host.Config)) (h *host.Host, one, two string, stop func()) {
	t.Helper()
	run := t.TempDir()
	one, two = filepath.Join(run, "vm1.sock"), filepath.Join(run, "vm2.sock")
	h = open(t, filepath.Join(dir, "ds1"), func(c *host.Config) {
		c.VMs = []host.VM{{Name: "vm1", Socket: one}, {Name: "vm2", Socket: two}}
		c.Quirks = host.Quirks{host.OneReceiver: false, host.GivesUp: false}
		if change != nil {
			change(c)
		}
	})
	require.NoError(t, h.Listen())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return h, one, two, stop
}

func client(t *testing.T, socket string) *vmdkops.Client {
	t.Helper()
	transport, err := unixesx.New(unixesx.Config{Path: socket})
	require.NoError(t, err)
	c, err := vmdkops.New(vmdkops.Config{Transport: transport, Env: seam.Real()})
	require.NoError(t, err)
	return c
}

func dial(t *testing.T, socket string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// Each socket is a VM: the same command means another thing on another one.
func TestSocketsAreVMs(t *testing.T) {
	one, two, stop := serve(t, nil)
	info, err := os.Stat(one)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	ctx, first, second := t.Context(), client(t, one), client(t, two)
	require.NoError(t, first.Create(ctx, "data", nil))
	_, err = first.Attach(ctx, "data")
	require.NoError(t, err)
	_, err = second.Attach(ctx, "data")
	require.ErrorContains(t, err, "already attached to VM=vm1")
	got, err := second.Get(ctx, "data")
	require.NoError(t, err)
	require.Equal(t, "vm1", got.AttachedTo)
	stop()
	require.NoFileExists(t, one)
	require.NoFileExists(t, two)
}

// What is no request gets no byte, and others are served meanwhile.
func TestBadFrames(t *testing.T) {
	one, two, _ := serve(t, nil)
	good := wire.AppendFrame(nil, []byte(`{"cmd":"version"}`))
	header := func(magic, size uint32) []byte {
		return []byte{
			byte(magic), byte(magic >> 8), byte(magic >> 16), byte(magic >> 24),
			byte(size), byte(size >> 8), byte(size >> 16), byte(size >> 24),
		}
	}
	frames := map[string][]byte{
		"magic":       header(0xdeadbeef, 5),
		"length 0":    header(wire.Magic, 0),
		"length 4097": header(wire.Magic, 4097),
		"length 4 GB": header(wire.Magic, 1<<32-1),
		"no NUL":      append(header(wire.Magic, 3), "abc"...),
		"inner NUL":   append(header(wire.Magic, 4), "a\x00b\x00"...),
		"garbage":     bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 512),
	}
	for i := range good {
		frames[fmt.Sprintf("cut at %d", i)] = good[:i]
	}
	for name, frame := range frames {
		c := dial(t, one)
		_, _ = c.Write(frame) // a refusal may come before the end
		_ = c.(*net.UnixConn).CloseWrite()
		answer, _ := io.ReadAll(c) // a reset is fine, too
		require.Empty(t, answer, name)
	}
	for _, socket := range []string{one, two} {
		_, err := client(t, socket).List(t.Context())
		require.NoError(t, err)
	}
	c := dial(t, one) // in pieces of a byte
	for _, b := range good {
		_, err := c.Write([]byte{b})
		require.NoError(t, err)
	}
	reply, err := wire.ReadFrame(c, wire.MaxReply)
	require.NoError(t, err)
	require.Equal(t, `{"version": "N/A"}`, string(reply))
}

// Clients that say nothing disturb nobody and are dropped in the end.
func TestSilentClients(t *testing.T) {
	one, two, stop := serve(t, func(c *host.Config) { c.Timeout = 200 * time.Millisecond; c.MaxConnections = 4 })
	var silent []net.Conn
	for range 8 { // more than there is room for
		silent = append(silent, dial(t, one))
	}
	_, err := client(t, two).List(t.Context())
	require.NoError(t, err, "another VM")
	_, err = client(t, one).List(t.Context())
	require.NoError(t, err, "the same VM, when the silent ones are gone")
	for _, c := range silent {
		n, err := c.Read(make([]byte, 1))
		require.Zero(t, n)
		require.ErrorIs(t, err, io.EOF)
	}
	stop()
}

// A stop waits for the request that runs, but not for a silent client.
func TestStop(t *testing.T) {
	plugging, goOn := make(chan struct{}), make(chan struct{})
	one, _, stop := serve(t, func(c *host.Config) {
		c.Timeout = time.Hour
		c.Hook = func(ctx context.Context, _ host.Plug) error {
			close(plugging)
			<-goOn
			return ctx.Err()
		}
	})
	c := client(t, one)
	require.NoError(t, c.Create(t.Context(), "data", nil))
	dial(t, one)
	failed := make(chan error, 1)
	go func() {
		_, err := c.Attach(context.Background(), "data")
		failed <- err
	}()
	<-plugging
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	require.Eventually(t, func() bool { _, err := os.Stat(one); return err != nil }, 10*time.Second, time.Millisecond)
	select {
	case <-stopped:
		t.Fatal("stopped while a request ran")
	default:
	}
	close(goOn)
	require.NoError(t, <-failed)
	<-stopped
}

func TestManyClients(t *testing.T) {
	one, two, _ := serve(t, nil)
	clients := []*vmdkops.Client{client(t, one), client(t, two)}
	ctx := t.Context()
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			c, name := clients[g%2], fmt.Sprintf("v%d", g)
			if err := c.Create(ctx, name, map[string]string{"size": "1mb"}); err != nil {
				t.Error(err)
				return
			}
			if g%2 == 0 { // a VM has 60 places
				if _, err := c.Attach(ctx, name); err != nil {
					t.Error(err)
				}
				if err := c.Detach(ctx, name); err != nil {
					t.Error(err)
				}
			}
			if _, err := c.List(ctx); err != nil {
				t.Error(err)
			}
			if err := c.Remove(ctx, name); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list, err := clients[0].List(ctx)
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestTakesOverDeadSocketOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "vm1.sock")
	with := func(c *host.Config) { c.VMs = []host.VM{{Name: "vm1", Socket: path}} }
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	l.SetUnlinkOnClose(false)
	h := open(t, filepath.Join(dir, "ds1"), with)
	require.ErrorContains(t, h.Listen(), "another process serves")
	require.NoError(t, l.Close())
	require.NoError(t, h.Listen())
	require.NoError(t, h.Close())
	require.NoError(t, os.WriteFile(path, []byte("mine"), 0o600))
	require.ErrorContains(t, open(t, filepath.Join(dir, "ds1"), with).Listen(), "no socket")
	require.FileExists(t, path)
}
