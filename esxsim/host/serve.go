package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"vmdkvol/driver/wire"
)

// Listen opens the sockets of all VMs. Their owner alone may connect: whoever connects is that VM.
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
// drops who has not sent a whole request, and returns when all others have their replies; the error is nil then. It is
// called once.
func (h *Host) Serve(ctx context.Context) error {
	if err := h.Listen(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var loops sync.WaitGroup
	for vm, l := range h.listeners {
		s := &server{
			host: h, vm: vm, listener: l,
			log:  h.log.With("vm", vm),
			room: make(chan struct{}, h.cfg.MaxConnections),
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
	loops.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// server is the socket of one VM.
type server struct {
	host     *Host
	vm       string
	listener *net.UnixListener
	log      *slog.Logger
	room     chan struct{} // one token for each connection
}

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
				s.log.Warn("cannot accept a connection", "err", err)
				pause(ctx, 100*time.Millisecond)
				continue
			}
			return err
		}
		conns.Go(func() {
			defer func() { <-s.room }()
			defer c.Close()
			if err := s.exchange(ctx, c); err != nil {
				s.log.Warn("connection dropped", "err", err)
			}
		})
	}
}

// exchange reads one request, executes it, whoever still waits for it, and writes the reply. A request that is no good
// gets no byte (docs/original.md §1.4).
func (s *server) exchange(ctx context.Context, c net.Conn) error {
	if err := c.SetReadDeadline(time.Now().Add(s.host.cfg.Timeout)); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	text, err := wire.ReadFrame(c, wire.MaxRequest)
	stop()
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
		return s.host.esx.Handle(context.WithoutCancel(ctx), s.vm, text)
	}()
	if err := c.SetWriteDeadline(time.Now().Add(s.host.cfg.Timeout)); err != nil {
		return err
	}
	_, err = c.Write(wire.AppendFrame(make([]byte, 0, wire.HeaderSize+len(reply)+1), reply))
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return fmt.Errorf("nobody took the reply: %w", err)
	}
	return err
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
