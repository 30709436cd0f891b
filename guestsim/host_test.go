package guestsim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/guestsim"
)

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
