package esxsim_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
)

// TestOddMetadata: what this service has no use for stays in a sidecar, and makes nothing else unreadable.
func TestOddMetadata(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "v", "")
	const odd = `{"custom": {"a": [1]}, "status": "detached", "volOpts": {"size": 5, "access": "read-only", "note": null}, ` +
		`"created": "Tue Dec 20 19:35:28 2016", "created-by": "vm1", "attachedVMDevice": {"Unit": 3}}`
	require.NoError(t, h.store.WriteMeta(t.Context(), vol("v"), []byte(odd)))
	require.Contains(t, h.do("vm1", "get", "v", ""), `"access": "read-only"`)
	h.want(place0, "vm1", "attach", "v", "")
	h.want(null, "vm1", "detach", "v", "")
	text, err := h.store.ReadMeta(t.Context(), vol("v"))
	require.NoError(t, err)
	require.JSONEq(t, `{"custom": {"a": [1]}, "status": "detached", "volOpts": {"size": 5, "access": "read-only", "note": null}, `+
		`"created": "Tue Dec 20 19:35:28 2016", "created-by": "vm1"}`, string(text))

	// A member that is odd is as good as none, until somebody writes it.
	require.NoError(t, h.store.WriteMeta(t.Context(), vol("v"), []byte(`{"status": 5, "created-by": "vm1"}`)))
	h.want(null, "vm1", "get", "v", "")
	h.want(place0, "vm1", "attach", "v", "")
	text, err = h.store.ReadMeta(t.Context(), vol("v"))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), `"status"`), string(text))
	require.Contains(t, string(text), `"status": "attached"`)
}

// TestOldRecord: metadata from before there were instance uuids has the BIOS uuid of its owner.
func TestOldRecord(t *testing.T) {
	h := newHost(t, with(esxsim.Quirks{esxsim.OwnerByName: false}))
	h.want(null, "vm1", "create", "v", "")
	h.want(place0, "vm1", "attach", "v", "")
	old := func(name string) {
		meta, ok := h.store.Meta("ds1", "v")
		require.True(t, ok)
		meta.AttachedUUID, meta.AttachedName = "bios-1", name
		require.NoError(t, h.store.WriteMeta(t.Context(), vol("v"), esxsim.EncodeMeta(meta)))
	}
	old("what it was called")
	require.Contains(t, h.do("vm2", "get", "v", ""), `"attached to VM": "vm1"`)
	require.NoError(t, h.PowerOff(t.Context(), "vm1"))
	meta, _ := h.store.Meta("ds1", "v")
	require.Equal(t, "detached", meta.Status)
}

// TestNamelessOwner: at power-off, a record without a name belongs to whoever had the disk.
func TestNamelessOwner(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "v", "")
	h.want(place0, "vm1", "attach", "v", "")
	meta, _ := h.store.Meta("ds1", "v")
	meta.AttachedName = ""
	require.NoError(t, h.store.WriteMeta(t.Context(), vol("v"), esxsim.EncodeMeta(meta)))
	require.NoError(t, h.PowerOff(t.Context(), "vm1"))
	meta, _ = h.store.Meta("ds1", "v")
	require.Equal(t, "detached", meta.Status)
}

// TestSnapshotOfAttached: the VM has the new descriptor from then on, for detach, attach and the end of its power.
func TestSnapshotOfAttached(t *testing.T) {
	delta := esxsim.Volume{Datastore: "ds1", Vmgroup: esxsim.DefaultVmgroupUUID, Name: "v-000001"}
	snapped := func(change ...func(*esxsim.Config)) *host {
		h := newHost(t, change...)
		h.want(null, "vm1", "create", "v", "")
		h.want(place0, "vm1", "attach", "v", "")
		taken, err := h.store.TakeSnapshot(vol("v"))
		require.NoError(t, err)
		require.Equal(t, delta, taken)
		h.want(place0, "vm1", "attach", "v", "")
		require.Len(t, h.Plugged("vm1"), 1)
		return h
	}
	free := func(h *host) {
		t.Helper()
		require.Empty(t, h.Plugged("vm1"))
		_, locked := h.store.AttachedTo("ds1", delta.Name)
		require.False(t, locked)
		require.Contains(t, h.do("vm2", "get", "v", ""), `"status": "detached"`)
		h.want(place0, "vm2", "attach", "v", "")
	}
	h := snapped()
	h.want(null, "vm1", "detach", "v", "")
	free(h)

	h = snapped()
	require.NoError(t, h.PowerOff(t.Context(), "vm1"))
	free(h)

	h = snapped()
	require.NoError(t, h.Suspend(t.Context(), "vm1"))
	_, locked := h.store.AttachedTo("ds1", delta.Name)
	require.False(t, locked)
	require.NoError(t, h.Resume(t.Context(), "vm1"))
	owner, _ := h.store.AttachedTo("ds1", delta.Name)
	require.Equal(t, "vm1", owner)
	h.want(null, "vm1", "detach", "v", "")
	free(h)

	// Forced detach knows the volume by its own name, whether the snapshot is older than the attach or not.
	for _, older := range []bool{true, false} {
		forced(t, delta, older)
	}
}

func forced(t *testing.T, delta esxsim.Volume, older bool) {
	t.Helper()
	tenants := newTenants(t, with(esxsim.Quirks{esxsim.ForceDetachBroken: false}))
	tenants.want(null, "vm1", "create", "v", "")
	snap := func() {
		_, err := tenants.store.TakeSnapshot(vol("v"))
		require.NoError(t, err)
	}
	if older {
		snap()
	}
	tenants.want(place0, "vm1", "attach", "v", "")
	if !older {
		snap()
	}
	tenants.must("vmgroup rm --name _DEFAULT --force")
	tenants.want(null, "vm1", "detach", "v@ds1", "")
	require.Empty(t, tenants.Plugged("vm1"))
	_, locked := tenants.store.AttachedTo("ds1", delta.Name)
	require.False(t, locked)
}

// TestSnapshotsAreNotListed, whatever the switches say.
func TestSnapshotsAreNotListed(t *testing.T) {
	both(t, esxsim.ReservedNames, func(t *testing.T, _ bool, set func(*esxsim.Config)) {
		h := newHost(t, set)
		h.want(null, "vm1", "create", "v", "")
		_, err := h.store.TakeSnapshot(vol("v"))
		require.NoError(t, err)
		h.want(`[{"Name": "v@ds1", "Attributes": {}}]`, "vm1", "list", "", "")
	})
}

// TestLocksOfVMsAndVolumes: a volume may have the lock name that a VM's uuid is.
func TestLocksOfVMsAndVolumes(t *testing.T) {
	h := newHost(t, try)
	require.NoError(t, h.AddVM(esxsim.VM{ID: "ds1._DEFAULT.dead", Home: "ds1"}))
	h.want(null, "vm1", "create", "dead", "")
	h.want(place0, "ds1._DEFAULT.dead", "attach", "dead", "")
	require.True(t, h.Idle())

	h = newHost(t, try, with(esxsim.Quirks{esxsim.LockByName: true}))
	h.want(null, "vm2", "create", "vm2", "")
	h.want(place0, "vm2", "attach", "vm2", "")
}

// TestVersionsOfAllKinds: what the original's int() takes for 2 (docs/original.md §1.7).
func TestVersionsOfAllKinds(t *testing.T) {
	h := newHost(t)
	for version, want := range map[string]string{
		"2": "0.21", `"2"`: "0.21", `" 2 "`: "0.21", "2.0": "0.21", "2.9": "0.21", "20e-1": "0.21",
		"true": "(1)", "false": "(0)", "1.99": "(1)", "3e0": "(3)", "-2.5": "(-2)", "1e999": "OverflowError", "-1e99999999": "OverflowError", "1e-999": "(0)", "1e22": "(10000000000000000000000)",
		`"2.0"`: "ValueError", `"true"`: "ValueError", "null": "TypeError", "[2]": "TypeError", `{"2":2}`: "TypeError",
	} {
		require.Contains(t, h.raw("vm1", `{"cmd":"version","details":{},"version":`+version+`}`), want, version)
	}
}

// TestAttachAgainKeepsTheRecord: the place that the metadata has is not written anew.
func TestAttachAgainKeepsTheRecord(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "v", "")
	h.want(place0, "vm1", "attach", "v", "")
	meta, _ := h.store.Meta("ds1", "v")
	meta.Status = "detached"
	meta.Device.Unit = "5"
	require.NoError(t, h.store.WriteMeta(t.Context(), vol("v"), esxsim.EncodeMeta(meta)))
	h.want(place0, "vm1", "attach", "v", "")
	meta, _ = h.store.Meta("ds1", "v")
	require.Equal(t, "attached", meta.Status)
	require.Equal(t, "5", meta.Device.Unit)
}

// TestForeignDetach: without quirk stale-attached, a detach heals the record of its own VM, and of no other.
func TestForeignDetach(t *testing.T) {
	h := newHost(t, with(esxsim.Quirks{esxsim.StaleAttached: false}))
	h.want(null, "vm1", "create", "v", "")
	h.want(place0, "vm1", "attach", "v", "")
	h.want(null, "vm2", "detach", "v", "")
	meta, _ := h.store.Meta("ds1", "v")
	require.Equal(t, "attached", meta.Status)
}

// TestForceDetachLock: it is named after a vmgroup that nobody has.
func TestForceDetachLock(t *testing.T) {
	h := newTenants(t, try, with(esxsim.Quirks{esxsim.ForceDetachBroken: false}))
	h.want(null, "vm2", "create", "v", "")
	h.want(place0, "vm2", "attach", "v", "")
	h.must("vmgroup create --name __NoSuchTenant__ --default-datastore ds1 --vm-list vm1")
	h.must("vmgroup rm --name _DEFAULT --force")
	met := false
	h.stage.before["esx.detach.unplug"] = func() {
		met = true
		h.want(errorText("Server returned an error: no lock of the volume: held"), "vm1", "get", "v", "")
	}
	h.want(null, "vm2", "detach", "v@ds1", "")
	require.True(t, met)
}

// TestNoDefaultDatastore: a vmgroup may lack one, in a database that somebody else has written.
func TestNoDefaultDatastore(t *testing.T) {
	h := newTenants(t)
	require.NoError(t, h.db.Put(t.Context(), esxsim.Record{
		Vmgroup: esxsim.Vmgroup{UUID: "uuid-9", Name: "app"}, VMs: []esxsim.Member{{BIOSUUID: "vm2", Name: "vm2"}},
	}))
	h.want(errorText("Default datastore is not set for vmgroup app"), "vm2", "get", "v", "")
	h.want(`[]`, "vm2", "list", "", "")
}

// TestPciFunctions: a bus has eight functions.
func TestPciFunctions(t *testing.T) {
	for function, want := range map[int]string{0: "15.0", 1: "15.1", 4: "15.4", 7: "15.7"} {
		h := newHost(t)
		require.NoError(t, h.AddVM(esxsim.VM{ID: "vm9", Home: "ds1", Controllers: []esxsim.Controller{
			{Bus: 0, Kind: esxsim.PVSCSI, Slot: 160 + function<<10},
		}}))
		h.want(null, "vm9", "create", "v", "")
		require.Contains(t, h.do("vm9", "attach", "v", ""), `"ControllerPciBusNumber": "`+want+`"`)
	}
}

// TestCloneIsNew: it was created when it was made, not when its source was.
func TestCloneIsNew(t *testing.T) {
	p := newPair(t, nil)
	p.want(null, "vm1", "create", "v", "")
	*p.now = p.now.AddDate(1, 0, 0)
	p.want(null, "vm1", "create", "c", `{"clone-from":"v"}`)
	of, _ := p.store.Meta("ds1", "v")
	clone, _ := p.store.Meta("ds1", "c")
	require.Contains(t, of.Created, " 2017")
	require.Contains(t, clone.Created, " 2018")
}

// TestSuspendedVMs: the listener leaves their disks where they are; the end of their host does not.
func TestSuspendedVMs(t *testing.T) {
	h := newHost(t, with(esxsim.Quirks{esxsim.FirstSnapshotIgnored: false}))
	h.want(null, "vm1", "create", "v", "")
	h.want(place0, "vm1", "attach", "v", "")
	require.NoError(t, h.Suspend(t.Context(), "vm1"))
	h.Resubscribe(t.Context())
	require.NotContains(t, h.stage.seen, "esx.poweroff.disk(v)")
	require.NoError(t, h.Resume(t.Context(), "vm1"))
	require.Len(t, h.Plugged("vm1"), 1)

	require.NoError(t, h.Suspend(t.Context(), "vm1"))
	ran, err := h.Fail(t.Context())
	require.NoError(t, err)
	require.NotContains(t, ran, "vm1")
	require.Error(t, h.Resume(t.Context(), "vm1"), "it is off now")
	require.Empty(t, h.bus.vm["vm1"])
}
