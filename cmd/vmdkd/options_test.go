//go:build !vmci

package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHelpAndVersion(t *testing.T) {
	status, out, errs := do(t, "--help")
	require.Equal(t, exitFine, status)
	require.Empty(t, errs)
	for _, flag := range []string{
		"--socket", "--mount-root", "--esx", "--guest", "--dev-root", "--sys-root", "--log-level", "--log-format",
		"--version", "Examples:", "/run/docker/plugins/vmdk.sock", "/mnt/vmdk", "unix:PATH",
	} {
		require.Contains(t, out, flag)
	}
	status, out, _ = do(t, "--version")
	require.Equal(t, exitFine, status)
	require.Contains(t, out, "vmdkd version")
	require.Contains(t, out, "go1.")
}

func TestWrongInput(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("precious"), 0o600))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"extra"}, `unexpected argument "extra"`},
		{[]string{"--frob"}, "--frob"},
		{[]string{"--socket"}, "--socket"},
		{[]string{"--socket", ""}, "--socket"},
		{[]string{"--socket", "a/b.sock"}, "--socket"},
		{[]string{"--socket", "/" + strings.Repeat("x", 107)}, "107"},
		{[]string{"--socket", file}, "is no socket"},
		{[]string{"--mount-root", "mnt"}, "--mount-root"},
		{[]string{"--mount-root", file}, "is no directory"},
		{[]string{"--dev-root", "dev"}, "--dev-root"},
		{[]string{"--sys-root", ""}, "--sys-root"},
		{[]string{"--esx", ""}, "--esx"},
		{[]string{"--esx", "tcp:localhost:1"}, "unix:PATH"},
		{[]string{"--esx", "unix"}, "no path"},
		{[]string{"--esx", "unix:"}, "no path"},
		{[]string{"--guest", "windows"}, "--guest"},
		{[]string{"--log-level", "loud"}, "--log-level"},
		{[]string{"--log-format", "xml"}, "--log-format"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			// Later flags win, so that only the one under test is wrong.
			status, out, errs := do(t, append(simFlags(dir), c.args...)...)
			require.Equal(t, exitInput, status, errs)
			require.Contains(t, errs, c.want)
			require.Contains(t, errs, "vmdkd --help")
			require.Equal(t, 1, strings.Count(errs, "\n"), "one line: %s", errs)
			require.Empty(t, out)
		})
	}
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "precious", string(b))
}

func TestMountingNeedsRoot(t *testing.T) {
	c := program("--socket", filepath.Join(t.TempDir(), "s"))
	if os.Geteuid() == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := c.CombinedOutput()
	var e *exec.ExitError
	require.ErrorAs(t, err, &e)
	require.Equal(t, exitLacks, e.ExitCode(), string(out))
	require.Contains(t, string(out), "run vmdkd as root")
}

func TestSocketWithoutADirectory(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run"), nil, 0o600)) // where the directory should be
	status, _, errs := do(t, simFlags(dir)...)
	require.Equal(t, exitLacks, status)
	require.Contains(t, errs, "--socket")
}

// The mode must not depend on the umask, nor be wrong for a moment before a chmod.
func TestSocketIsPrivateUnderAnyUmask(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "s")
	l, err := listen(path)
	require.NoError(t, err)
	info, err := os.Lstat(path)
	require.NoError(t, err)
	require.Equal(t, os.ModeSocket|0o600, info.Mode())
	require.NoError(t, l.Close())
	require.NoFileExists(t, path)
}

func TestStaleSocketIsTakenOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	old, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	_, err = listen(path)
	require.ErrorContains(t, err, "answers")
	require.FileExists(t, path)
	old.SetUnlinkOnClose(false)
	require.NoError(t, old.Close())
	l, err := listen(path)
	require.NoError(t, err)
	require.NoError(t, l.Close())
}

func TestDriverNeedsNoESXToStart(t *testing.T) {
	var o options
	o.esx = "unix:/nowhere"
	k, address, err := o.host()
	require.NoError(t, err)
	require.Equal(t, "/nowhere", address)
	b, err := k.open(t.Context(), settings{}, address)
	require.NoError(t, err)
	require.True(t, k.simulated)
	require.NoError(t, b.close())
}

// Of several that start at once on a stale socket one serves, and it can be reached.
func TestStaleSocketIsTakenOverOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for range 100 {
		old, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		require.NoError(t, err)
		old.SetUnlinkOnClose(false)
		require.NoError(t, old.Close())

		const starters = 4
		got := make(chan net.Listener, starters)
		for range starters {
			go func() {
				l, _ := listen(path)
				got <- l
			}()
		}
		var serving []net.Listener
		for range starters {
			if l := <-got; l != nil {
				serving = append(serving, l)
			}
		}
		require.Len(t, serving, 1)
		c, err := net.Dial("unix", path)
		require.NoError(t, err)
		require.NoError(t, c.Close())
		require.NoError(t, serving[0].Close())
	}
}
