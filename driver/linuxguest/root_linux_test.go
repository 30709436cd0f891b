package linuxguest_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vmdkvol/driver/linuxguest"
)

// These tests need root and loop devices and skip without them.

const sinceXFS = 320 * mib // mkfs.xfs refuses less than 300 MB

// loop plugs in a blank disk and pulls it at the end of the test.
func loop(t *testing.T, size int64) (disk string) {
	t.Helper()
	return loopOver(t, sparse(t, size), 0)
}

func loopOver(t *testing.T, image string, flags uint32) (disk string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root: run the tests as root")
	}
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("no loop devices (modprobe loop): %v", err)
	}
	defer control.Close()
	file, err := os.OpenFile(image, os.O_RDWR, 0)
	require.NoError(t, err)
	defer file.Close()
	for { // somebody else may take the free one first
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		require.NoError(t, err)
		disk = "/dev/loop" + strconv.Itoa(n)
		dev, err := os.OpenFile(disk, os.O_RDWR, 0)
		require.NoError(t, err)
		err = unix.IoctlLoopConfigure(int(dev.Fd()), &unix.LoopConfig{
			Fd: uint32(file.Fd()), Info: unix.LoopInfo64{Flags: flags},
		})
		if errors.Is(err, unix.EBUSY) {
			dev.Close()
			continue
		}
		require.NoError(t, err)
		t.Cleanup(func() {
			_, err := unix.IoctlRetInt(int(dev.Fd()), unix.LOOP_CLR_FD)
			require.NoError(t, err)
			require.NoError(t, dev.Close())
		})
		return disk
	}
}

func newGuest(t *testing.T) (g *linuxguest.Guest, mountpoint string) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "mounts")
	g, err := linuxguest.New(linuxguest.Config{MountRoot: root})
	require.NoError(t, err)
	mountpoint = filepath.Join(root, "my data@ds1")
	t.Cleanup(func() { require.NoError(t, g.Unmount(context.Background(), mountpoint)) })
	return g, mountpoint
}

func needs(t *testing.T, g *linuxguest.Guest, fstype string) {
	t.Helper()
	for _, fs := range g.Filesystems() {
		if fs == fstype {
			return
		}
	}
	t.Skipf("no mkfs.%s (Debian: apt-get install e2fsprogs xfsprogs btrfs-progs)", fstype)
}

func TestLifeOfADisk(t *testing.T) {
	for _, fstype := range []string{"ext2", "ext3", "ext4", "xfs", "btrfs"} {
		t.Run(fstype, func(t *testing.T) {
			g, mp := newGuest(t)
			needs(t, g, fstype)
			ctx, disk := t.Context(), loop(t, sinceXFS)

			found, err := g.Probe(ctx, disk)
			require.NoError(t, err)
			require.Empty(t, found)
			require.NoError(t, g.Mkfs(ctx, disk, fstype, "-my data@datastore-größer"))
			found, err = g.Probe(ctx, disk)
			require.NoError(t, err)
			require.Equal(t, fstype, found)
			require.ErrorContains(t, g.Mkfs(ctx, disk, fstype, "again"), "holds "+fstype)
			require.NoError(t, g.Release(ctx, disk), "mkfs leaves nobody behind")

			require.NoError(t, g.Mount(ctx, disk, mp, fstype, false))
			got, err := g.Mounted(ctx, mp)
			require.NoError(t, err)
			require.Equal(t, disk, got)
			var node unix.Stat_t
			require.NoError(t, unix.Stat(disk, &node))
			require.NoError(t, linuxguest.Verify(mp, node.Rdev, false))
			require.Error(t, linuxguest.Verify(mp, node.Rdev, true), "the other access mode")
			require.Error(t, linuxguest.Verify(mp, node.Rdev+1, false), "another disk")
			inside, err := os.ReadDir(mp)
			require.NoError(t, err)
			require.Empty(t, inside, "a new volume is empty")
			st, err := os.Stat(mp)
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o755)|os.ModeDir, st.Mode())
			require.NoError(t, os.WriteFile(mp+"/file", []byte("kept"), 0o600))
			require.ErrorIs(t, g.Release(ctx, disk), unix.EBUSY)
			require.ErrorIs(t, g.Mount(ctx, disk, mp, fstype, false), unix.EBUSY, "no second layer")
			require.NoError(t, g.Unmount(ctx, mp))
			require.NoDirExists(t, mp)
			require.NoError(t, g.Unmount(ctx, mp), "a repetition is fine")
			require.NoError(t, g.Release(ctx, disk))

			require.NoError(t, g.Mount(ctx, disk, mp, fstype, true))
			require.ErrorIs(t, os.WriteFile(mp+"/other", nil, 0o600), unix.EROFS)
			kept, err := os.ReadFile(mp + "/file")
			require.NoError(t, err)
			require.Equal(t, "kept", string(kept))
			require.NoError(t, g.Unmount(ctx, mp))

			fsck(t, fstype, disk)
		})
	}
}

// fsck: the file system is clean, and checking it does not bring lost+found back.
func fsck(t *testing.T, fstype, disk string) {
	t.Helper()
	var cmd *exec.Cmd
	switch fstype {
	case "xfs":
		cmd = exec.Command(lookTool(t, "xfs_repair"), "-n", disk)
	case "btrfs":
		cmd = exec.Command(lookTool(t, "btrfs"), "check", disk)
	default:
		cmd = exec.Command(lookTool(t, "e2fsck"), "-f", "-n", disk)
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	if strings.HasPrefix(fstype, "ext") { // xfs_repair always says it
		require.NotContains(t, string(out), "lost+found")
	}
}

// Both ways of mounting a disk out of sight give its root and leave nothing when it is closed.
func TestHiddenMount(t *testing.T) {
	g, _ := newGuest(t)
	needs(t, g, "ext4")
	ctx, disk := t.Context(), loop(t, 16*mib)
	out, err := exec.Command(lookTool(t, "mkfs.ext4"), "-q", "-F", disk).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for name, mount := range map[string]func(disk, fstype string) (int, error){
		"hidden": linuxguest.HiddenMount, "brief": linuxguest.BriefMount,
	} {
		t.Run(name, func(t *testing.T) {
			root, err := mount(disk, "ext4")
			if errors.Is(err, unix.ENOSYS) {
				t.Skip("needs Linux 5.2")
			}
			require.NoError(t, err)
			var st unix.Stat_t
			require.NoError(t, unix.Fstatat(root, "lost+found", &st, 0))
			table, err := os.ReadFile("/proc/self/mountinfo")
			require.NoError(t, err)
			require.NotContains(t, string(table), disk+" ")
			require.ErrorIs(t, g.Release(ctx, disk), unix.EBUSY)
			require.NoError(t, unix.Close(root))
			require.NoError(t, g.Release(ctx, disk))
			_, err = mount(disk, "xfs")
			require.Error(t, err, "not an xfs")
			require.NoError(t, g.Release(ctx, disk))
		})
	}
}

func TestMkfsErrors(t *testing.T) {
	g, _ := newGuest(t)
	needs(t, g, "ext4")
	disk := loop(t, mib)
	for _, fstype := range []string{"xfs", "btrfs"} { // both need more
		if err := g.Mkfs(t.Context(), disk, fstype, ""); err != nil {
			require.NotContains(t, err.Error(), "\n")
		} else {
			t.Errorf("mkfs.%s made a file system of 1 MiB", fstype)
		}
	}
	// A mkfs that hangs dies with the context.
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/mkfs.ext4", []byte("#!/bin/sh\necho \"$HOME$LC_ALL\" at work\nexec sleep 60\n"), 0o755))
	g, err := linuxguest.New(linuxguest.Config{ToolDirs: []string{dir}})
	require.NoError(t, err)
	disk = loop(t, mib)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	err = g.Mkfs(ctx, disk, "ext4", "")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, ": C at work", "output in the error, environment cleared")
}

func TestMountFailsClean(t *testing.T) {
	g, mp := newGuest(t)
	needs(t, g, "ext4")
	ctx, disk := t.Context(), loop(t, 16*mib)
	require.ErrorIs(t, g.Mount(ctx, disk, mp, "ext4", false), unix.EINVAL, "a blank disk")
	require.NoDirExists(t, mp)
	require.ErrorIs(t, g.Mount(ctx, disk, mp, "nosuchfs", false), unix.ENODEV)
	// A file system without a disk ignores the source: the check afterwards sees it.
	require.ErrorContains(t, g.Mount(ctx, disk, mp, "tmpfs", false), "another device")
	require.NoDirExists(t, mp)

	require.NoError(t, g.Mkfs(ctx, disk, "ext4", "x"))
	require.NoError(t, os.Mkdir(filepath.Dir(mp)+"/elsewhere", 0o755))
	require.NoError(t, os.Symlink("elsewhere", mp))
	require.Error(t, g.Mount(ctx, disk, mp, "ext4", false), "a link")
	require.NoError(t, os.Remove(mp))
	require.NoError(t, os.WriteFile(mp, nil, 0o600))
	require.Error(t, g.Mount(ctx, disk, mp, "ext4", false), "a file")
	require.NoError(t, os.Remove(mp))
	require.NoError(t, g.Release(ctx, disk))
}

// A disk that ESX attached read-only must not look like a read-write mount.
func TestMountOfWriteProtectedDisk(t *testing.T) {
	g, mp := newGuest(t)
	needs(t, g, "ext4")
	image := sparse(t, 16*mib)
	out, err := exec.Command(lookTool(t, "mkfs.ext4"), "-q", "-F", image).CombinedOutput()
	require.NoError(t, err, "%s", out)
	disk := loopOver(t, image, unix.LO_FLAGS_READ_ONLY)
	require.ErrorIs(t, g.Mount(t.Context(), disk, mp, "ext4", false), unix.EACCES)
	require.NoDirExists(t, mp)
	require.NoError(t, g.Mount(t.Context(), disk, mp, "ext4", true))
	require.NoError(t, g.Unmount(t.Context(), mp))
	require.NoError(t, g.Release(t.Context(), disk))
}

func TestMountedTopmost(t *testing.T) {
	g, mp := newGuest(t)
	needs(t, g, "ext4")
	ctx, below, above := t.Context(), loop(t, 16*mib), loop(t, 16*mib)
	for _, disk := range []string{below, above} {
		require.NoError(t, g.Mkfs(ctx, disk, "ext4", ""))
	}
	require.NoError(t, g.Mount(ctx, below, mp, "ext4", false))
	_ = requireBusy(t, g.Mount(ctx, above, mp, "ext4", false))
	require.NoError(t, unix.Mount(above, mp, "ext4", 0, ""))
	got, err := g.Mounted(ctx, mp)
	require.NoError(t, err)
	require.Equal(t, above, got)
	require.NoError(t, g.Unmount(ctx, mp), "all layers")
	require.NoError(t, g.Release(ctx, below))
	require.NoError(t, g.Release(ctx, above))

	require.NoError(t, os.Mkdir(mp, 0o755))
	require.NoError(t, unix.Mount("nothing", mp, "tmpfs", 0, ""))
	got, err = g.Mounted(ctx, mp)
	require.NoError(t, err)
	require.Equal(t, "nothing", got, "not a disk, and not nothing")
}

func TestMountedThroughLink(t *testing.T) {
	g, mp := newGuest(t)
	needs(t, g, "ext4")
	ctx, disk := t.Context(), loop(t, 16*mib)
	require.NoError(t, g.Mkfs(ctx, disk, "ext4", ""))
	link := filepath.Join(t.TempDir(), "by-path")
	require.NoError(t, os.Symlink(disk, link))
	require.NoError(t, g.Mount(ctx, link, mp, "ext4", false))
	for range 2 {
		got, err := g.Mounted(ctx, mp)
		require.NoError(t, err)
		require.Equal(t, disk, got)
		require.NoError(t, os.RemoveAll(link)) // then sysfs knows
	}
}

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

// Nothing piles up: descriptors, mounts, processes. Failing calls count too.
func TestCyclesLeaveNothing(t *testing.T) {
	g, mp := newGuest(t)
	needs(t, g, "ext4")
	ctx, disk := t.Context(), loop(t, 16*mib)
	require.NoError(t, g.Mkfs(ctx, disk, "ext4", ""))
	ended, cancel := context.WithCancel(ctx)
	cancel()
	cycle := func() {
		_, err := g.Disk(ended, place("0", "1f.7"))
		require.Error(t, err)
		_, err = g.Probe(ctx, disk)
		require.NoError(t, err)
		require.Error(t, g.Mkfs(ctx, disk, "ext4", ""))
		require.Error(t, g.Mount(ctx, disk, mp, "tmpfs", false))
		require.NoError(t, g.Mount(ctx, disk, mp, "ext4", false))
		_ = requireBusy(t, g.Release(ended, disk))
		require.NoError(t, g.Unmount(ctx, mp))
		require.NoError(t, g.Release(ctx, disk))
		require.Error(t, g.Release(ctx, "/dev/null"))
	}
	cycle()
	before, mountsBefore := count(t, "/proc/self/fd"), mountTable(t)
	for range 50 {
		cycle()
	}
	require.Equal(t, before, count(t, "/proc/self/fd"))
	require.Equal(t, mountsBefore, mountTable(t))
}

func count(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	return len(list)
}

func mountTable(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	return string(b)
}

// Different disks at once, for the race detector.
func TestDisksAtOnce(t *testing.T) {
	g, mp := newGuest(t)
	needs(t, g, "ext4")
	errs := make(chan error)
	const disks = 4
	for i := range disks {
		disk, mp := loop(t, 16*mib), mp+strconv.Itoa(i)
		go func() {
			errs <- func() error {
				if err := g.Mkfs(t.Context(), disk, "ext4", ""); err != nil {
					return err
				}
				for range 3 {
					if err := errors.Join(
						g.Mount(t.Context(), disk, mp, "ext4", false),
						g.Unmount(t.Context(), mp),
						g.Release(t.Context(), disk),
					); err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	for range disks {
		require.NoError(t, <-errs)
	}
}
