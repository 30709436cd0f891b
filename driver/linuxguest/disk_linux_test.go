package linuxguest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
	"vmdkvol/driver/linuxguest"
	"vmdkvol/driver/wire"
)

var _ driver.Guest = (*linuxguest.Guest)(nil)

// tree is a fake /dev and /sys.
type tree struct{ dev, sys string }

func newTree(t *testing.T) (tree, *linuxguest.Guest) {
	t.Helper()
	tr := tree{filepath.Join(t.TempDir(), "dev"), filepath.Join(t.TempDir(), "sys")}
	g, err := linuxguest.New(linuxguest.Config{DevRoot: tr.dev, SysRoot: tr.sys})
	require.NoError(t, err)
	return tr, g
}

func (tr tree) busDir() string {
	return filepath.Join(tr.sys, "bus/pci/devices/0000:00:15.0/pci_bus")
}

func (tr tree) byPath(unit string) string {
	return filepath.Join(tr.dev, "disk/by-path/pci-0000:03:00.0-scsi-0:0:"+unit+":0")
}

func (tr tree) plugController(t *testing.T) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Join(tr.busDir(), "0000:03"), 0o755))
}

func (tr tree) plugDisk(t *testing.T, unit string) (node string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(tr.byPath(unit)), 0o755))
	node = filepath.Join(tr.dev, "sd"+unit)
	require.NoError(t, os.WriteFile(node, nil, 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(tr.sys, "class/block"), 0o755))
	tr.seat(t, "sd"+unit, "0000:03:00.0", unit)
	require.NoError(t, os.Symlink("../../sd"+unit, tr.byPath(unit)))
	return node
}

// seat says where the kernel has a device.
func (tr tree) seat(t *testing.T, device, controller, unit string) {
	t.Helper()
	at := "devices/pci0000:00/0000:00:15.0/" + controller + "/host2/target2:0:" + unit + "/2:0:" + unit + ":0/block/" + device
	require.NoError(t, os.MkdirAll(filepath.Join(tr.sys, at), 0o755))
	link := filepath.Join(tr.sys, "class/block", device)
	require.NoError(t, os.RemoveAll(link))
	require.NoError(t, os.Symlink("../../"+at, link))
}

func place(unit, bus string) wire.Device {
	return wire.Device{Unit: unit, ControllerPciSlotNumber: "160", ControllerPciBusNumber: bus}
}

func anyDisk(string) error { return nil }

func TestDiskThere(t *testing.T) {
	tr, g := newTree(t)
	g.AcceptAnyDisk(anyDisk)
	tr.plugController(t)
	tr.plugDisk(t, "1")
	want := tr.plugDisk(t, "15")
	got, err := g.Disk(t.Context(), place("15", "15.0"))
	require.NoError(t, err)
	require.Equal(t, want, got, "the link is resolved")
}

// The controller and the link come while Disk is looking, and the first node does not answer yet.
func TestDiskAppearsLate(t *testing.T) {
	tr, g := newTree(t)
	looks := 0
	asked := make(chan struct{})
	g.AcceptAnyDisk(func(string) error {
		looks++
		if looks == 1 {
			close(asked)
			return errors.New("stale")
		}
		return nil
	})
	type result struct {
		disk string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		disk, err := g.Disk(t.Context(), place("0", "15.0"))
		done <- result{disk, err}
	}()
	tr.plugController(t)
	want := tr.plugDisk(t, "0")
	<-asked
	got := <-done
	require.NoError(t, got.err)
	require.Equal(t, want, got.disk)
	require.Equal(t, 2, looks, "a stale node is looked at again")
}

// A disk was detached, two others came, and the kernel gave its name to the one in another place before udev took the old
// link away: the link leads to another volume's disk.
func TestDiskOfALinkThatUdevHasNotUpdatedYet(t *testing.T) {
	for _, c := range []struct{ name, controller, unit string }{
		{"other unit", "0000:03:00.0", "1"},
		{"other unit that begins alike", "0000:03:00.0", "10"},
		{"other controller", "0000:0b:00.0", "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr, g := newTree(t)
			tr.plugController(t)
			tr.plugDisk(t, "0")
			tr.seat(t, "sd0", c.controller, c.unit)
			looks := 0
			g.AcceptAnyDisk(func(string) error {
				if looks++; looks == 2 { // now udev has come
					require.NoError(t, os.Remove(tr.byPath("0")))
					require.NoError(t, os.WriteFile(filepath.Join(tr.dev, "sdx"), nil, 0o600))
					tr.seat(t, "sdx", "0000:03:00.0", "0")
					require.NoError(t, os.Symlink("../../sdx", tr.byPath("0")))
				}
				return nil
			})
			got, err := g.Disk(t.Context(), place("0", "15.0"))
			require.NoError(t, err)
			require.Equal(t, filepath.Join(tr.dev, "sdx"), got)
		})
	}
}

// A device that is no SCSI disk, such as the loop device of a simulated host, has no place in sysfs.
func TestDiskThatIsNoSCSIDisk(t *testing.T) {
	tr, g := newTree(t)
	g.AcceptAnyDisk(anyDisk)
	tr.plugController(t)
	want := tr.plugDisk(t, "3")
	link := filepath.Join(tr.sys, "class/block/sd3")
	require.NoError(t, os.Remove(link))
	require.NoError(t, os.MkdirAll(filepath.Join(tr.sys, "devices/virtual/block/sd3"), 0o755))
	require.NoError(t, os.Symlink("../../devices/virtual/block/sd3", link))
	got, err := g.Disk(t.Context(), place("3", "15.0"))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestDiskGivesUp(t *testing.T) {
	stale := errors.New("stale")
	for _, c := range []struct {
		name  string
		setUp func(t *testing.T, tr tree) (awaited string)
		is    error
	}{
		{"no controller", func(_ *testing.T, tr tree) string { return tr.busDir() }, os.ErrNotExist},
		{"controller without a bus", func(t *testing.T, tr tree) string {
			require.NoError(t, os.MkdirAll(tr.busDir(), 0o755))
			return tr.busDir()
		}, nil},
		{"bus with a strange name", func(t *testing.T, tr tree) string {
			require.NoError(t, os.MkdirAll(filepath.Join(tr.busDir(), "..03"), 0o755))
			return tr.busDir()
		}, nil},
		{"no link", func(t *testing.T, tr tree) string {
			tr.plugController(t)
			tr.plugDisk(t, "1")
			return tr.byPath("0")
		}, os.ErrNotExist},
		{"link to nothing", func(t *testing.T, tr tree) string {
			tr.plugController(t)
			require.NoError(t, os.Remove(tr.plugDisk(t, "0")))
			return tr.byPath("0")
		}, os.ErrNotExist},
		{"stale", func(t *testing.T, tr tree) string {
			tr.plugController(t)
			tr.plugDisk(t, "0")
			return tr.byPath("0")
		}, stale},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr, g := newTree(t)
			g.AcceptAnyDisk(func(string) error { return stale })
			awaited := c.setUp(t, tr)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			_, err := g.Disk(ctx, place("0", "15.0"))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, awaited)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
		})
	}
}

func TestDiskRefusesNonBlockDevice(t *testing.T) {
	tr, g := newTree(t)
	tr.plugController(t)
	tr.plugDisk(t, "0")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := g.Disk(ctx, place("0", "15.0"))
	require.ErrorIs(t, err, errNotBlock)
}

func TestDiskRefusesPlace(t *testing.T) {
	_, g := newTree(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, at := range []wire.Device{
		{},
		place("", "15.0"),
		place("0", ""),
		place("16", "15.0"),
		place("-1", "15.0"),
		place("01", "15.0"),
		place("0\n", "15.0"),
		place("1/../0", "15.0"),
		place("0", "15"),
		place("0", "15.8"),
		place("0", "15.0/../../../../etc"),
		place("0", "../15.0"),
		place("0", "1G.0"),
		place("0", "015.0"),
		place("0", "15.0\n"),
		place("0", "15.0\x00"),
	} {
		_, err := g.Disk(ctx, at)
		require.ErrorIs(t, err, linuxguest.ErrPlace, "%+v", at)
	}
}

func TestNewRefusesRelativePaths(t *testing.T) {
	for _, c := range []linuxguest.Config{
		{DevRoot: "dev"},
		{SysRoot: "sys"},
		{MountRoot: "mnt"},
		{ToolDirs: []string{"."}},
	} {
		_, err := linuxguest.New(c)
		require.Error(t, err, "%+v", c)
	}
}
