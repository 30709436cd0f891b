package esxsim_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
)

func TestPowerOff(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "v", "")
	h.want(null, "vm1", "create", "w", "")
	h.want(place0, "vm1", "attach", "v", "")
	h.want(place1, "vm1", "attach", "w", "")

	require.NoError(t, h.PowerOff(t.Context(), "vm1"))
	require.Empty(t, h.Plugged("vm1"))
	for _, v := range []string{"v", "w"} {
		_, locked := h.store.AttachedTo("ds1", v)
		require.False(t, locked)
		meta, _ := h.store.Meta("ds1", v)
		require.Equal(t, "detached", meta.Status)
		require.Nil(t, meta.Device)
	}
	h.want(errorText("The attempted operation cannot be performed in the current state (Powered off)."), "vm1", "attach", "v", "")
	require.NoError(t, h.PowerOff(t.Context(), "vm1"))
	require.NoError(t, h.PowerOn(t.Context(), "vm1"))
	h.want(place0, "vm1", "attach", "v", "")

	require.NoError(t, h.RemoveVM(t.Context(), "vm1"))
	h.want(errorText("VM vm1 is not on this host"), "vm1", "attach", "v", "")
	require.NoError(t, h.AddVM(esxsim.VM{ID: "vm1", Home: "ds1"}))
	h.want(place0, "vm1", "attach", "v", "")
}

// TestLateListener: the listener clears metadata only if it still names the VM that went.
func TestLateListener(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "v", "")
	h.want(place0, "vm1", "attach", "v", "")
	h.stage.before["esx.poweroff.meta"] = func() { h.want(place0, "vm2", "attach", "v", "") }
	require.NoError(t, h.PowerOff(t.Context(), "vm1"))
	meta, _ := h.store.Meta("ds1", "v")
	require.Equal(t, "vm2", meta.AttachedName)

	// Two VMs with one display name: the name is not enough (quirk owner-by-name).
	for _, byName := range []bool{true, false} {
		h := newHost(t, func(c *esxsim.Config) { c.Quirks = esxsim.Quirks{esxsim.OwnerByName: byName} })
		require.NoError(t, h.AddVM(esxsim.VM{ID: "twin", Name: "vm1", Home: "ds1"}))
		h.want(null, "vm1", "create", "v", "")
		h.want(place0, "vm1", "attach", "v", "")
		h.stage.before["esx.poweroff.meta"] = func() { h.want(place0, "twin", "attach", "v", "") }
		require.NoError(t, h.PowerOff(t.Context(), "vm1"))
		meta, _ := h.store.Meta("ds1", "v")
		require.Equal(t, byName, meta.Status == "detached")
	}
}

// TestPowerOffDuringAttach: whatever the moment, the disk is nowhere afterwards and its file lock is free.
func TestPowerOffDuringAttach(t *testing.T) {
	for _, point := range []string{"esx.attach.plug", "esx.attach.meta"} {
		h := newHost(t)
		h.want(null, "vm1", "create", "v", "")
		h.stage.before[point] = func() { require.NoError(t, h.PowerOff(t.Context(), "vm1")) }
		h.do("vm1", "attach", "v", "")
		require.Empty(t, h.Plugged("vm1"), point)
		_, locked := h.store.AttachedTo("ds1", "v")
		require.False(t, locked, point)
		require.NoError(t, h.PowerOn(t.Context(), "vm1"))
		h.want(place0, "vm1", "attach", "v", "")
	}
}

// TestPowerOffDuringReconfigure: the power goes while the hardware is working.
func TestPowerOffDuringReconfigure(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "v", "")
	off := errorText("The attempted operation cannot be performed in the current state (Powered off).")
	nowhere := func() {
		t.Helper()
		require.Empty(t, h.Plugged("vm1"))
		require.Empty(t, h.bus.where)
		_, locked := h.store.AttachedTo("ds1", "v")
		require.False(t, locked)
		require.NoError(t, h.PowerOn(t.Context(), "vm1"))
	}
	h.bus.during = func() { require.NoError(t, h.PowerOff(t.Context(), "vm1")) }
	h.want(off, "vm1", "attach", "v", "")
	nowhere()

	h.want(place0, "vm1", "attach", "v", "")
	h.bus.during = func() { require.NoError(t, h.PowerOff(t.Context(), "vm1")) }
	h.want(null, "vm1", "detach", "v", "")
	nowhere()

	h.want(place0, "vm1", "attach", "v", "")
	h.bus.during = func() { // the guest resists, then the power goes
		h.bus.refuse = errors.New("pinned")
		require.NoError(t, h.PowerOff(t.Context(), "vm1"))
	}
	h.want(errorText("Failed to detach "+path+": The attempted operation cannot be performed in the current state (Powered off)."),
		"vm1", "detach", "v", "")
	h.bus.refuse, h.bus.where = nil, nil // the guest is gone
	nowhere()
}

// TestRemoved: a VM that is gone when its command arrives is not found.
func TestRemoved(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "v", "")
	require.NoError(t, h.RemoveVM(t.Context(), "vm1"))
	h.want(errorText("VM vm1 is not on this host"), "vm1", "attach", "v", "")
}

func TestTwoHostsShareAStore(t *testing.T) {
	h := newHost(t)
	other := newHost(t, func(c *esxsim.Config) { c.Store = h.store })
	for _, id := range []string{"vm1", "vm2", "vm3"} {
		require.NoError(t, other.RemoveVM(t.Context(), id))
	}
	require.NoError(t, other.AddVM(esxsim.VM{ID: "vm4", Home: "ds1"}))
	h.want(null, "vm1", "create", "v", "")
	h.want(place0, "vm1", "attach", "v", "")
	other.want(errorText("Failed to lock the file disk "+path+" already attached to VM=vm1"), "vm4", "attach", "v", "")
	h.want(null, "vm1", "detach", "v", "")
	other.want(place0, "vm4", "attach", "v", "")
	require.Contains(t, h.do("vm1", "get", "v", ""), `"attached to VM": "vm4"`)
}
