package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"vmdkvol/driver/wire"
)

// Listen opens the sockets of all VMs and of the administrator. Their owner alone may connect: whoever connects is that VM.
func (h *Host) Listen() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return ErrClosed
	}
	for _, vm := range h.cfg.VMs {
		if vm.Socket == "" || h.listeners[vm.Name] != nil {
			continue
		}
		l, err := listen(vm.Socket)
		if err != nil {
			return fmt.Errorf("socket of vm %s: %w", vm.Name, err)
		}
		h.listeners[vm.Name] = l
	}
	if h.cfg.Control != "" && h.listeners[""] == nil {
		l, err := listen(h.cfg.Control)
		if err != nil {
			return fmt.Errorf("control socket: %w", err)
		}
		h.listeners[""] = l
	}
	return nil
}

// listen takes over a socket that a dead process has left, and no other file.
func listen(path string) (*net.UnixListener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode()&os.ModeSocket == 0 {
			return nil, fmt.Errorf("%s exists and is no socket", path)
		}
		c, err := net.Dial("unix", path)
		if err == nil {
			c.Close()
			return nil, fmt.Errorf("another process serves %s", path)
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return nil, err
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		// Before the bind: so the file never has another mode.
		err := c.Control(func(fd uintptr) { failed = syscall.Fchmod(int(fd), 0o600) })
		return errors.Join(err, failed)
	}}
	l, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil { // not every system does as Linux
		l.Close()
		return nil, err
	}
	return l.(*net.UnixListener), nil
}

// Serve answers the VMs on their sockets, opening those that are not yet, until ctx is done. Then it accepts nobody,
// drops who has not sent a whole request, and returns when all others have their replies; the error is nil then. Who waits
// for a lock longer than Config.Drain after that gets an error: it may never come (docs/original.md D9). It is called once.
func (h *Host) Serve(ctx context.Context) error {
	if err := h.Listen(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	h.mu.Lock()
	h.end = cancel
	h.mu.Unlock()
	patient, giveUp := context.WithCancelCause(context.WithoutCancel(ctx))
	defer giveUp(nil)
	var loops sync.WaitGroup
	for vm, l := range h.listeners {
		s := &server{
			host: h, vm: vm, listener: l,
			log:     h.log.With("vm", vm),
			room:    make(chan struct{}, h.cfg.MaxConnections),
			patient: patient,
		}
		loops.Go(func() {
			if err := s.run(ctx); err != nil {
				cancel(fmt.Errorf("socket of vm %s: %w", vm, err))
			}
		})
	}
	<-ctx.Done()
	for _, l := range h.listeners {
		l.Close() // which removes its file
	}
	drained := time.AfterFunc(h.cfg.Drain, func() { giveUp(errStopped) })
	defer drained.Stop()
	loops.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// server is the socket of one VM, or of the administrator.
type server struct {
	host     *Host
	vm       string // "" is the administrator
	listener *net.UnixListener
	log      *slog.Logger
	room     chan struct{}   // one token for each connection
	patient  context.Context // of requests that have begun
	unread   atomic.Int64    // bytes of replies that clients have not taken yet
	bad      sparse
}

var errStopped = errors.New("the service was stopped")

// run accepts connections until ctx is done and waits for them.
func (s *server) run(ctx context.Context) error {
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		select {
		case s.room <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		c, err := s.listener.Accept()
		if err != nil {
			<-s.room
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM) {
				s.bad.warn(s.log, "cannot accept a connection", err)
				pause(ctx, 100*time.Millisecond)
				continue
			}
			return err
		}
		conns.Go(func() {
			defer func() { <-s.room }()
			defer c.Close()
			serve := s.exchange
			if s.vm == "" {
				serve = s.control
			}
			if err := serve(ctx, c); err != nil {
				s.bad.warn(s.log, "connection dropped", err)
			}
		})
	}
}

// Conn is a connection that a VM has made.
type Conn interface {
	io.ReadWriter
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// ServeConn does with a connection of a VM what Serve does with those that it accepts: it answers one request. The end of
// ctx ends the reading, and the waiting for locks. The reply does not count for Config.MaxUnread. The caller closes the
// connection.
func (h *Host) ServeConn(ctx context.Context, vm string, c Conn) error {
	s := &server{host: h, vm: vm, log: h.log, patient: ctx}
	return s.exchange(ctx, c)
}

// exchange reads one request, executes it, whoever still waits for it, and writes the reply. A request that is no good
// gets no byte (docs/original.md §1.4).
func (s *server) exchange(ctx context.Context, c Conn) error {
	text, err := s.receive(ctx, c)
	if s.host.givesUp && ctx.Err() == nil {
		s.host.received(err)
	}
	switch {
	case errors.Is(err, io.EOF): // somebody looked whether we are here
		return nil
	case err != nil && ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	case !s.host.begin():
		return ErrClosed
	}
	reply := func() []byte {
		defer s.host.work.Done()
		return s.host.esx.Handle(s.patient, s.vm, text)
	}()
	if reply == nil { // the service has ended, see Host.restart
		return nil
	}
	return s.send(c, reply)
}

// received counts receive errors in a row, and ends Serve after the sixteenth (docs/original.md §1.4).
func (h *Host) received(err error) {
	const most = 16
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.bad++; err == nil {
		h.bad = 0
	}
	if h.bad == most && h.end != nil {
		h.end(fmt.Errorf("%w (quirk gives-up)", ErrGaveUp))
	}
}

// receive reads a request. The time for it begins now, not with the connection.
func (s *server) receive(ctx context.Context, c Conn) ([]byte, error) {
	if s.host.receiver != nil {
		select {
		case s.host.receiver <- struct{}{}:
			defer func() { <-s.host.receiver }()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if err := c.SetReadDeadline(time.Now().Add(s.host.cfg.Timeout)); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })()
	r := readers.Get().(*bufio.Reader)
	r.Reset(c)
	defer func() {
		r.Reset(nil)
		readers.Put(r)
	}()
	return wire.ReadFrame(r, wire.MaxRequest)
}

// readers are buffers that hold a request, so that it costs one read of the connection.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, wire.HeaderSize+wire.MaxRequest) }}

// send writes a reply, unless clients that do not read have too many of them already.
func (s *server) send(c Conn, reply []byte) error {
	size := int64(len(reply))
	defer s.unread.Add(-size)
	if before := s.unread.Add(size) - size; before > 0 && before+size > s.host.cfg.MaxUnread {
		return fmt.Errorf("%w: %d bytes wait, %d more", errUnread, before, size)
	}
	if err := c.SetWriteDeadline(time.Now().Add(s.host.cfg.Timeout)); err != nil {
		return err
	}
	_, err := c.Write(wire.AppendFrame(make([]byte, 0, wire.HeaderSize+len(reply)+1), reply))
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("nobody took the reply: %w", err)
	}
	return err
}

var errUnread = errors.New("clients do not take their replies")

// sparse logs what a guest can bring about at will, and so once a second at most.
type sparse struct {
	mu   sync.Mutex
	last time.Time
	more int // not logged since then
}

func (s *sparse) warn(log *slog.Logger, text string, err error) {
	now := time.Now()
	s.mu.Lock()
	quiet := !s.last.IsZero() && now.Sub(s.last) < time.Second
	more := s.more
	if quiet {
		s.more++
	} else {
		s.last, s.more = now, 0
	}
	s.mu.Unlock()
	if !quiet {
		log.Warn(text, "err", err, "not_logged", more)
	}
}

// pause waits for d, or less if ctx is done.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
