package driver_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
	"vmdkvol/driver/vmdkops"
	"vmdkvol/esxsim"
)

func TestLifecycle(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		require.NoError(t, h.driver.Create(ctx, "data", map[string]string{"size": "200mb"}))
		h.nothingLeft()

		at := h.mount("data", "a")
		require.Equal(t, root+"/data@ds1", at)
		require.Equal(t, at, h.mount("data", "b"))
		require.Equal(t, map[string]int{"data@ds1": 2}, h.references())
		require.Equal(t, 1, h.calls.count("mount"))

		v, err := h.driver.Get(ctx, "data")
		require.NoError(t, err)
		require.Equal(t, "data", v.Name)
		require.Equal(t, at, v.Mountpoint)
		_, err = time.Parse(time.RFC3339, v.Created)
		require.NoError(t, err)
		require.Equal(t, "simulated", v.Status["backend"])
		require.Equal(t, "vm1", v.Status["attached to VM"])
		require.Equal(t, "ds1", v.Status["datastore"])
		require.Equal(t, "read-write", v.Status["access"])

		h.provide("other")
		vs, err := h.driver.List(ctx)
		require.NoError(t, err)
		require.ElementsMatch(t, []driver.Volume{{Name: "data@ds1", Mountpoint: at}, {Name: "other@ds1"}}, vs)

		err = h.driver.Remove(ctx, "data")
		kind(t, driver.InUse, err)
		h.unmount("data", "a")
		_, still := h.guest.At(at)
		require.True(t, still, "the last reference is not gone")
		h.unmount("data", "b")
		path, err := h.driver.Path(ctx, "data")
		require.NoError(t, err)
		require.Empty(t, path)
		h.nothingLeft()

		require.NoError(t, h.driver.Remove(ctx, "data"))
		_, err = h.driver.Get(ctx, "data")
		kind(t, driver.NotFound, err)
		_, err = h.driver.Mount(ctx, "data", "a")
		kind(t, driver.NotFound, err)
		require.NoError(t, h.driver.Remove(ctx, "data"), "what is gone is removed")
		h.nothingLeft()
	})
}

// docker cp mounts the ID of its container a second time and unmounts it twice.
func TestOneIDTwice(t *testing.T) {
	live(t, func(h *house, _ context.Context) {
		h.provide("v")
		at := h.mount("v", "a")
		h.mount("v", "a")
		h.unmount("v", "a")
		_, mounted := h.guest.At(at)
		require.True(t, mounted, "the container still runs")
		require.Equal(t, map[string]int{"v@ds1": 1}, h.references())
		h.unmount("v", "a")
		h.nothingLeft()
	})
}

func TestForeignUnmount(t *testing.T) {
	live(t, func(h *house, _ context.Context) {
		h.provide("v")
		at := h.mount("v", "a")
		h.unmount("v", "b")
		h.unmount("v@ds2", "a")
		h.unmount("nothing", "a")
		_, mounted := h.guest.At(at)
		require.True(t, mounted)
		require.Equal(t, map[string]int{"v@ds1": 1}, h.references())
		h.unmount("v", "a")
		h.unmount("v", "a")
		h.nothingLeft()
	})
}

func TestAliases(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		names := []string{"v", "v@", "v@ds1", "v@DS1", "v@_VM_DS"}
		for i, n := range names {
			require.Equal(t, root+"/v@ds1", h.mount(n, n))
			require.Equal(t, map[string]int{"v@ds1": i + 1}, h.references())
		}
		require.Equal(t, 1, h.calls.count("attach"))
		for _, n := range names {
			path, err := h.driver.Path(ctx, n)
			require.NoError(t, err)
			require.Equal(t, root+"/v@ds1", path, n)
			kind(t, driver.InUse, h.driver.Remove(ctx, n))
		}
		for _, n := range names {
			h.unmount(n, n)
		}
		h.nothingLeft()
	})
}

// An answer that does not say which volume is meant is no reason to forget an Unmount.
func TestUnmountByAnAliasThatIsNotExplained(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		h.mount("v", "1")
		h.calls.nowhere = true
		kind(t, driver.Doubt, h.driver.Unmount(ctx, "v@_VM_DS", "1"))
		require.Equal(t, map[string]int{"v@ds1": 1}, h.references())
		h.calls.nowhere = false
		require.NoError(t, h.env.Sleep(ctx, time.Minute))
		h.nothingLeft()
	})
}

func TestRemoveByAnAliasThatIsNew(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		h.mount("v", "a")
		kind(t, driver.InUse, h.driver.Remove(ctx, "v@DS1"))
		require.NoError(t, h.driver.Remove(ctx, "v@ds2"), "there is none")
		require.Equal(t, []string{"v@ds1"}, h.disks())
		h.unmount("v", "a")
	})
}

func TestEqualNamesOnTwoDatastores(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v@ds1", "v@ds2")
		one, two := h.mount("v", "a"), h.mount("v@ds2", "a")
		require.NotEqual(t, one, two)
		require.Equal(t, map[string]int{"v@ds1": 1, "v@ds2": 1}, h.references())
		h.unmount("v", "a")
		require.Equal(t, map[string]int{"v@ds2": 1}, h.references())
		_, err := h.driver.Path(ctx, "v@ds2")
		require.NoError(t, err)
		require.NoError(t, h.driver.Remove(ctx, "v"))
		require.Equal(t, []string{"v@ds2"}, h.disks())
		h.unmount("v@ds2", "a")
		h.nothingLeft()
	})
}

func TestReadOnly(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		require.NoError(t, h.driver.Create(ctx, "v", map[string]string{"access": "read-only"}))
		for _, id := range []string{"a", "b"} { // it is so after a detach, too
			m, ok := h.guest.At(h.mount("v", id))
			require.True(t, ok && m.ReadOnly)
			h.unmount("v", id)
		}
		h.nothingLeft()
	})
}

// Metadata that does not say how a volume may be used was damaged (docs/original.md D12).
func TestNoAccessMode(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		at := h.store.Disks()[0].Volume
		require.NoError(t, h.store.WriteMeta(ctx, at, esxsim.EncodeMeta(esxsim.Meta{Status: "detached"})))
		_, err := h.driver.Mount(ctx, "v", "a")
		kind(t, driver.Doubt, err)
		require.Zero(t, h.calls.count("attach"))
		h.nothingLeft()
	})
}

func TestInUseByAnotherVM(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		require.NotContains(t, h.other("attach", "v"), "Error")
		_, err := h.driver.Mount(ctx, "v", "a")
		kind(t, driver.InUse, err)
		var e *driver.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, "vm2", e.Owner)
		require.Equal(t, "mount", e.Op)
		require.Equal(t, "v", e.Volume)

		// vSphere's own fault names nobody; the metadata does.
		h.calls.fail["once attach"] = &vmdkops.Error{Kind: vmdkops.InUse, Err: errBoom}
		_, err = h.driver.Mount(ctx, "v", "a")
		require.ErrorIs(t, err, errBoom)
		require.ErrorAs(t, err, &e)
		require.Equal(t, "vm2", e.Owner)

		err = h.driver.Remove(ctx, "v")
		kind(t, driver.InUse, err)
		require.ErrorAs(t, err, &e)
		require.Equal(t, "vm2", e.Owner)
		h.nothingLeft()
		require.Contains(t, h.other("detach", "v"), "null")
		h.mount("v", "a")
		h.unmount("v", "a")
	})
}

func TestCreateOfWhatExists(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		id := h.store.Disks()[0].ID
		require.NoError(t, h.driver.Create(ctx, "v", nil))
		require.NoError(t, h.driver.Create(ctx, "v@DS1", map[string]string{"size": "1gb"}))
		err := h.driver.Create(ctx, "v", map[string]string{"fstype": "xfs", "size": "300mb"})
		kind(t, driver.Exists, err)

		h.mount("v", "a")
		require.NoError(t, h.driver.Create(ctx, "v", nil), "in use here, with that file system")
		kind(t, driver.Exists, h.driver.Create(ctx, "v", map[string]string{"fstype": "xfs", "size": "300mb"}))
		h.unmount("v", "a")
		require.Equal(t, 1, h.media.Formats(id))
		h.nothingLeft()
	})
}

// A volume that somebody created and never formatted may be in the hands of that somebody.
func TestCreateOfWhatWasNeverFormatted(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		require.Equal(t, "null", h.other("create", "v"))
		kind(t, driver.Exists, h.driver.Create(ctx, "v", nil))
		require.Empty(t, h.media.Content(h.store.Disks()[0].ID))
		_, err := h.driver.Mount(ctx, "v", "a")
		kind(t, driver.Doubt, err)
		require.Equal(t, []string{"v@ds1"}, h.disks())
		h.nothingLeft()
	})
}

// A new disk that is not blank must not be formatted (docs/original.md: the ESX side zeroes lazily).
func TestCreateOnData(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.media.Scribble("1") // the ID of the first disk
		kind(t, driver.Doubt, h.driver.Create(ctx, "v", nil))
		require.Zero(t, h.calls.count("mkfs"))
		require.Zero(t, h.calls.count("remove"), "what is in doubt is kept")
		h.nothingLeft()
	})
}

// A disk that does not hold what its metadata says is not mounted, and surely not formatted.
func TestMountOfDamage(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		id := h.store.Disks()[0].ID
		h.media.Scribble(id)
		_, err := h.driver.Mount(ctx, "v", "a")
		kind(t, driver.Doubt, err)
		require.Equal(t, 1, h.media.Formats(id))
		h.nothingLeft()
	})
}

// TestAMountpointThatWasTamperedWith: a second Mount does not send a container to the bare directory, and does not undo
// anything of the first.
func TestAMountpointThatWasTamperedWith(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		h.provide("v")
		at := h.mount("v", "id1")
		require.NoError(t, h.guest.Unmount(ctx, at)) // an administrator's hand
		_, err := h.driver.Mount(ctx, "v", "id2")
		require.Equal(t, driver.Doubt, driver.KindOf(err), "%v", err)
		require.Equal(t, map[string]int{"v@ds1": 1}, h.references())
		h.unmount("v", "id1")
		require.Empty(t, h.guest.Plugged())
		h.mount("v", "id3")
		h.unmount("v", "id3")
	})
}

// TestAnEarlierLifeMountedItOtherwise: a mount that this life did not make is taken over only with the right access mode.
func TestAnEarlierLifeMountedItOtherwise(t *testing.T) {
	live(t, func(h *house, ctx context.Context) {
		require.NoError(t, h.driver.Create(ctx, "v", map[string]string{"access": "read-only"}))
		disk := h.plug(ctx, "v@ds1")
		require.NoError(t, h.guest.Mount(ctx, disk, root+"/v@ds1", "ext4", false))
		_, err := h.driver.Mount(ctx, "v", "id1")
		require.Equal(t, driver.Doubt, driver.KindOf(err), "%v", err)
		require.NotContains(t, h.references(), "v@ds1")
	})
}

// plug attaches a volume behind the driver's back.
func (h *house) plug(ctx context.Context, full string) string {
	at, err := h.config.Backend.Attach(ctx, full)
	require.NoError(h, err)
	disk, err := h.guest.Disk(ctx, at)
	require.NoError(h, err)
	return disk
}
