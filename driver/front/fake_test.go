package front_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vmdkvol/driver"
	"vmdkvol/driver/front"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scripted answers every call with what on says, and writes down what it was asked.
type scripted struct {
	on func(ctx context.Context, op, name, arg string) (driver.Volume, error)

	mu    sync.Mutex
	asked []string
}

func (s *scripted) call(ctx context.Context, op, name, arg string) (driver.Volume, error) {
	s.mu.Lock()
	s.asked = append(s.asked, fmt.Sprintf("%s(%s,%s)", op, name, arg))
	s.mu.Unlock()
	if s.on == nil {
		return driver.Volume{Name: name, Mountpoint: "/mnt/" + name}, nil
	}
	return s.on(ctx, op, name, arg)
}

func (s *scripted) calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

func (s *scripted) Create(ctx context.Context, name string, opts map[string]string) error {
	_, err := s.call(ctx, "Create", name, fmt.Sprint(opts))
	return err
}

func (s *scripted) Remove(ctx context.Context, name string) error {
	_, err := s.call(ctx, "Remove", name, "")
	return err
}

func (s *scripted) Mount(ctx context.Context, name, id string) (string, error) {
	v, err := s.call(ctx, "Mount", name, id)
	return v.Mountpoint, err
}

func (s *scripted) Unmount(ctx context.Context, name, id string) error {
	_, err := s.call(ctx, "Unmount", name, id)
	return err
}

func (s *scripted) Path(ctx context.Context, name string) (string, error) {
	v, err := s.call(ctx, "Path", name, "")
	return v.Mountpoint, err
}

func (s *scripted) Get(ctx context.Context, name string) (driver.Volume, error) {
	return s.call(ctx, "Get", name, "")
}

func (s *scripted) List(ctx context.Context) ([]driver.Volume, error) {
	v, err := s.call(ctx, "List", "", "")
	return []driver.Volume{v}, err
}

func handler(t *testing.T, d front.Driver, log io.Writer) *front.Handler {
	t.Helper()
	if log == nil {
		log = io.Discard
	}
	h, err := front.New(front.Config{
		Driver: d,
		Drain:  20 * time.Second,
		Log:    slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	return h
}

// served is a handler behind a unix socket.
type served struct {
	stop context.CancelFunc
	done chan error
	path string
	http *http.Client
}

func serve(t *testing.T, h *front.Handler) *served {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p.sock")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	tr := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
		MaxIdleConnsPerHost: 100,
	}
	s := &served{stop: stop, done: make(chan error, 1), path: path, http: &http.Client{Transport: tr}}
	go func() { s.done <- h.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		tr.CloseIdleConnections()
	})
	return s
}

// post returns the status and the body, or the error with which the connection ended.
func (s *served) post(op, body string) (int, string, error) {
	path := "/VolumeDriver." + op
	if op == "Activate" {
		path = "/Plugin.Activate"
	}
	// A bytes.Reader would let the client repeat the request by itself when an idle connection ends.
	r, err := http.NewRequest(http.MethodPost, "http://plugin"+path, io.NopCloser(bytes.NewReader([]byte(body))))
	if err != nil {
		return 0, "", err
	}
	r.ContentLength = int64(len(body))
	if body == "" {
		r.Body = http.NoBody
	}
	resp, err := s.http.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}
