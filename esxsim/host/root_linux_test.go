package host_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vmdkvol/driver/linuxguest"
	"vmdkvol/driver/wire"
	"vmdkvol/esxsim/host"
)

// These tests need root and loop devices and skip without them.

func needsLoop(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("loop devices need root: run the tests as root")
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		t.Skipf("no loop devices (modprobe loop): %v", err)
	}
}

// onLoop opens a host with loop devices on the directories ds1 and vms in dir.
func onLoop(t *testing.T, dir string, change func(*host.Config)) *host.Host {
	t.Helper()
	needsLoop(t)
	t.Cleanup(func() { // after the host's Close: what only a failed test has left
		for _, path := range loopsOf(dir) {
			fd, err := unix.Open("/dev/"+filepath.Base(filepath.Dir(filepath.Dir(path))), unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err == nil {
				_, _ = unix.IoctlRetInt(fd, unix.LOOP_CLR_FD)
				unix.Close(fd)
			}
		}
	})
	return open(t, filepath.Join(dir, "ds1"), func(c *host.Config) {
		c.Loop, c.VMDir, c.Detach = true, filepath.Join(dir, "vms"), true
		if change != nil {
			change(c)
		}
	})
}

func guest(t *testing.T, h *host.Host, vm string) *linuxguest.Guest {
	t.Helper()
	g, err := linuxguest.New(linuxguest.Config{DevRoot: h.DevRoot(vm), SysRoot: h.SysRoot(vm)})
	require.NoError(t, err)
	return g
}

// attach attaches a volume and returns its place and the device that the guest finds there.
func attach(t *testing.T, h *host.Host, vm, name string) (at wire.Device, disk string) {
	t.Helper()
	at, err := wire.ParseDevice([]byte(ask(t, h, vm, wire.Attach, name, nil)))
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	disk, err = guest(t, h, vm).Disk(ctx, at)
	require.NoError(t, err)
	return at, disk
}

// loopsOf returns the loop devices whose file is below dir.
func loopsOf(dir string) (used []string) {
	files, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, f := range files {
		if path, err := os.ReadFile(f); err == nil && strings.HasPrefix(string(path), dir+"/") {
			used = append(used, f)
		}
	}
	return used
}

func openFiles(t *testing.T) int {
	t.Helper()
	return len(filesIn(t, "/proc/self/fd"))
}

// hold keeps a disk exclusively, as a mount does.
func hold(t *testing.T, disk string) (release func()) {
	t.Helper()
	fd, err := unix.Open(disk, unix.O_RDWR|unix.O_EXCL|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	released := false
	release = func() {
		if !released {
			released = true
			require.NoError(t, unix.Close(fd))
		}
	}
	t.Cleanup(release)
	return release
}

func TestLoopCycles(t *testing.T) {
	dir := t.TempDir()
	h := onLoop(t, dir, nil)
	require.Equal(t, "null", ask(t, h, "vm1", wire.Create, "my data", map[string]string{"size": "1mb"}))
	before := 0
	for i := range 50 {
		vm := []string{"vm1", "vm2"}[i%2]
		_, disk := attach(t, h, vm, "my data")
		f, err := os.OpenFile(disk, os.O_RDWR, 0)
		require.NoError(t, err)
		last := make([]byte, 1)
		_, err = f.ReadAt(last, 1<<20-1)
		require.NoError(t, err)
		require.Equal(t, byte(i), last[0], "what the other VM has written")
		_, err = f.WriteAt([]byte{byte(i + 1)}, 1<<20-1)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Equal(t, "null", ask(t, h, vm, wire.Detach, "my data", nil))
		require.Empty(t, loopsOf(dir))
		require.Empty(t, filesIn(t, filepath.Join(h.DevRoot(vm), "disk/by-path")))
		if i == 4 {
			before = openFiles(t)
		}
	}
	require.Equal(t, before, openFiles(t))
}

// A VM takes 60 disks, at places of their own.
func TestLoopPlaces(t *testing.T) {
	dir := t.TempDir()
	h := onLoop(t, dir, nil)
	seen := map[string]bool{}
	for i := range 60 {
		name := "v" + strconv.Itoa(i)
		require.Equal(t, "null", ask(t, h, "vm1", wire.Create, name, map[string]string{"size": "1mb"}))
		_, disk := attach(t, h, "vm1", name)
		require.False(t, seen[disk])
		seen[disk] = true
	}
	require.Len(t, loopsOf(dir), 60)
	require.NoError(t, h.Close())
	require.Empty(t, loopsOf(dir), "Close took them out")
}

// A disk that is pulled out while in use lives on for its user, and nobody else gets it until then.
func TestPulledWhileUsed(t *testing.T) {
	dir := t.TempDir()
	h := onLoop(t, dir, nil)
	require.Equal(t, "null", ask(t, h, "vm1", wire.Create, "data", map[string]string{"size": "1mb"}))
	_, disk := attach(t, h, "vm1", "data")
	release := hold(t, disk)
	require.Equal(t, "null", ask(t, h, "vm1", wire.Detach, "data", nil))
	require.Empty(t, filesIn(t, filepath.Join(h.DevRoot("vm1"), "disk/by-path")))
	require.Contains(t, ask(t, h, "vm2", wire.Attach, "data", nil), "Failed to lock the file")
	require.Contains(t, ask(t, h, "vm2", wire.Remove, "data", nil), "locked")
	release()
	require.Eventually(t, func() bool { return len(loopsOf(dir)) == 0 }, 5*time.Second, time.Millisecond)
	attach(t, h, "vm2", "data")
}

// What a host leaves in use, the next one finds in its VM, and nobody else can have it in between.
func TestAdoption(t *testing.T) {
	dir := t.TempDir()
	h := onLoop(t, dir, nil)
	for _, name := range []string{"idle", "used"} {
		require.Equal(t, "null", ask(t, h, "vm1", wire.Create, name, map[string]string{"size": "1mb"}))
	}
	attach(t, h, "vm1", "idle")
	at, disk := attach(t, h, "vm1", "used")
	require.Equal(t, "1", at.Unit)
	release := hold(t, disk)
	_, err := host.Open(host.Config{
		Datastores: []host.Datastore{{Name: "ds1", Dir: filepath.Join(dir, "ds1")}},
		Loop:       true, VMDir: filepath.Join(dir, "vms"),
	})
	require.ErrorIs(t, err, host.ErrInUse)
	require.NoError(t, h.Close())
	require.Len(t, loopsOf(dir), 1)
	require.Len(t, filesIn(t, filepath.Join(h.DevRoot("vm1"), "disk/by-path")), 1, "the guest still sees it")

	stranger := open(t, filepath.Join(dir, "ds1"), nil)
	require.Contains(t, ask(t, stranger, "vm2", wire.Attach, "used", nil), "Failed to lock the file")
	require.NotContains(t, ask(t, stranger, "vm2", wire.Attach, "idle", nil), "Error")
	require.NoError(t, stranger.Close())

	h = onLoop(t, dir, nil)
	reply := ask(t, h, "vm1", wire.Get, "used", nil)
	require.Contains(t, reply, `"status": "attached"`)
	require.Contains(t, ask(t, h, "vm1", wire.Get, "idle", nil), `"status": "detached"`)
	_, again := attach(t, h, "vm1", "used")
	require.Equal(t, disk, again)
	require.Len(t, filesIn(t, filepath.Join(h.DevRoot("vm1"), "disk/by-path")), 1)
	release()
	require.Equal(t, "null", ask(t, h, "vm1", wire.Detach, "used", nil))
	require.Empty(t, loopsOf(dir))
	attach(t, h, "vm2", "used")
}

// A host that died without Close: idle disks are taken out by the next one.
func TestAfterCrash(t *testing.T) {
	dir := t.TempDir()
	h := onLoop(t, dir, func(c *host.Config) { c.Detach = false })
	require.Equal(t, "null", ask(t, h, "vm1", wire.Create, "data", map[string]string{"size": "1mb"}))
	attach(t, h, "vm1", "data")
	require.NoError(t, h.Close())
	require.Len(t, loopsOf(dir), 1)
	h = onLoop(t, dir, nil)
	require.Empty(t, loopsOf(dir))
	require.Empty(t, filesIn(t, filepath.Join(h.DevRoot("vm1"), "disk/by-path")))
	require.Contains(t, ask(t, h, "vm1", wire.Get, "data", nil), `"status": "detached"`)
	require.Equal(t, "null", ask(t, h, "vm1", wire.Remove, "data", nil))
}

// On a full datastore the metadata still says who has a disk, and a volume can be removed to make room.
func TestFullDatastore(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a small file system needs root: run the tests as root")
	}
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	h := open(t, dir, nil)
	require.Equal(t, "null", ask(t, h, "vm1", wire.Create, "data", map[string]string{"size": "1mb"}))
	_ = os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 2<<20), 0o600) // as much as there is room for

	require.NotContains(t, ask(t, h, "vm1", wire.Attach, "data", nil), "Error")
	require.Contains(t, ask(t, h, "vm2", wire.Remove, "data", nil), "in use by VM = vm1")
	require.Equal(t, "null", ask(t, h, "vm1", wire.Detach, "data", nil))
	require.Equal(t, "null", ask(t, h, "vm2", wire.Remove, "data", nil))
}
