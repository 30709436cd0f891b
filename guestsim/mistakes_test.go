package guestsim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/guestsim"
)

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
