package host_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/esxsim/host"
	"vmdkvol/seam"
)

// TestAdoptionKeepsTheVolume: a host that comes back finds in a VM the volume that was there, whatever has become of its
// vmgroup, and not one of the same name in the vmgroup that the VM has now; and it takes an idle one out all the same.
func TestAdoptionKeepsTheVolume(t *testing.T) {
	dir := t.TempDir()
	db := esxsim.NewMemConfig(seam.Real(), false, esxsim.SingleNode)
	start := func() *host.Host { return onLoop(t, dir, func(c *host.Config) { c.Groups = db }) }
	h := start()
	admin := func(name string, options map[string]string) {
		t.Helper()
		_, err := h.Admin(t.Context(), host.Command{Name: name, Options: options})
		require.NoError(t, err)
	}
	admin("vmgroup create", map[string]string{"name": "g", "default-datastore": "ds1", "vm-list": "vm1"})
	size := map[string]string{"size": "1mb"}
	require.Equal(t, "null", ask(t, h, "vm2", wire.Create, "a", size), "a volume of _DEFAULT")
	for _, name := range []string{"a", "idle"} {
		require.Equal(t, "null", ask(t, h, "vm1", wire.Create, name, size))
	}
	_, disk := attach(t, h, "vm1", "a")
	attach(t, h, "vm1", "idle")
	release := hold(t, disk)
	admin("vmgroup rm", map[string]string{"name": "g", "force": "true"})
	require.NoError(t, h.Close())
	require.Len(t, loopsOf(dir), 1, "the idle disk is out")

	for _, mode := range []esxsim.Mode{esxsim.SingleNode, esxsim.BrokenLink} {
		db.SetMode(mode)
		h = start()
		esx, _ := h.Service()
		plugged := esx.Plugged("vm1")
		require.Len(t, plugged, 1, mode)
		require.NotEqual(t, esxsim.DefaultVmgroupUUID, plugged[0].Disk.Vmgroup)
		again, err := guest(t, h, "vm1").Disk(t.Context(), plugged[0].At)
		require.NoError(t, err)
		require.Equal(t, disk, again)
		if mode == esxsim.SingleNode {
			require.Contains(t, ask(t, h, "vm2", wire.Get, "a", nil), `"status": "detached"`)
			_, theirs := attach(t, h, "vm2", "a")
			require.NotEqual(t, disk, theirs)
			require.Equal(t, "null", ask(t, h, "vm2", wire.Detach, "a", nil))
		}
		require.NoError(t, h.Close())
		require.Len(t, loopsOf(dir), 1, mode)
	}
	release()
	h = start()
	require.Empty(t, loopsOf(dir))
	require.Empty(t, filesIn(t, filepath.Join(h.DevRoot("vm1"), "disk/by-path")))
}

// TestDetachAtTheEnd: a disk whose vmgroup cannot be asked any more is taken out when the host ends.
func TestDetachAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	db := esxsim.NewMemConfig(seam.Real(), false, esxsim.SingleNode)
	h := onLoop(t, dir, func(c *host.Config) { c.Groups = db })
	require.Equal(t, "null", ask(t, h, "vm1", wire.Create, "v", map[string]string{"size": "1mb"}))
	attach(t, h, "vm1", "v")
	db.SetMode(esxsim.BrokenLink)
	require.NoError(t, h.Close())
	require.Empty(t, loopsOf(dir))
	db.SetMode(esxsim.SingleNode)
	h = onLoop(t, dir, func(c *host.Config) { c.Groups = db })
	require.Contains(t, ask(t, h, "vm1", wire.Get, "v", nil), `"status": "detached"`)
}
