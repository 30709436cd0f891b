package front_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
	"vmdkvol/driver/front"
)

func TestActivate(t *testing.T) {
	s := serve(t, handler(t, &scripted{}, nil))
	code, body, err := s.post("Activate", "")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code)
	require.JSONEq(t, `{"Implements":["VolumeDriver"]}`, body)
	s.stop()
	require.NoError(t, <-s.done)
	require.NoFileExists(t, s.path)
}

func TestGetIsDroppedOnTheSocketUntilItIsDefinite(t *testing.T) {
	answers := []driver.Kind{driver.Unreachable, driver.Busy, driver.NotFound}
	d := &scripted{on: func(context.Context, string, string, string) (driver.Volume, error) {
		k := answers[0]
		answers = answers[1:]
		return driver.Volume{}, &driver.Error{Kind: k, Err: errors.New("cause")}
	}}
	s := serve(t, handler(t, d, nil))
	const body = `{"Name":"v"}`
	// As Docker does it: the first try, then repetitions without a body.
	for _, b := range []string{body, "", "", body, ""} {
		code, answer, err := s.post("Get", b)
		require.ErrorIs(t, err, io.EOF, "%d %s", code, answer)
	}
	code, answer, err := s.post("Get", body)
	require.NoError(t, err)
	require.Equal(t, http.StatusInternalServerError, code)
	require.Contains(t, answer, "cause; ")
	s.stop()
	require.NoError(t, <-s.done)
}

// gate lets calls wait inside the driver.
type gate struct{ entered, leave chan struct{} }

func newGate() gate { return gate{make(chan struct{}, 100), make(chan struct{})} }

func (g gate) wait(ctx context.Context, _, name, _ string) (driver.Volume, error) {
	g.entered <- struct{}{}
	select {
	case <-g.leave:
		return driver.Volume{Mountpoint: "/mnt/" + name}, nil
	case <-ctx.Done():
		return driver.Volume{}, ctx.Err()
	}
}

func TestStopLetsRequestsInFlightFinish(t *testing.T) {
	g := newGate()
	d := &scripted{on: g.wait}
	h := handler(t, d, nil)
	s := serve(t, h)

	idle, err := net.Dial("unix", s.path) // a connection that was used and waits for more
	require.NoError(t, err)
	defer idle.Close()
	fmt.Fprint(idle, "POST /VolumeDriver.Capabilities HTTP/1.1\r\nHost: p\r\nContent-Length: 0\r\n\r\n")
	br := bufio.NewReader(idle)
	resp, err := http.ReadResponse(br, nil)
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, resp.Body)

	type answer struct {
		code int
		body string
		err  error
	}
	answers := make(chan answer, 8)
	for i := range 8 {
		go func() {
			code, body, err := s.post("Mount", fmt.Sprintf(`{"Name":"v%d","ID":"i"}`, i))
			answers <- answer{code, body, err}
		}()
	}
	for range 8 {
		<-g.entered
	}
	s.stop()
	// The socket goes before the requests do: whoever comes now finds nobody.
	require.Eventually(t, func() bool { _, err := os.Stat(s.path); return os.IsNotExist(err) },
		10*time.Second, time.Millisecond)
	_, err = net.Dial("unix", s.path)
	require.Error(t, err)

	// An idle connection ends at once, so that Docker's next request is not lost on it; and no request begins.
	_, err = br.ReadByte()
	require.ErrorIs(t, err, io.EOF)
	_, dropped := enter(t, h, "Remove", `{"Name":"y"}`)
	require.True(t, dropped)

	select {
	case err := <-s.done:
		require.Fail(t, "Serve returned with requests in flight", "%v", err)
	default:
	}
	close(g.leave)
	for range 8 {
		a := <-answers
		require.NoError(t, a.err)
		require.Equal(t, http.StatusOK, a.code)
		require.Contains(t, a.body, `"Mountpoint":"/mnt/v`)
	}
	require.NoError(t, <-s.done)
	require.Len(t, d.calls(), 8)
}

func TestDrainIsBounded(t *testing.T) {
	g := newGate()
	h, err := front.New(front.Config{Driver: &scripted{on: g.wait}, Drain: 20 * time.Millisecond})
	require.NoError(t, err)
	s := serve(t, h)
	broken := make(chan error, 1)
	go func() {
		_, _, err := s.post("Mount", `{"Name":"stuck"}`)
		broken <- err
	}()
	<-g.entered
	s.stop()
	err = <-s.done
	require.ErrorContains(t, err, `Mount "stuck"`)
	require.Error(t, <-broken) // and, by goleak, the call's context was cancelled
}

func TestHangingUpCancelsTheCall(t *testing.T) {
	ended := make(chan error, 1)
	entered := make(chan struct{})
	d := &scripted{on: func(ctx context.Context, _, _, _ string) (driver.Volume, error) {
		close(entered)
		<-ctx.Done()
		ended <- ctx.Err()
		return driver.Volume{}, ctx.Err()
	}}
	s := serve(t, handler(t, d, nil))
	c, err := net.Dial("unix", s.path)
	require.NoError(t, err)
	fmt.Fprint(c, "POST /VolumeDriver.Mount HTTP/1.1\r\nHost: p\r\nContent-Length: 12\r\n\r\n{\"Name\":\"x\"}")
	<-entered
	require.NoError(t, c.Close())
	require.ErrorIs(t, <-ended, context.Canceled)
	s.stop()
	require.NoError(t, <-s.done)
}

func TestListenerThatFails(t *testing.T) {
	s := filepath.Join(t.TempDir(), "p.sock")
	l, err := net.Listen("unix", s)
	require.NoError(t, err)
	require.NoError(t, l.Close())
	h := handler(t, &scripted{}, nil)
	require.ErrorIs(t, h.Serve(t.Context(), l), net.ErrClosed)
	require.Error(t, h.Serve(t.Context(), l), "a Handler serves once")
}

func TestNewRefuses(t *testing.T) {
	_, err := front.New(front.Config{})
	require.Error(t, err)
	_, err = front.New(front.Config{Driver: &scripted{}, Drain: -1})
	require.Error(t, err)
}

// Sixty-four clients at once, and a stop in the middle of them: every request either was answered, or never reached
// the driver, or its answer was not lost on the way.
func TestManyAtOnce(t *testing.T) {
	d := &scripted{on: func(_ context.Context, op, name, _ string) (driver.Volume, error) {
		if op == "Get" && strings.HasSuffix(name, "7") {
			return driver.Volume{}, &driver.Error{Kind: driver.Unreachable, Err: errors.New("x")}
		}
		return driver.Volume{Name: name, Mountpoint: "/mnt/" + name}, nil
	}}
	s := serve(t, handler(t, d, nil))
	var wg sync.WaitGroup
	var mu sync.Mutex
	answered, begun := 0, make(chan struct{}, 64*1000)
	for c := range 64 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(c), 1))
			for i := range 1000 {
				op := ops[r.IntN(len(ops))]
				name := fmt.Sprintf("v%d", r.IntN(10))
				code, body, err := s.post(op, fmt.Sprintf(`{"Name":%q,"ID":"i%d"}`, name, i))
				begun <- struct{}{}
				if err != nil {
					if op == "Get" && name == "v7" {
						continue
					}
					return // stopped
				}
				if code != http.StatusOK || (op == "Mount" && !strings.Contains(body, `"/mnt/`+name+`"`)) {
					t.Errorf("%s %s: %d %s", op, name, code, body)
				}
				if op != "Capabilities" {
					mu.Lock()
					answered++
					mu.Unlock()
				}
			}
		})
	}
	for range 2000 {
		<-begun
	}
	s.stop()
	require.NoError(t, <-s.done)
	wg.Wait()
	dropped := 0
	for _, c := range d.calls() {
		if c == "Get(v7,)" {
			dropped++
		}
	}
	require.Equal(t, len(d.calls()), answered+dropped, "an answer was lost")
}

func BenchmarkMountOverSocket(b *testing.B) {
	h, err := front.New(front.Config{Driver: &scripted{}, Log: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	path := filepath.Join(b.TempDir(), "p.sock")
	l, err := net.Listen("unix", path)
	require.NoError(b, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Serve(ctx, l) }()
	tr := &http.Transport{MaxIdleConnsPerHost: 64, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	c := &http.Client{Transport: tr}
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r, err := c.Post("http://p/VolumeDriver.Path", "", strings.NewReader(`{"Name":"v"}`))
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			_ = r.Body.Close()
		}
	})
	tr.CloseIdleConnections()
	stop()
	require.NoError(b, <-done)
}
