package guestsim_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/guestsim"
)

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
