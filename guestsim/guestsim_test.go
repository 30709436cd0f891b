package guestsim_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/guestsim"
	"vmdkvol/seam"
)

const (
	size = 100 << 20
	mnt  = "/mnt/data@ds1"
	dev  = "/dev/sd-15.0-0"
)

func at(unit string) wire.Device {
	return wire.Device{Unit: unit, ControllerPciSlotNumber: "160", ControllerPciBusNumber: "15.0"}
}

// bed is a guest with a script and a list of its violations, on media without locks.
type bed struct {
	*guestsim.Guest
	stage  *stage
	media  *guestsim.Media
	broken []string
}

func newBed(media *guestsim.Media) *bed {
	if media == nil {
		media = guestsim.NewMedia(nil)
	}
	b := &bed{stage: &stage{hooks: map[string]func(){}, faults: map[string]string{}}, media: media}
	b.Guest = guestsim.New(guestsim.Config{
		Env: seam.Real(), Stage: b.stage, Media: media,
		Violation: func(oracle, _ string) { b.broken = append(b.broken, oracle) },
	})
	return b
}

// mounted is a bed with disk d1, formatted, plugged into unit 0 and mounted.
func mounted(t *testing.T, media *guestsim.Media) *bed {
	b := newBed(media)
	require.NoError(t, b.Plug(at("0"), "d1", size))
	require.NoError(t, b.Mkfs(t.Context(), dev, "ext4", "data"))
	require.NoError(t, b.Mount(t.Context(), dev, mnt, "ext4", false))
	b.stage.seen = nil
	return b
}

func TestLifeOfAVolume(t *testing.T) {
	ctx := t.Context()
	b := newBed(nil)
	require.NoError(t, b.Plug(at("0"), "d1", size))
	require.Equal(t, []guestsim.Disk{{At: at("0"), DiskID: "d1", Disk: dev, Size: size}}, b.Plugged())
	disk, err := b.Disk(ctx, at("0"))
	require.NoError(t, err)
	require.Equal(t, dev, disk)

	content, err := b.Probe(ctx, disk)
	require.NoError(t, err)
	require.Empty(t, content)
	require.NoError(t, b.Mkfs(ctx, disk, "ext4", "data"))
	content, err = b.Probe(ctx, disk)
	require.NoError(t, err)
	require.Equal(t, "ext4", content)
	require.Equal(t, "data", b.media.Label("d1"))

	require.NoError(t, b.Mount(ctx, disk, mnt, "ext4", false))
	got, err := b.Mounted(ctx, mnt)
	require.NoError(t, err)
	require.Equal(t, disk, got)
	entry := guestsim.Mount{Mountpoint: mnt, DiskID: "d1", Disk: disk, FSType: "ext4"}
	require.Equal(t, []guestsim.Mount{entry}, b.Mounts())
	seen, ok := b.At(mnt)
	require.True(t, ok)
	require.Equal(t, entry, seen)
	require.NoError(t, b.Write(mnt, "f", []byte("hello")))

	require.ErrorIs(t, b.Release(ctx, disk), guestsim.ErrBusy)
	require.NoError(t, b.Unmount(ctx, mnt))
	require.NoError(t, b.Unmount(ctx, mnt), "not mounted is success")
	require.NoError(t, b.Release(ctx, disk))
	require.NoError(t, b.Unplug(at("0")))
	require.Empty(t, b.Plugged())
	require.Empty(t, b.Mounts())
	require.Empty(t, b.broken)
	require.Equal(t, []string{
		"guest.probe " + dev, "guest.mkfs " + dev, "guest.mkfs.end " + dev, "guest.probe " + dev,
		"guest.mount data@ds1", "guest.release " + dev, "guest.unmount data@ds1", "guest.unmount data@ds1",
		"guest.release " + dev,
	}, b.stage.seen)

	// The contents move with the disk: another guest, another slot.
	other := newBed(b.media)
	require.NoError(t, other.Plug(at("3"), "d1", size))
	require.NoError(t, other.Mount(ctx, "/dev/sd-15.0-3", mnt, "ext4", true))
	data, err := other.Read(mnt, "f")
	require.NoError(t, err)
	require.Equal(t, "hello", string(data))
	require.ErrorIs(t, other.Write(mnt, "f", nil), guestsim.ErrReadOnly)
	_, err = other.Read(mnt, "g")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestBareDirectory(t *testing.T) {
	b := newBed(nil)
	require.NoError(t, b.Write(mnt, "f", []byte("lost")))
	require.Equal(t, 1, b.Bare(mnt))
	require.NoError(t, b.Plug(at("0"), "d1", size))
	require.NoError(t, b.Mkfs(t.Context(), dev, "ext4", ""))
	require.NoError(t, b.Mount(t.Context(), dev, mnt, "ext4", false))
	_, err := b.Read(mnt, "f")
	require.ErrorIs(t, err, fs.ErrNotExist, "the mount hides the directory below")
	require.NoError(t, b.Write(mnt, "f", []byte("kept")))
	require.NoError(t, b.Unmount(t.Context(), mnt))
	data, err := b.Read(mnt, "f")
	require.NoError(t, err)
	require.Equal(t, "lost", string(data))
	kept, ok := b.media.File("d1", "f")
	require.True(t, ok)
	require.Equal(t, "kept", string(kept))
}

func TestFaults(t *testing.T) {
	ctx := t.Context()
	for _, tc := range []struct {
		point, fault string
		do           func(b *bed) error
		want         error
		content      string // of the disk, afterwards
		mounts       int
	}{
		{"guest.probe", "fail", func(b *bed) error { _, err := b.Probe(ctx, dev); return err }, guestsim.ErrIO, "", 0},
		{"guest.mkfs", "fail", func(b *bed) error { return b.Mkfs(ctx, dev, "ext4", "") }, guestsim.ErrIO, "", 0},
		{"guest.mkfs", "torn", func(b *bed) error { return b.Mkfs(ctx, dev, "ext4", "") }, guestsim.ErrIO, guestsim.Torn, 0},
		{"guest.mount", "fail", func(b *bed) error {
			if err := b.Mkfs(ctx, dev, "ext4", ""); err != nil {
				return err
			}
			return b.Mount(ctx, dev, mnt, "ext4", false)
		}, guestsim.ErrIO, "ext4", 0},
		{"guest.unmount", "fail", func(b *bed) error {
			if err := errors.Join(b.Mkfs(ctx, dev, "ext4", ""), b.Mount(ctx, dev, mnt, "ext4", false)); err != nil {
				return err
			}
			return b.Unmount(ctx, mnt)
		}, guestsim.ErrBusy, "ext4", 1},
		{"guest.release", "busy", func(b *bed) error { return b.Release(ctx, dev) }, guestsim.ErrBusy, "", 0},
	} {
		t.Run(tc.point+" "+tc.fault, func(t *testing.T) {
			b := newBed(nil)
			require.NoError(t, b.Plug(at("0"), "d1", size))
			b.stage.faults[tc.point] = tc.fault
			require.ErrorIs(t, tc.do(b), tc.want)
			require.Empty(t, b.stage.faults, "the fault was asked for")
			require.Equal(t, tc.content, b.media.Content("d1"))
			require.Len(t, b.Mounts(), tc.mounts)
			require.Empty(t, b.broken)
		})
	}
}

// TestMistakes: what a correct driver never does is reported, and refused only if Linux refuses it.
func TestMistakes(t *testing.T) {
	ctx := t.Context()
	second := func(t *testing.T, b *bed) { // a second formatted disk in unit 1
		require.NoError(t, b.Plug(at("1"), "d2", size))
		require.NoError(t, b.Mkfs(ctx, "/dev/sd-15.0-1", "ext4", ""))
	}
	for name, tc := range map[string]struct {
		do     func(t *testing.T, b *bed) error
		want   error
		broken []string
	}{
		"mkfs on data": {func(t *testing.T, b *bed) error {
			require.NoError(t, b.Unmount(ctx, mnt))
			return b.Mkfs(ctx, dev, "xfs", "")
		}, nil, []string{guestsim.OracleMkfsOnData}},
		"mkfs on mounted": {func(_ *testing.T, b *bed) error {
			return b.Mkfs(ctx, dev, "ext4", "")
		}, guestsim.ErrBusy, []string{guestsim.OracleMkfsOnMounted}},
		"unplug while mounted": {func(_ *testing.T, b *bed) error {
			return b.Unplug(at("0"))
		}, nil, []string{guestsim.OracleSurpriseRemoval}},
		"mount over itself": {func(_ *testing.T, b *bed) error {
			return b.Mount(ctx, dev, mnt, "ext4", false)
		}, guestsim.ErrBusy, []string{guestsim.OracleMountOverMount}},
		"mount over another": {func(t *testing.T, b *bed) error {
			second(t, b)
			return b.Mount(ctx, "/dev/sd-15.0-1", mnt, "ext4", false)
		}, nil, []string{guestsim.OracleMountOverMount}},
		"two access modes": {func(_ *testing.T, b *bed) error {
			return b.Mount(ctx, dev, "/mnt/other", "ext4", true)
		}, guestsim.ErrBusy, []string{guestsim.OracleModes}},
		"twice, same mode": {func(_ *testing.T, b *bed) error {
			return b.Mount(ctx, dev, "/mnt/other", "ext4", false)
		}, nil, nil},
		"two guests": {func(t *testing.T, b *bed) error {
			other := newBed(b.media)
			require.NoError(t, other.Plug(at("0"), "d1", size))
			err := other.Mount(ctx, dev, mnt, "ext4", true)
			b.broken = append(b.broken, other.broken...)
			return err
		}, nil, []string{guestsim.OracleTwoOwners, guestsim.OracleTwoGuests}},
		"wrong file system": {func(t *testing.T, b *bed) error {
			require.NoError(t, b.Unmount(ctx, mnt))
			return b.Mount(ctx, dev, mnt, "xfs", false)
		}, guestsim.ErrInvalid, nil},
		"blank disk": {func(t *testing.T, b *bed) error {
			require.NoError(t, b.Plug(at("1"), "d2", size))
			return b.Mount(ctx, "/dev/sd-15.0-1", "/mnt/d2", "", false)
		}, guestsim.ErrInvalid, nil},
		"no disk":            {func(_ *testing.T, b *bed) error { return b.Mount(ctx, "/dev/x", "/mnt/x", "ext4", false) }, guestsim.ErrNoDisk, nil},
		"unknown mkfs":       {func(_ *testing.T, b *bed) error { return b.Mkfs(ctx, dev, "zfs", "") }, guestsim.ErrInvalid, nil},
		"long xfs label":     {func(_ *testing.T, b *bed) error { return b.Mkfs(ctx, dev, "xfs", "thirteen-char") }, guestsim.ErrInvalid, nil},
		"slot in use":        {func(_ *testing.T, b *bed) error { return b.Plug(at("0"), "d2", size) }, guestsim.ErrBusy, nil},
		"unplug no disk":     {func(_ *testing.T, b *bed) error { return b.Unplug(at("1")) }, guestsim.ErrNoDisk, nil},
		"release no disk":    {func(_ *testing.T, b *bed) error { return b.Release(ctx, "/dev/x") }, guestsim.ErrNoDisk, nil},
		"probe no disk":      {func(_ *testing.T, b *bed) error { _, err := b.Probe(ctx, "/dev/x"); return err }, guestsim.ErrNoDisk, nil},
		"release if mounted": {func(_ *testing.T, b *bed) error { return b.Release(ctx, dev) }, guestsim.ErrBusy, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := mounted(t, nil)
			err := tc.do(t, b)
			if tc.want == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, tc.want)
			}
			require.Equal(t, tc.broken, b.broken)
		})
	}
}

func TestTwoGuestsMayRead(t *testing.T) {
	b := mounted(t, nil)
	require.NoError(t, b.Unmount(t.Context(), mnt))
	require.NoError(t, b.Unplug(at("0")))
	for i := range 2 {
		g := newBed(b.media)
		require.NoError(t, g.Plug(at("0"), "d1", size))
		require.NoError(t, g.Mount(t.Context(), dev, mnt, "ext4", true))
		if i == 0 {
			require.Empty(t, g.broken)
			continue
		}
		require.Equal(t, []string{guestsim.OracleTwoOwners}, g.broken, "that it is in both is another mistake")
	}
}

func TestOneDiskInTwoSlots(t *testing.T) {
	b := mounted(t, nil)
	require.NoError(t, b.Plug(at("1"), "d1", size))
	require.Equal(t, []string{guestsim.OracleTwoOwners}, b.broken)
}

// What was written is read by all containers of the guest at once, and on the disk after a sync or the last unmount.
func TestUnsyncedWritesAreLostWithThePower(t *testing.T) {
	ctx := t.Context()
	kept := func(do func(b *bed)) string {
		b := mounted(t, nil)
		require.NoError(t, b.Write(mnt, "f", []byte("old")))
		require.NoError(t, b.Sync(mnt))
		require.NoError(t, b.Write(mnt, "f", []byte("new")))
		seen, err := b.Read(mnt, "f")
		require.NoError(t, err)
		require.Equal(t, "new", string(seen))
		do(b)
		data, ok := b.media.File("d1", "f")
		require.True(t, ok)
		return string(data)
	}
	require.Equal(t, "old", kept(func(*bed) {}))
	require.Equal(t, "old", kept((*bed).PowerOff))
	require.Equal(t, "old", kept(func(b *bed) { require.NoError(t, b.Unplug(at("0"))) }), "a surprise removal")
	require.Equal(t, "new", kept(func(b *bed) { require.NoError(t, b.Sync(mnt)); b.PowerOff() }))
	require.Equal(t, "new", kept(func(b *bed) { require.NoError(t, b.Unmount(ctx, mnt)); b.PowerOff() }))
	require.Equal(t, "old", kept(func(b *bed) {
		require.NoError(t, b.Mount(ctx, dev, "/mnt/other", "ext4", false))
		require.NoError(t, b.Unmount(ctx, mnt))
	}), "it is mounted still")

	b := mounted(t, nil)
	require.NoError(t, b.Sync("/mnt/bare"))
	require.NoError(t, b.Unplug(at("0")))
	require.ErrorIs(t, b.Sync(mnt), guestsim.ErrIO)
}

func TestSurpriseRemoval(t *testing.T) {
	ctx := t.Context()
	b := mounted(t, nil)
	require.NoError(t, b.Write(mnt, "f", []byte("x")))
	require.NoError(t, b.Unplug(at("0")))
	require.NoError(t, b.Plug(at("0"), "d2", size)) // another disk with the same path
	_, err := b.Read(mnt, "f")
	require.ErrorIs(t, err, guestsim.ErrIO)
	require.ErrorIs(t, b.Write(mnt, "f", nil), guestsim.ErrIO)
	require.True(t, b.Mounts()[0].Removed)
	require.NoError(t, b.Release(ctx, dev), "the new disk is not mounted")
	require.NoError(t, b.Unplug(at("0")))
	require.Equal(t, []string{guestsim.OracleSurpriseRemoval}, b.broken, "reported once")
	require.NoError(t, b.Unmount(ctx, mnt))

	// The disk is free for others.
	other := newBed(b.media)
	require.NoError(t, other.Plug(at("0"), "d1", size))
	require.NoError(t, other.Mount(ctx, dev, mnt, "ext4", true))
	require.Empty(t, other.broken)
}

// TestMkfsIsNotAtomic: between its two steps the disk is neither blank nor a file system.
func TestMkfsIsNotAtomic(t *testing.T) {
	ctx := t.Context()
	for name, tc := range map[string]struct {
		meanwhile func(t *testing.T, b *bed)
		want      error
		panics    bool
		content   string
		broken    []string
	}{
		"nothing happens": {func(t *testing.T, b *bed) {
			require.Equal(t, guestsim.Torn, b.media.Content("d1"))
			require.ErrorIs(t, b.Mount(ctx, dev, mnt, "ext4", false), guestsim.ErrInvalid)
		}, nil, false, "ext4", nil},
		"crash":  {func(*testing.T, *bed) { panic("crashed") }, nil, true, guestsim.Torn, nil},
		"unplug": {func(t *testing.T, b *bed) { require.NoError(t, b.Unplug(at("0"))) }, guestsim.ErrIO, false, guestsim.Torn, []string{guestsim.OracleSurpriseRemoval}},
		"replaced": {func(t *testing.T, b *bed) {
			require.NoError(t, b.Unplug(at("0")))
			require.NoError(t, b.Plug(at("0"), "d2", size))
		}, guestsim.ErrIO, false, guestsim.Torn, []string{guestsim.OracleSurpriseRemoval}},
		"second mkfs": {func(t *testing.T, b *bed) {
			require.NoError(t, b.Mkfs(ctx, dev, "xfs", ""))
		}, nil, false, "ext4", []string{guestsim.OracleMkfsOnData}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBed(nil)
			require.NoError(t, b.Plug(at("0"), "d1", size))
			b.stage.hooks["guest.mkfs.end"] = func() { tc.meanwhile(t, b) }
			mkfs := func() error { return b.Mkfs(ctx, dev, "ext4", "") }
			if tc.panics {
				require.PanicsWithValue(t, "crashed", func() { _ = mkfs() })
			} else if tc.want != nil {
				require.ErrorIs(t, mkfs(), tc.want)
			} else {
				require.NoError(t, mkfs())
			}
			require.Equal(t, tc.content, b.media.Content("d1"))
			require.Equal(t, tc.broken, b.broken)
			require.Empty(t, b.media.Content("d2"))
			if len(b.Plugged()) > 0 {
				require.NoError(t, b.Unplug(at("0")))
				require.Equal(t, tc.broken, b.broken, "no mkfs runs any more")
			}
		})
	}
}

func TestPowerOff(t *testing.T) {
	b := mounted(t, nil)
	b.PowerOff()
	require.Empty(t, b.Mounts())
	require.Len(t, b.Plugged(), 1)
	require.NoError(t, b.Unplug(at("0")))
	require.Empty(t, b.broken)
	other := mounted2(t, b.media)
	require.Empty(t, other.broken, "the disk is mounted nowhere else")
}

// mounted2 mounts d1, which is formatted, in a new guest.
func mounted2(t *testing.T, media *guestsim.Media) *bed {
	b := newBed(media)
	require.NoError(t, b.Plug(at("0"), "d1", size))
	require.NoError(t, b.Mount(t.Context(), dev, mnt, "ext4", false))
	return b
}

func TestVersionFollowsChanges(t *testing.T) {
	b := mounted(t, nil)
	v := b.Version()
	_, _ = b.Mounted(t.Context(), mnt)
	b.Mounts()
	require.Equal(t, v, b.Version())
	require.NoError(t, b.Unmount(t.Context(), mnt))
	require.NotEqual(t, v, b.Version())
	v = b.Version()
	require.NoError(t, b.Unplug(at("0")))
	require.NotEqual(t, v, b.Version())
}

func TestCopyAndScribble(t *testing.T) {
	b := mounted(t, nil)
	require.NoError(t, b.Write(mnt, "f", []byte("1")))
	require.NoError(t, b.Sync(mnt))
	b.media.Copy("d1", "clone")
	require.NoError(t, b.Write(mnt, "f", []byte("2")))
	data, _ := b.media.File("clone", "f")
	require.Equal(t, "1", string(data), "the clone is independent")
	require.Equal(t, "ext4", b.media.Content("clone"))
	require.Equal(t, 1, b.media.Formats("d1"))
	b.media.Scribble("clone")
	require.Equal(t, guestsim.Torn, b.media.Content("clone"))
}

func TestFilesystems(t *testing.T) {
	require.Equal(t, []string{"btrfs", "ext4", "xfs"}, newBed(nil).Filesystems())
	have := []string{"xfs", "ext4"}
	g := guestsim.New(guestsim.Config{Env: seam.Real(), Stage: seam.Quiet{}, Filesystems: have})
	require.Equal(t, []string{"ext4", "xfs"}, g.Filesystems())
	require.Equal(t, []string{"xfs", "ext4"}, have, "the caller's slice is not changed")
}

// signal is a real Env that tells when a task waits in a monitor.
type signal struct {
	seam.Env
	waits chan struct{}
}

func (e signal) NewMonitor(name string) seam.Monitor {
	return &signalMonitor{e.Env.NewMonitor(name), e.waits}
}

type signalMonitor struct {
	seam.Monitor
	waits chan struct{}
}

func (m *signalMonitor) Wait(ctx context.Context) error {
	m.waits <- struct{}{}
	return m.Monitor.Wait(ctx)
}

func TestDiskWaits(t *testing.T) {
	env := signal{seam.Real(), make(chan struct{})}
	s := &stage{faults: map[string]string{}}
	g := guestsim.New(guestsim.Config{Env: env, Stage: s})
	type found struct {
		disk string
		err  error
	}
	wait := func(ctx context.Context, unit string) <-chan found {
		c := make(chan found, 1)
		go func() {
			disk, err := g.Disk(ctx, at(unit))
			c <- found{disk, err}
		}()
		<-env.waits
		return c
	}
	why := errors.New("gave up")
	ctx, cancel := context.WithCancelCause(t.Context())
	first, second := wait(ctx, "1"), wait(t.Context(), "0")
	cancel(why)
	require.ErrorIs(t, (<-first).err, why)

	s.faults["guest.plug"] = "lost"
	require.NoError(t, g.Plug(at("0"), "d1", size))
	require.Empty(t, second, "the guest did not notice")
	_, err := g.Probe(t.Context(), dev)
	require.ErrorIs(t, err, guestsim.ErrNoDisk)
	require.Len(t, g.Plugged(), 1, "but the host sees the disk there")
	require.NoError(t, g.Unplug(at("0")))

	require.NoError(t, g.Plug(at("0"), "d1", size))
	require.Equal(t, found{disk: dev}, <-second)
}

func TestManyTasks(t *testing.T) {
	media := guestsim.NewMedia(seam.Real())
	var broken []string
	var mu sync.Mutex
	var group sync.WaitGroup
	for vm := range 2 {
		g := guestsim.New(guestsim.Config{Env: seam.Real(), Stage: seam.Quiet{}, Media: media, Violation: func(o, d string) {
			mu.Lock()
			defer mu.Unlock()
			broken = append(broken, o+": "+d)
		}})
		for unit := range 4 {
			place, id := at(fmt.Sprint(unit)), fmt.Sprintf("vm%d-d%d", vm, unit)
			mountpoint := "/mnt/" + id
			group.Go(func() { // the ESX host and the driver, meeting in Disk
				for i := range 50 {
					plugged := make(chan error, 1)
					go func() { plugged <- g.Plug(place, id, size) }()
					disk, err := g.Disk(t.Context(), place)
					if i == 0 && err == nil {
						err = g.Mkfs(t.Context(), disk, "ext4", "")
					}
					err = errors.Join(err, <-plugged,
						g.Mount(t.Context(), disk, mountpoint, "ext4", false),
						g.Write(mountpoint, "f", []byte(id)),
						g.Unmount(t.Context(), mountpoint),
						g.Release(t.Context(), disk),
						g.Unplug(place),
					)
					g.Mounts()
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	group.Wait()
	require.Empty(t, broken)
}

func BenchmarkVolume(b *testing.B) {
	ctx := b.Context()
	place := at("0")
	env := seam.Real()
	b.ReportAllocs()
	for b.Loop() {
		media := guestsim.NewMedia(nil)
		g := guestsim.New(guestsim.Config{Env: env, Stage: seam.Quiet{}, Media: media})
		_ = g.Plug(place, "d1", size)
		disk, _ := g.Disk(ctx, place)
		_ = g.Mkfs(ctx, disk, "ext4", "data")
		_ = g.Mount(ctx, disk, mnt, "ext4", false)
		_ = g.Unmount(ctx, mnt)
		_ = g.Release(ctx, disk)
		if err := g.Unplug(place); err != nil {
			b.Fatal(err)
		}
	}
}
