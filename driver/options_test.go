package driver_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
)

func TestOptions(t *testing.T) {
	const mib = 1 << 20
	tests := []struct {
		name   string
		opts   map[string]string
		fstype string // of the file system made; "" means that it is refused
		size   int64
		says   string
		esx    bool // only ESX can tell
	}{
		{name: "none", fstype: "ext4", size: 100 * mib},
		{name: "ext4", opts: map[string]string{"fstype": "ext4", "size": "1gb"}, fstype: "ext4", size: 1024 * mib},
		{name: "upper case", opts: map[string]string{"size": "200MB"}, fstype: "ext4", size: 200 * mib},
		{name: "smallest xfs", opts: map[string]string{"fstype": "xfs", "size": "300mb"}, fstype: "xfs", size: 300 * mib},
		{name: "smallest btrfs", opts: map[string]string{"fstype": "btrfs", "size": "109mb"}, fstype: "btrfs", size: 109 * mib},
		{name: "xfs too small", opts: map[string]string{"fstype": "xfs", "size": "299mb"}, says: "300mb"},
		{name: "btrfs too small", opts: map[string]string{"fstype": "btrfs", "size": "108mb"}, says: "109mb"},
		{name: "xfs of default size", opts: map[string]string{"fstype": "xfs"}, says: "300mb"},
		{name: "zero", opts: map[string]string{"size": "0mb"}, says: "0mb"},
		{name: "negative", opts: map[string]string{"size": "-1gb"}, says: "-1gb"},
		{name: "kilobytes", opts: map[string]string{"size": "1kb"}, says: "1kb"},
		{name: "no unit", opts: map[string]string{"size": "100"}, says: "100"},
		{name: "empty size", opts: map[string]string{"size": ""}, says: "size"},
		{name: "fraction", opts: map[string]string{"size": "1.5gb"}, says: "1.5gb"},
		{name: "huge", opts: map[string]string{"size": "99999999999tb"}, says: "99999999999tb"},
		{name: "beyond 64 bits", opts: map[string]string{"size": "99999999999999999999mb"}, says: "larger"},
		{name: "unknown file system", opts: map[string]string{"fstype": "ntfs"}, says: "btrfs, ext4, xfs"},
		{name: "no file system", opts: map[string]string{"fstype": ""}, says: "btrfs, ext4, xfs"},
		{name: "clone", opts: map[string]string{"clone-from": "innocent"}, says: "clone-from"},
		{name: "unknown option", opts: map[string]string{"colour": "red"}, says: "colour", esx: true},
		{name: "unknown access", opts: map[string]string{"access": "write-only"}, says: "write-only", esx: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			live(t, func(h *house, ctx context.Context) {
				h.provide("innocent")
				err := h.driver.Create(ctx, "v", tt.opts)
				if tt.fstype != "" {
					require.NoError(t, err)
					d := h.store.Disks()[1]
					require.Equal(t, tt.fstype, h.media.Content(d.ID))
					require.Equal(t, tt.size, d.Size)
					v, err := h.driver.Get(ctx, "v")
					require.NoError(t, err)
					require.Equal(t, tt.fstype, v.Status["fstype"])
					h.nothingLeft()
					return
				}
				kind(t, driver.BadOption, err)
				require.ErrorContains(t, err, tt.says)
				if !tt.esx {
					require.Empty(t, h.calls.log, "somebody was asked")
				}
				require.Equal(t, []string{"innocent@ds1"}, h.disks())
				h.nothingLeft()
			})
		})
	}
}

// The options of the caller are his.
func TestOptionsAreNotChanged(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		opts := map[string]string{"size": "200mb"}
		require.NoError(t, h.driver.Create(ctx, "v", opts))
		require.Equal(t, map[string]string{"size": "200mb"}, opts)
	})
}
