package driver_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
)

func TestNames(t *testing.T) {
	tests := []struct {
		name, given string
		bad         bool
		esx         bool // only ESX can tell
	}{
		{name: "plain", given: "data"},
		{name: "one character", given: "v"},
		{name: "spaces", given: " my data "},
		{name: "Chinese", given: "数据卷"},
		{name: "100 characters", given: strings.Repeat("x", 100)},
		{name: "dots", given: "..."},
		{name: "five digits", given: "v-00001"},
		{name: "no datastore", given: "v@"},
		{name: "datastore", given: "v@ds2"},
		{name: "datastore in other case", given: "v@DS2"},
		{name: "home datastore", given: "v@_VM_DS"},
		{name: "two at signs", given: "a@b@ds1"},

		{name: "empty", given: "", bad: true},
		{name: "only a datastore", given: "@ds1", bad: true},
		{name: "dot", given: ".", bad: true},
		{name: "dot dot", given: "..", bad: true},
		{name: "dot dot on a datastore", given: "..@ds1", bad: true},
		{name: "slash", given: "a/b", bad: true},
		{name: "backslash", given: `a\b`, bad: true},
		{name: "slash in the datastore", given: "v@../x", bad: true},
		{name: "101 characters", given: strings.Repeat("x", 101), bad: true},
		{name: "101 characters of datastore", given: "v@" + strings.Repeat("x", 101), bad: true},
		{name: "100 characters of 3 bytes", given: strings.Repeat("数", 100), bad: true}, // no file name
		{name: "77 characters of 3 bytes", given: strings.Repeat("数", 77)},
		{name: "78 characters of 3 bytes", given: strings.Repeat("数", 78), bad: true}, // ESX adds to it
		{name: "snapshot", given: "v-000001", bad: true},
		{name: "snapshot on a datastore", given: "v-000001@ds1", bad: true},
		{name: "NUL", given: "a\x00b", bad: true},
		{name: "NUL in the datastore", given: "a@\x00", bad: true},
		{name: "newline", given: "a\nb", bad: true},
		{name: "U+FFFD", given: "a\uFFFDb", bad: true},
		{name: "invalid UTF-8", given: "a\xffb", bad: true},
		{name: "flat", given: "db-flat", bad: true},
		{name: "ctk", given: "db-ctk@ds1", bad: true},
		{name: "vmdk", given: "a.vmdk", bad: true},
		{name: "unknown datastore", given: "x@nowhere", bad: true, esx: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			live(t, func(h *house, ctx context.Context) {
				if !tt.bad {
					require.NoError(t, h.driver.Create(ctx, tt.given, nil))
					at := h.mount(tt.given, "id")
					require.Equal(t, root, at[:strings.LastIndex(at, "/")], "not directly below the mount root")
					path, err := h.driver.Path(ctx, tt.given)
					require.NoError(t, err)
					require.Equal(t, at, path)
					h.unmount(tt.given, "id")
					require.NoError(t, h.driver.Remove(ctx, tt.given))
					require.Empty(t, h.disks())
					h.nothingLeft()
					return
				}
				h.provide("innocent")
				_, getErr := h.driver.Get(ctx, tt.given)
				_, mountErr := h.driver.Mount(ctx, tt.given, "id")
				_, pathErr := h.driver.Path(ctx, tt.given)
				errs := map[string]error{
					"create": h.driver.Create(ctx, tt.given, nil), "remove": h.driver.Remove(ctx, tt.given),
					"mount": mountErr, "get": getErr,
				}
				if !tt.esx {
					errs["path"], errs["unmount"] = pathErr, h.driver.Unmount(ctx, tt.given, "id")
					require.Empty(t, h.calls.log, "somebody was asked")
				}
				for _, op := range []string{"create", "remove", "mount", "get", "path", "unmount"} {
					if err, made := errs[op]; made {
						kind(t, driver.BadName, err)
						require.True(t, strings.HasPrefix(err.Error(), op), "%v", err)
					}
				}
				require.Equal(t, []string{"innocent@ds1"}, h.disks())
				h.nothingLeft()
			})
		})
	}
}
