package guestsim_test

import (
	"context"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/guestsim"
	"vmdkvol/seam"
)

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

func TestFilesystems(t *testing.T) {
	require.Equal(t, []string{"btrfs", "ext4", "xfs"}, newBed(nil).Filesystems())
	have := []string{"xfs", "ext4"}
	g := guestsim.New(guestsim.Config{Env: seam.Real(), Stage: seam.Quiet{}, Filesystems: have})
	require.Equal(t, []string{"ext4", "xfs"}, g.Filesystems())
	require.Equal(t, []string{"xfs", "ext4"}, have, "the caller's slice is not changed")
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

// TestTamper: who unmounts by hand loses nothing, and Verify tells.
func TestTamper(t *testing.T) {
	b := newBed(nil)
	require.False(t, b.Tamper(mnt))
	require.NoError(t, b.Plug(at("0"), "d1", size))
	require.NoError(t, b.Mkfs(t.Context(), dev, "ext4", ""))
	require.NoError(t, b.Mount(t.Context(), dev, mnt, "ext4", false))
	require.NoError(t, b.Write(mnt, "f", []byte("kept")))
	require.NoError(t, b.Verify(t.Context(), dev, mnt, false))
	before := b.Version()
	require.True(t, b.Tamper(mnt))
	require.NotEqual(t, before, b.Version())
	require.ErrorIs(t, b.Verify(t.Context(), dev, mnt, false), guestsim.ErrInvalid)
	kept, ok := b.media.File("d1", "f")
	require.True(t, ok)
	require.Equal(t, "kept", string(kept))
	require.NoError(t, b.Unmount(t.Context(), mnt))
}

// counting counts how often its monitors are taken.
type counting struct {
	seam.Env
	seam.Monitor
	taken int
}

func (c *counting) NewMonitor(name string) seam.Monitor {
	c.Monitor = c.Env.NewMonitor(name)
	return c
}

func (c *counting) Lock(ctx context.Context) error {
	c.taken++
	return c.Monitor.Lock(ctx)
}

// TestVersionTakesNoLock: whoever took that lock next would, to the race detector, come after all that an oracle comes after which
// looks at every step, and no data race between that task and others would be seen.
func TestVersionTakesNoLock(t *testing.T) {
	env := &counting{Env: seam.Real()}
	b := mounted(t, guestsim.NewMedia(env))
	before := env.taken
	require.Positive(t, before)
	b.Version()
	require.Equal(t, before, env.taken)
}
