//go:build !vmci

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// beVmdkd in the environment makes the test binary vmdkd itself.
const beVmdkd = "VMDKD_TEST_IS_VMDKD"

func TestMain(m *testing.M) {
	if os.Getenv(beVmdkd) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// program is this binary as vmdkd, in a process of its own.
func program(args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", args...)
	c.Env = append(os.Environ(), beVmdkd+"=1")
	return c
}

// output collects what a program says, safely.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// do runs vmdkd in this process for input that ends it at once.
func do(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out, errs output
	status = run(ctx, args, &out, &errs)
	require.NoError(t, ctx.Err(), "it served instead: %s", errs.String())
	return status, out.String(), errs.String()
}

// post asks a plugin; it returns the status and the body.
func post(t *testing.T, socket, path, body string) (int, string, error) {
	t.Helper()
	tr := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}
	resp, err := (&http.Client{Transport: tr}).Post("http://p"+path, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// answers waits until vmdkd serves on a socket.
func answers(t *testing.T, socket string, said fmt.Stringer) {
	t.Helper()
	require.Eventually(t, func() bool {
		code, _, err := post(t, socket, "/Plugin.Activate", "")
		return err == nil && code == http.StatusOK
	}, 20*time.Second, 5*time.Millisecond, "vmdkd does not serve")
	require.NotContains(t, said.String(), "panic")
}

// simFlags need neither root nor a device nor an ESX host that is there.
func simFlags(dir string, more ...string) []string {
	return append([]string{
		"--socket", filepath.Join(dir, "run", "vmdk.sock"), "--mount-root", filepath.Join(dir, "mnt"),
		"--esx", "unix:" + filepath.Join(dir, "esx.sock"), "--guest", "sim",
	}, more...)
}

func TestStopByContext(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "run", "vmdk.sock")
	ctx, stop := context.WithCancel(t.Context())
	var out, errs output
	status := make(chan int, 1)
	go func() { status <- run(ctx, simFlags(dir), &out, &errs) }()
	answers(t, socket, &errs)

	info, err := os.Stat(socket)
	require.NoError(t, err)
	require.Equal(t, os.ModeSocket|0o600, info.Mode())

	code, body, err := post(t, socket, "/VolumeDriver.Capabilities", "")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code)
	require.JSONEq(t, `{"Capabilities":{"Scope":"global"},"Err":""}`, body)

	// A second one must not take the socket away.
	second, _, said := do(t, simFlags(dir)...)
	require.Equal(t, exitLacks, second)
	require.Contains(t, said, stopOther)
	answers(t, socket, &errs)

	stop()
	require.Equal(t, exitFine, <-status, errs.String())
	require.NoFileExists(t, socket)
	require.Empty(t, out.String())
	require.Contains(t, errs.String(), "backend: simulated")
	require.Contains(t, errs.String(), "backend=simulated")
}

func TestSignalAndStaleSocket(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "run", "vmdk.sock")
	for _, sig := range []os.Signal{syscall.SIGKILL, syscall.SIGTERM, os.Interrupt} {
		var said output
		c := program(simFlags(dir, "--log-format", "json", "--log-level", "debug")...)
		c.Stderr = &said
		require.NoError(t, c.Start())
		answers(t, socket, &said)
		require.NoError(t, c.Process.Signal(sig))
		err := c.Wait()
		if sig == syscall.SIGKILL {
			require.Error(t, err)
			require.FileExists(t, socket) // stale: the next one takes it over
			continue
		}
		require.NoError(t, err, said.String())
		require.NoFileExists(t, socket)
		require.Contains(t, said.String(), `"backend":"simulated"`)
	}
}

// As systemd starts a service with a socket unit and Type=notify (sd_listen_fds(3), sd_notify(3)).
func TestSocketFromSystemd(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "passed.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	defer l.Close()
	f, err := l.File()
	require.NoError(t, err)
	defer f.Close()

	notices, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	require.NoError(t, err)
	defer notices.Close()
	notice := func() string {
		require.NoError(t, notices.SetReadDeadline(time.Now().Add(20*time.Second)))
		b := make([]byte, 100)
		n, err := notices.Read(b)
		require.NoError(t, err)
		return string(b[:n])
	}

	var said output
	exe, err := os.Executable()
	require.NoError(t, err)
	c := exec.Command("/bin/sh", append([]string{"-c", `LISTEN_PID=$$ exec "$0" "$@"`, exe}, simFlags(dir)...)...)
	c.Env = append(os.Environ(), beVmdkd+"=1", "LISTEN_FDS=1", "NOTIFY_SOCKET="+filepath.Join(dir, "notify"))
	c.ExtraFiles = []*os.File{f}
	c.Stderr = &said
	require.NoError(t, c.Start())
	require.Equal(t, "READY=1", notice())
	answers(t, path, &said)
	require.NoFileExists(t, filepath.Join(dir, "run", "vmdk.sock"), "--socket is ignored")
	require.NoError(t, c.Process.Signal(syscall.SIGTERM))
	require.Equal(t, "STOPPING=1", notice())
	require.NoError(t, c.Wait(), said.String())
	require.FileExists(t, path, "systemd's socket is systemd's")
}
