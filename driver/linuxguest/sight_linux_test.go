package linuxguest_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vmdkvol/driver/linuxguest"
)

// SeenBy says yes exactly if a process with that mount namespace finds what was mounted below the mount root, and not
// the bare directory: each case is tried with a real mount.
func TestSeenBy(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root: run the tests as root")
	}
	const whole = `mount --rbind /usr "$2/usr" && cp -d /bin /lib* "$2/" && mount --rbind "$1" "$2/prop"
		[ -z "$3" ] || mount --make-private "$2/prop"
		exec chroot "$2" sh -c "echo ready && exec sleep 1000"`
	for _, c := range []struct {
		name   string
		shared bool     // the mount of the mount root
		peer   []string // unshare's
		script string
		at     string // where the peer sees the mount root
		want   string // of the error; "" if it can see
	}{
		{name: "same", peer: []string{}},
		{name: "same, shared", shared: true, peer: []string{}},
		{name: "stays here", peer: []string{"--mount", "--propagation", "unchanged"}, want: "stays there"},
		{name: "peer listens", shared: true, peer: []string{"--mount", "--propagation", "slave"}},
		{name: "peers of each other", shared: true, peer: []string{"--mount", "--propagation", "unchanged"}},
		{name: "peer does not listen", shared: true, peer: []string{"--mount", "--propagation", "private"}, want: "does not reach"},
		{
			name: "hidden below another", shared: true, peer: []string{"--mount", "--propagation", "slave"},
			script: `mount -t tmpfs tmpfs "$1" && echo ready && exec sleep 1000`, want: "another directory",
		},
		{
			name: "no such directory", shared: true, peer: []string{"--mount", "--propagation", "slave"},
			script: `umount "$(dirname "$1")" && echo ready && exec sleep 1000`, want: "has no",
		},
		{name: "contained", shared: true, peer: []string{"--mount", "--propagation", "slave"}, script: whole, at: "/prop"},
		{
			name: "contained, closed", shared: true, peer: []string{"--mount", "--propagation", "private"},
			script: whole, at: "/prop", want: "no mount that Docker can see",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			outer := t.TempDir()
			base := filepath.Join(outer, "base")
			require.NoError(t, os.Mkdir(base, 0o755))
			require.NoError(t, unix.Mount("tmpfs", base, "tmpfs", 0, ""))
			t.Cleanup(func() { require.NoError(t, unix.Unmount(base, 0)) })
			flag := uintptr(unix.MS_PRIVATE)
			if c.shared {
				flag = unix.MS_SHARED
			}
			require.NoError(t, unix.Mount("", base, "", flag, ""))
			root := filepath.Join(base, "root")
			g, err := linuxguest.New(linuxguest.Config{MountRoot: root})
			require.NoError(t, err)
			require.NoError(t, os.Mkdir(root, 0o755))
			house := filepath.Join(outer, "house") // of a contained peer
			require.NoError(t, os.MkdirAll(filepath.Join(house, "usr"), 0o755))
			require.NoError(t, os.MkdirAll(filepath.Join(house, "prop"), 0o755))

			script := c.script
			if script == "" {
				script = "echo ready && exec sleep 1000"
			}
			args := append(append([]string{}, c.peer...), "--", "sh", "-c", script, "sh", root, house)
			pid := peer(t, "unshare", args...)
			verdict := g.SeenBy(pid)

			volume := filepath.Join(root, "volume")
			require.NoError(t, os.Mkdir(volume, 0o755))
			require.NoError(t, unix.Mount("tmpfs", volume, "tmpfs", 0, ""))
			t.Cleanup(func() { require.NoError(t, unix.Unmount(volume, 0)) })
			at := volume
			if c.at != "" {
				at = filepath.Join(c.at, "volume")
			}
			var ours, its unix.Stat_t
			require.NoError(t, unix.Stat(volume, &ours))
			seen := unix.Stat(filepath.Join("/proc", strconv.Itoa(pid), "root", at), &its) == nil && ours.Dev == its.Dev

			if c.want == "" {
				require.NoError(t, verdict)
				require.True(t, seen, "it was promised that the process sees the mount")
				return
			}
			require.ErrorContains(t, verdict, c.want)
			require.False(t, seen, "refused without need")
		})
	}
}

// Of a process that cannot be seen it is only asked that mounts go somewhere; one that has ended is an error.
func TestSeenByNobodyKnown(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root: run the tests as root")
	}
	base := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", base, "tmpfs", 0, ""))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(base, 0)) })
	require.NoError(t, unix.Mount("", base, "", unix.MS_PRIVATE, ""))
	g, err := linuxguest.New(linuxguest.Config{MountRoot: filepath.Join(base, "root")})
	require.NoError(t, err)
	require.ErrorContains(t, g.SeenBy(0), "stays there")
	require.NoError(t, unix.Mount("", base, "", unix.MS_SHARED, ""))
	require.NoError(t, g.SeenBy(0))

	cmd := exec.Command("true")
	require.NoError(t, cmd.Run())
	require.ErrorContains(t, g.SeenBy(cmd.Process.Pid), "mount namespace of process")
}

// peer starts a process that says "ready" and then sleeps, until the end of the test.
func peer(t *testing.T, program string, args ...string) (pid int) {
	t.Helper()
	cmd := exec.Command(program, args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, "%s", said.String())
	require.Equal(t, "ready\n", line)
	return cmd.Process.Pid
}
