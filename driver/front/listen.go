package front

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// errStopped is what the plugin library's server sees once there is nothing more to accept.
var errStopped = errors.New("front: stopped")

// Serve answers requests on l until ctx is done; then it closes l (a unix socket's file goes with it, unless systemd
// made it), lets no request begin, waits for those in flight and closes what connections are left. It returns nil
// after a clean stop, an error that names the requests that still ran when the time to drain was over, or the
// listener's error. It owns l and may be called once.
func (h *Handler) Serve(ctx context.Context, l net.Listener) error {
	if h.inFlight.stopping() {
		_ = l.Close()
		return errors.New("front: served already")
	}
	t := &tracked{Listener: l, conns: make(map[*conn]struct{})}
	failed := make(chan error, 1)
	go func() { failed <- h.sdk.Serve(t) }()

	var err error
	select {
	case <-ctx.Done():
		h.inFlight.stop()
		_ = l.Close()
		<-failed //nolint:errcheck // that the listener is closed is all that it says
	case err = <-failed:
		err = fmt.Errorf("front: serve: %w", err)
		h.inFlight.stop()
		_ = l.Close()
	}
	h.hangUp()
	if late := h.wait(); late != nil {
		err = errors.Join(err, late)
	}
	t.closeAll()
	return err
}

// met remembers the server that the plugin library keeps to itself.
func (h *Handler) met(r *http.Request) {
	if h.server.Load() != nil {
		return
	}
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		h.server.Store(s)
	}
}

// hangUp closes the connections on which nothing runs, and the others after their answer. Docker then dials for its
// next request, and sends it whole, to whoever listens by then; a request that is dropped it repeats without a body.
func (h *Handler) hangUp() {
	s := h.server.Load()
	if s == nil {
		return
	}
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = s.Shutdown(now) // one look at all connections; the waiting is ours
}

func (h *Handler) wait() error {
	timer := time.NewTimer(h.drain)
	defer timer.Stop()
	select {
	case <-h.inFlight.idle:
		return nil
	case <-timer.C:
	}
	names := h.inFlight.names(time.Now())
	if len(names) == 0 { // the last one ended this moment
		return nil
	}
	return fmt.Errorf("front: still in flight after %s: %s", h.drain, strings.Join(names, ", "))
}

// tracked knows the connections that it accepted: nobody else can close idle ones.
type tracked struct {
	net.Listener

	mu     sync.Mutex
	closed bool
	conns  map[*conn]struct{}
}

func (t *tracked) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	own := &conn{Conn: c, from: t, peer: peerOf(c)}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_ = c.Close()
		return nil, errStopped
	}
	t.conns[own] = struct{}{}
	return own, nil
}

func (t *tracked) closeAll() {
	t.mu.Lock()
	t.closed = true
	all := t.conns
	t.conns = nil
	t.mu.Unlock()
	for c := range all {
		_ = c.Conn.Close()
	}
}

type conn struct {
	net.Conn
	from *tracked
	peer peer
}

func (c *conn) RemoteAddr() net.Addr { return c.peer }

func (c *conn) Close() error {
	c.from.mu.Lock()
	delete(c.from.conns, c)
	c.from.mu.Unlock()
	return c.Conn.Close()
}
