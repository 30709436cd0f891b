//go:build e2e

package e2e_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A volume in use cannot be removed: not through Docker, not by force, not through the plugin itself, and not from the
// other host; its container goes on as before.
func TestRemoveInUse(t *testing.T) {
	clean(t)
	v := newVolume(t, "busy", nil)
	c, _ := hold(t, the.hosts[0], v, "write /data/a kept")

	for _, force := range []bool{false, true} {
		text, ok := refused(removeVolume(t.Context(), the.hosts[0], v, force))
		require.True(t, ok, "force = %t: removed", force)
		require.Contains(t, text, "in use")
	}
	text, ok := refused(the.hosts[0].plugin.post("/VolumeDriver.Remove", named(v), nil))
	require.True(t, ok, "removed behind Docker's back")
	require.Regexp(t, "in use|use the volume", text)
	text, ok = refused(the.hosts[1].plugin.post("/VolumeDriver.Remove", named(v), nil))
	require.True(t, ok, "removed by the other host")
	require.Contains(t, text, the.hosts[0].name)

	_, err := c.end(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"read kept"}, run(t, the.hosts[0], v, "read /data/a"))
}

// Names that could leave their directory, mean another file or hide something are refused with a reason, and leave
// nothing on the datastore. Docker on Linux passes most of them on unchecked; those it refuses itself are sent to the
// plugin as well.
func TestBadNames(t *testing.T) {
	clean(t)
	before, err := the.traces()
	require.NoError(t, err)
	h := the.hosts[0]
	for what, name := range map[string]string{
		"empty": "", "parent": "..", "itself": ".", "path": "a/b", "way out": "../../etc", "long": strings.Repeat("v", 101),
		"snapshot": "v-000001", "no datastore": "x@nowhere", "path as datastore": "x@../ds1", "NUL": "a\x00b",
		"no UTF-8": "a\ufffdb", "line end": "a\nb", "extent": "v-flat",
	} {
		t.Run(what, func(t *testing.T) {
			text, ok := refused(h.plugin.post("/VolumeDriver.Create", named(name), nil))
			require.True(t, ok, "the plugin created %q", name)
			require.NotEmpty(t, text)
			require.NotContains(t, text, "\n")
			_, err := h.mount(name, "e2e")
			_, ok = refused(err)
			require.True(t, ok, "the plugin mounted %q: %v", name, err)
			if name == "" {
				return // Docker makes a name of its own
			}
			text, ok = refused(createVolume(t.Context(), h, name, nil))
			require.True(t, ok, "Docker created %q", name)
			require.NotEmpty(t, text)
		})
	}
	unchanged(t, before)
}

// So do options that cannot be: each error says what is wrong with which option.
func TestBadOptions(t *testing.T) {
	clean(t)
	before, err := the.traces()
	require.NoError(t, err)
	for _, c := range []struct {
		o     opts
		names string
	}{
		{opts{"size": "0mb"}, "0mb"},
		{opts{"size": "-1gb"}, "-1gb"},
		{opts{"size": "1kb"}, "1kb"},
		{opts{"size": "99999999999tb"}, "99999999999tb"},
		{opts{"colour": "red"}, "colour"},
		{opts{"fstype": "ntfs"}, "ntfs"},
		{opts{"fstype": "xfs"}, "300mb"}, // the default is smaller than its minimum
		{opts{"fstype": "xfs", "size": "299mb"}, "300mb"},
		{opts{"fstype": "btrfs", "size": "108mb"}, "109mb"},
		{opts{"access": "sometimes"}, "sometimes"},
	} {
		text, ok := refused(createVolume(t.Context(), the.hosts[0], "never", c.o))
		require.True(t, ok, "created with %v", c.o)
		require.Contains(t, text, c.names)
	}
	unchanged(t, before)
}
