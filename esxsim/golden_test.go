package esxsim_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
)

func TestPolicies(t *testing.T) {
	h := newHost(t, func(c *esxsim.Config) { c.VSAN = map[string][]string{"DS2": {"gold", "blue's"}, "ds3": {}} })
	for _, c := range []struct{ name, opts, want string }{
		{"v", `{"vsan-policy-name":"gold"}`, errorText("Cannot use a VSAN policy on a non-VSAN datastore")},
		{"v@DS2", `{"vsan-policy-name":"tin"}`, errorText(`Policy tin does not exist. Available policies are: [\"blue's\", 'gold']`)},
		{"v@ds3", `{"vsan-policy-name":"gold"}`, errorText("Policy gold does not exist.")},
		{"v@DS2", `{"vsan-policy-name":"tin","size":"x"}`, errorText(`Invalid format for size. \nValid sizes must be of form X[mMgGtT]b where X is an integer. Default = 100mb`)},
	} {
		h.want(c.want, "vm1", "create", c.name, c.opts)
	}
	require.Empty(t, h.store.Disks())
	h.want(null, "vm1", "create", "v@ds2", `{"vsan-policy-name":"gold"}`)
	require.Contains(t, h.do("vm1", "get", "v@DS2", ""), `"vsan-policy-name": "gold", "diskformat": "thin"`)

	h.stage.faults["esx.create.policy"] = "fail"
	h.want(errorText("Failed to create volume w: "+general), "vm1", "create", "w@DS2", `{"vsan-policy-name":"gold"}`)
	h.want(errorText("Failed to create volume w: "+general), "vm1", "create", "w@DS2", `{"vsan-policy-name":"gold","clone-from":"v"}`)
	require.Len(t, h.store.Disks(), 1)
	_, ok := h.store.Meta("DS2", "w")
	require.False(t, ok)

	cfg := esxsim.Config{Env: clock{}, Store: h.store, Bus: h.bus, VSAN: map[string][]string{"ds9": nil}}
	_, err := esxsim.New(cfg)
	require.ErrorContains(t, err, `unknown vSAN datastore "ds9"`)
}

// TestUndoFails: the roll-back of create has a mistake in its error text.
func TestUndoFails(t *testing.T) {
	h := newHost(t)
	h.stage.faults["esx.create.meta"], h.stage.faults["esx.create.undo"] = "fail", "fail"
	h.want(errorText("Server returned an error: TypeError('not all arguments converted during string formatting')"), "vm1", "create", "v", "")
	require.Len(t, h.store.Disks(), 1)
	h.want(null, "vm1", "get", "v", "") // a disk without metadata
	h.want(errorText("File "+path+" already exists"), "vm1", "create", "v", "")
	h.want(null, "vm1", "remove", "v", "")
	require.Empty(t, h.store.Disks())
}

// TestPartialRecord: detach deletes the owner's keys until one is missing.
func TestPartialRecord(t *testing.T) {
	const device = `, "attachedVMDevice": {"Unit": "0", "ControllerPciSlotNumber": "160", "ControllerPciBusNumber": "15.0"}}`
	for _, c := range []struct{ before, after string }{
		{`{"status": "attached", "attachedVMUuid": "u", "attachedVMName": "n"` + device, `{"status": "detached"}`},
		{`{"status": "attached", "attachedVMName": "n"` + device, `{"status": "detached", "attachedVMName": "n"` + device},
		{`{"status": "attached", "attachedVMUuid": "u"` + device, `{"status": "detached"` + device},
		{`{"status": "attached"}`, `{"status": "detached"}`},
	} {
		h := newHost(t)
		h.want(null, "vm1", "create", "v", "")
		h.want(place0, "vm1", "attach", "v", "")
		require.NoError(t, h.store.WriteMeta(t.Context(), vol("v"), []byte(c.before)))
		h.want(null, "vm1", "detach", "v", "")
		text, err := h.store.ReadMeta(t.Context(), vol("v"))
		require.NoError(t, err)
		require.Equal(t, c.after, string(text))
	}
}

// TestOwnerText: whom get and remove name.
func TestOwnerText(t *testing.T) {
	const rest = `"created": "c", "created-by": "b", "status": "attached"`
	for _, c := range []struct{ meta, get, remove string }{
		{`{` + rest + `, "attachedVMUuid": "vc-1", "attachedVMName": "old"}`, `, "attached to VM": "vm1"`, "old"},
		{`{` + rest + `, "attachedVMUuid": "gone", "attachedVMName": "old"}`, `, "attached to VM": "old"`, "old"},
		{`{` + rest + `, "attachedVMUuid": "gone"}`, `, "attached to VM": "gone"`, "None"},
		{`{` + rest + `, "attachedVMName": "old"}`, ``, "old"},
	} {
		h := newHost(t)
		h.want(null, "vm1", "create", "v", "")
		require.NoError(t, h.store.WriteMeta(t.Context(), vol("v"), []byte(c.meta)))
		h.want(`{"created by VM": "b", "created": "c", "status": "attached", "capacity": {"size": "100MB", "allocated": "0"}, "datastore": "ds1"`+c.get+`}`,
			"vm2", "get", "v", "")
		h.want(errorText("Failed to remove volume v, in use by VM = "+c.remove+"."), "vm2", "remove", "v", "")
	}
	for _, short := range []string{`{"created": "c", "status": "attached"}`, `{"created-by": "b", "status": "attached"}`, `{"created": "c", "created-by": "b"}`} {
		for _, nullGet := range []bool{true, false} {
			h := newHost(t, with(esxsim.Quirks{esxsim.NullGet: nullGet}))
			h.want(null, "vm1", "create", "v", "")
			require.NoError(t, h.store.WriteMeta(t.Context(), vol("v"), []byte(short)))
			require.Equal(t, nullGet, h.do("vm2", "get", "v", "") == null, short)
		}
	}
}

// TestAlreadyAttached: what attach adds to a fault if the metadata said attached.
func TestAlreadyAttached(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "v", "")
	h.stage.faults["esx.attach.plug"] = "busy"
	for _, c := range []struct{ meta, want string }{
		{`{"status": "attached", "attachedVMUuid": "bios-1", "attachedVMName": "vm1"}`, " disk " + path + " already attached to VM=vm1(Current VM)"},
		{`{"status": "attached", "attachedVMUuid": "vc-1", "attachedVMName": "vm1"}`, " disk " + path + " already attached to VM=vm1"},
		{`{"status": "attached"}`, " disk " + path + " already attached to VM=None"},
		{`{"status": "detached", "attachedVMName": "vm1"}`, ""},
	} {
		require.NoError(t, h.store.WriteMeta(t.Context(), vol("v"), []byte(c.meta)))
		h.want(errorText(busy+c.want), "vm1", "attach", "v", "")
	}
	require.NoError(t, h.RemoveVM(t.Context(), "vm2"))
	h.stage.before["esx.attach"] = nil
	h.want(errorText("VM vm2 is not on this host"), "vm2", "attach", "v", "")
}

// TestGone: a VM that vanishes between its request and the command.
func TestGone(t *testing.T) {
	for _, cmd := range []string{"attach", "detach"} {
		h := newHost(t, func(c *esxsim.Config) { c.EveryStep = true })
		h.want(null, "vm1", "create", "v", "")
		h.stage.before["esx."+cmd+".find"] = func() { require.NoError(t, h.RemoveVM(t.Context(), "vm1")) }
		h.want(errorText("Failed to find VM object for vm1 (bios bios-1 vc vc-1)"), "vm1", cmd, "v", "")
		h.stage.before["esx."+cmd+".find"] = func() { require.NoError(t, h.RemoveVM(t.Context(), "vm2")) }
		h.want(errorText("Failed to find VM object for vm2 (bios vm2 vc None)"), "vm2", cmd, "v", "")
	}
}

// TestSnapshots: the newest snapshot stands for its volume in every command, and list does not show it.
func TestSnapshots(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "v", "")
	h.want(null, "vm1", "create", "v2", "")
	for _, want := range []string{"v-000001", "v-000002"} {
		delta, err := h.store.TakeSnapshot(vol("v"))
		require.NoError(t, err)
		require.Equal(t, want, delta.Name)
	}
	const file = "/vmfs/volumes/ds1/dockvols/_DEFAULT/v-000002.vmdk"
	h.want(errorText("File "+file+" already exists"), "vm1", "create", "v", "")
	h.want(`[{"Name": "v@ds1", "Attributes": {}}, {"Name": "v2@ds1", "Attributes": {}}]`, "vm1", "list", "", "")
	h.want(place0, "vm1", "attach", "v", "")
	owner, _ := h.store.AttachedTo("ds1", "v-000002")
	require.Equal(t, "vm1", owner)
	h.want(errorText("Failed to lock the file disk "+file+" already attached to VM=vm1"), "vm2", "attach", "v", "")
	h.want(errorText("Failed to remove volume v, in use by VM = vm1."), "vm2", "remove", "v", "")
	h.want(null, "vm1", "detach", "v", "")
	h.want(null, "vm1", "create", "w", `{"clone-from":"v"}`)
	require.Contains(t, h.do("vm1", "get", "w", ""), `"clone-from": "v"`)
	require.Contains(t, h.do("vm1", "get", "v", ""), `"status": "detached"`)
	_, err := h.store.TakeSnapshot(vol("ghost"))
	require.Error(t, err)
}

// TestHomeName: _VM_DS is the caller's home; _ALL_DS is no place.
func TestHomeName(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "v@_VM_DS", "")
	h.want(null, "vm3", "create", "v@_VM_DS", "")
	h.want(`[{"Name": "v@ds1", "Attributes": {}}, {"Name": "v@ds3", "Attributes": {}}]`, "vm2", "list", "", "")
	require.Contains(t, h.do("vm3", "get", "v@_VM_DS", ""), `"datastore": "ds3"`)
	h.want(errorText("Volume x not found (file: /vmfs/volumes/ds3/dockvols/_DEFAULT/x.vmdk)"), "vm3", "get", "x@_VM_DS", "")
	for _, cmd := range []string{"create", "get", "attach", "detach", "remove"} {
		for _, name := range []string{"_ALL_DS", "_vm_ds"} {
			h.want(errorText(`Invalid datastore '`+name+`'.\nKnown datastores: DS2, ds1, ds3.\nDefault datastore: _VM_DS`), "vm1", cmd, "v@"+name, "")
		}
	}
}
