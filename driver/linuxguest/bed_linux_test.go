package linuxguest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

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
