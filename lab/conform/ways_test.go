package conform_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mdlayher/socket"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vmdkvol/driver/unixesx"
	"vmdkvol/driver/wire"
	"vmdkvol/lab/conform/byhand"
	"vmdkvol/seam"
	"vmdkvol/vmcisim"
)

// patience is how long a test waits for what must happen; only a failing test waits so long.
const patience = time.Minute

// way is how requests come to a host.
type way struct {
	name  string
	open  func(t *testing.T, w *world) speaker
	lacks func() string // what the machine lacks for it, with the remedy; nil: nothing
}

// speaker sends one request of a VM and returns the reply, or the error byhand.ErrClosed. Raw bytes, if not nil, are sent in the
// place of a request's text; a way that has none is not asked to.
type speaker struct {
	say   func(ctx context.Context, vm, text string, raw []byte) (reply string, err error)
	bytes bool
}

var ways = []way{
	{name: "simulated network", open: func(t *testing.T, w *world) speaker { return overNetwork(t, w, seam.Quiet{}) }},
	{name: "simulated network in pieces", open: func(t *testing.T, w *world) speaker { return overNetwork(t, w, &pieces{}) }},
	{name: "unix socket", open: overUnix},
	{name: "unix socket by hand", open: overBytes},
	{name: "socket pair", open: overPair},
	{name: "vsock", open: overVsock, lacks: noVsock},
}

// overNetwork is vmcisim between the driver's frames and the host.
func overNetwork(t *testing.T, w *world, stage seam.Stage) speaker {
	split, err := vmcisim.ParseFaults("split@1", "split@5", "split@8", "split@half", "split@last")
	require.NoError(t, err)
	n := vmcisim.New(vmcisim.Config{
		Env: seam.Real(), Stage: stage, Faults: split,
		Handler: func(ctx context.Context, peer string, request []byte) []byte {
			reply, err := w.h.Port(peer).RoundTrip(ctx, request)
			if err != nil {
				return nil
			}
			return reply
		},
	})
	t.Cleanup(func() { require.NoError(t, n.Close(context.Background())) })
	return speaker{say: func(ctx context.Context, vm, text string, _ []byte) (string, error) {
		reply, err := n.Endpoint(vm, seam.Real()).RoundTrip(ctx, []byte(text))
		return string(reply), err
	}}
}

// pieces is a stage that splits every frame, each time elsewhere.
type pieces struct {
	seam.Quiet
	mu   sync.Mutex
	next int
}

func (p *pieces) Choose(op, _ string, offered ...string) int {
	if op != "net.request" && op != "net.reply" {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	const rare = 5 // the last ones that are offered
	return len(offered) - p.next%rare
}

// serve lets a host answer its sockets until the test ends.
func serve(t *testing.T, w *world) {
	require.NoError(t, w.h.Listen())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.h.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

// overUnix is the driver's transport to the sockets of vmdksim serve.
func overUnix(t *testing.T, w *world) speaker {
	serve(t, w)
	return speaker{say: func(ctx context.Context, vm, text string, _ []byte) (string, error) {
		transport, err := unixesx.New(unixesx.Config{Path: w.sockets[vm]})
		if err != nil {
			return "", err
		}
		reply, err := transport.RoundTrip(ctx, []byte(text))
		return string(reply), err
	}}
}

// overBytes is a client of its own at the same sockets.
func overBytes(t *testing.T, w *world) speaker {
	serve(t, w)
	return speaker{bytes: true, say: func(_ context.Context, vm, text string, raw []byte) (string, error) {
		c, err := net.Dial("unix", w.sockets[vm])
		if err != nil {
			return "", err
		}
		defer c.Close()
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return "", err
		}
		if raw == nil {
			return byhand.Exchange(c, text)
		}
		_, _ = c.Write(raw) // fails if the host has hung up already
		_ = c.(*net.UnixConn).CloseWrite()
		return byhand.Receive(c)
	}}
}

// overPair is what driver/vmci does after its connect, on a pair of sockets of the library that it uses.
func overPair(t *testing.T, w *world) speaker {
	return speaker{bytes: true, say: func(ctx context.Context, vm, text string, raw []byte) (string, error) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return "", err
		}
		guest, err := socket.New(fds[0], "guest")
		if err != nil {
			return "", err
		}
		defer guest.Close()
		esx, err := socket.New(fds[1], "esx")
		if err != nil {
			return "", err
		}
		var serving sync.WaitGroup
		defer serving.Wait()
		serving.Go(func() {
			defer esx.Close()
			_ = w.h.ServeConn(ctx, vm, esx) // its error is what the client sees
		})
		if raw == nil {
			reply, err := wire.Exchange(ctx, guest, []byte(text))
			return string(reply), err
		}
		if err := guest.SetDeadline(time.Now().Add(patience)); err != nil {
			return "", err
		}
		_, _ = guest.Write(raw)
		_ = guest.Shutdown(unix.SHUT_WR)
		return byhand.Receive(guest)
	}}
}
