package linuxguest_test

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vmdkvol/driver/linuxguest"
)

func TestUnmountBusyNamesHolder(t *testing.T) {
	g, mp := newGuest(t)
	needs(t, g, "ext4")
	ctx, disk := t.Context(), loop(t, 16*mib)
	require.NoError(t, g.Mkfs(ctx, disk, "ext4", ""))
	require.NoError(t, g.Mount(ctx, disk, mp, "ext4", false))
	busy := requireBusy(t, g.Mount(ctx, disk, mp+"2", "ext4", true))
	require.Equal(t, []string{"mounted at " + mp}, busy.Holders, "one disk has one access mode")
	require.NoDirExists(t, mp+"2")

	f, err := os.Create(mp + "/open")
	require.NoError(t, err)
	busy = requireBusy(t, g.Unmount(ctx, mp))
	require.Len(t, busy.Holders, 1)
	require.Contains(t, busy.Holders[0], "a file open in process "+pid())
	require.NoError(t, f.Close())

	require.NoError(t, os.Mkdir(mp+"/sub", 0o755))
	require.NoError(t, unix.Mount("none", mp+"/sub", "tmpfs", 0, ""))
	busy = requireBusy(t, g.Unmount(ctx, mp))
	require.Equal(t, []string{"a mount below it at " + mp + "/sub"}, busy.Holders)
	require.NoError(t, unix.Unmount(mp+"/sub", 0))
	require.NoError(t, g.Unmount(ctx, mp))
}

func requireBusy(t *testing.T, err error) *linuxguest.BusyError {
	t.Helper()
	require.ErrorIs(t, err, unix.EBUSY)
	busy, ok := errors.AsType[*linuxguest.BusyError](err)
	require.True(t, ok, "%v", err)
	return busy
}

func pid() string {
	link, _ := os.Readlink("/proc/self")
	return link
}

// The hazard of decision 9: unmounted here, still mounted where a container lives.
func TestReleaseSeesOtherMountNamespaces(t *testing.T) {
	for _, fstype := range []string{"ext4", "btrfs"} {
		t.Run(fstype, func(t *testing.T) {
			g, mp := newGuest(t)
			needs(t, g, fstype)
			ctx, disk := t.Context(), loop(t, sinceXFS)
			require.NoError(t, g.Mkfs(ctx, disk, fstype, ""))
			require.NoError(t, g.Mount(ctx, disk, mp, fstype, false))

			// The other process binds the volume elsewhere, as a container's runtime does.
			container := t.TempDir()
			other := exec.Command("/bin/sh", "-c", `mount --bind "$0" "$1" && echo ready && read end`, mp, container)
			other.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
			stdin, err := other.StdinPipe()
			require.NoError(t, err)
			stdout, err := other.StdoutPipe()
			require.NoError(t, err)
			var stderr bytes.Buffer
			other.Stderr = &stderr
			require.NoError(t, other.Start())
			line, err := bufio.NewReader(stdout).ReadString('\n')
			require.NoError(t, err, "%s", &stderr)
			require.Equal(t, "ready\n", line)

			require.NoError(t, g.Unmount(ctx, mp), "this namespace is done with it")
			got, err := g.Mounted(ctx, mp)
			require.NoError(t, err)
			require.Empty(t, got)
			busy := requireBusy(t, g.Release(ctx, disk))
			require.Len(t, busy.Holders, 1)
			require.Equal(t, "mounted at "+container+" for process "+strconv.Itoa(other.Process.Pid)+" (sh)", busy.Holders[0])

			require.NoError(t, stdin.Close())
			_ = other.Wait() // read fails at the end of the input
			require.NoError(t, g.Release(ctx, disk), "the namespace ended")
		})
	}
}
