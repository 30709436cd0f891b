package esxsim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
)

// with sets single quirks of a host.
func with(q esxsim.Quirks) func(*esxsim.Config) {
	return func(c *esxsim.Config) { c.Quirks = q }
}

// both runs a test with a quirk off and on.
func both(t *testing.T, quirk esxsim.Quirk, f func(t *testing.T, on bool, set func(*esxsim.Config))) {
	t.Helper()
	for _, on := range []bool{false, true} {
		name := "off"
		if on {
			name = "on"
		}
		t.Run(name, func(t *testing.T) { f(t, on, with(esxsim.Quirks{quirk: on})) })
	}
}

func choose(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}

func TestParseQuirks(t *testing.T) {
	for text, want := range map[string]esxsim.Quirks{
		"":                               {},
		"faithful":                       {},
		"null-get=off":                   {esxsim.NullGet: false},
		"fixed, faithful":                {},
		"no-vm-lock=on,faithful":         {},
		"fixed":                          esxsim.Without(),
		"lock-by-name=on,no-vm-lock=off": {esxsim.LockByName: true, esxsim.NoVMLock: false},
	} {
		got, err := esxsim.ParseQuirks(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	got, err := esxsim.ParseQuirks("fixed,null-get=on")
	require.NoError(t, err)
	require.True(t, got[esxsim.NullGet])
	require.Len(t, got, len(esxsim.Without()))
	for text, says := range map[string]string{
		"fxed":                   `quirk "fxed": want faithful, fixed, NAME=on or NAME=off`,
		"null-get":               "want faithful, fixed, NAME=on or NAME=off",
		"null-get=yes":           "want faithful, fixed, NAME=on or NAME=off",
		"b=on,null-get=on,a=off": `unknown quirk "a", "b"; see vmdksim quirks`,
	} {
		_, err := esxsim.ParseQuirks(text)
		require.ErrorContains(t, err, says)
	}
}

// TestDefaults: the default of each quirk is what the list says, and Fixed has none.
func TestDefaults(t *testing.T) {
	on := map[esxsim.Quirk]bool{}
	for _, q := range esxsim.QuirkList() {
		on[q.Name] = q.Default
		v, set := esxsim.Without()[q.Name]
		require.Equal(t, q.Default, set)
		require.False(t, v)
	}
	// One that is on and one that is off, seen from outside.
	h := newHost(t)
	h.want(null, "vm1", "create", "v", "")
	h.want(errorText("File "+path+" already exists"), "vm1", "create", "v", "")
	require.False(t, on[esxsim.CreateRepeats])
	require.NoError(t, h.store.DeleteMeta(t.Context(), vol("v")))
	h.want(null, "vm1", "get", "v", "")
	require.True(t, on[esxsim.NullGet])
}

func vol(name string) esxsim.Volume {
	return esxsim.Volume{Datastore: "ds1", Vmgroup: esxsim.DefaultVmgroupUUID, Name: name}
}

func TestAttachOnce(t *testing.T) {
	both(t, esxsim.AttachOnce, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, set)
		h.want(null, "vm1", "create", "v", "")
		h.want(place0, "vm1", "attach", "v", "")
		h.want(choose(on, errorText("The disk is already in the virtual machine. disk "+path+" already attached to VM=vm1"), place0),
			"vm1", "attach", "v", "")
		h.want(null, "vm1", "detach", "v", "")
		h.want(place0, "vm1", "attach", "v", "")
	})
}

// TestAttachRepairs: another host takes the record of a running VM away.
func TestAttachRepairs(t *testing.T) {
	both(t, esxsim.AttachRepairs, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t)
		other := newHost(t, set, func(c *esxsim.Config) { c.Store = h.store })
		for _, id := range []string{"vm1", "vm2", "vm3"} {
			require.NoError(t, other.RemoveVM(t.Context(), id))
		}
		require.NoError(t, other.AddVM(esxsim.VM{ID: "vm4", Home: "ds1"}))
		h.want(null, "vm1", "create", "v", "")
		h.want(place0, "vm1", "attach", "v", "")
		other.want(choose(on, errorText("Failed to lock the file"), errorText("Failed to lock the file disk "+path+" already attached to VM=vm1")),
			"vm4", "attach", "v", "")
		meta, _ := h.store.Meta("ds1", "v")
		require.Equal(t, choose(on, "detached", "attached"), meta.Status)
		// Then the sidecar of a disk in use is deleted before the disk is refused.
		h.want(choose(on, errorText("Failed to remove volume: Unable to access file "+path+" since it is locked"),
			errorText("Failed to remove volume v, in use by VM = vm1.")), "vm2", "remove", "v", "")
	})
}

func TestBIOSUUIDFirst(t *testing.T) {
	both(t, esxsim.BIOSUUIDFirst, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, set)
		require.NoError(t, h.AddVM(esxsim.VM{ID: "vm9", BIOSUUID: "bios-1", InstanceUUID: "vc-9", Home: "ds1"}))
		require.Error(t, h.AddVM(esxsim.VM{ID: "vm8", BIOSUUID: "bios-1", Home: "ds1"}), "it has no other uuid")
		h.want(null, "vm1", "create", "v", "")
		h.want(place0, "vm9", "attach", "v", "")
		owner, _ := h.store.AttachedTo("ds1", "v")
		require.Equal(t, choose(on, "vm1", "vm9"), owner)
		meta, _ := h.store.Meta("ds1", "v")
		require.Equal(t, choose(on, "vc-1", "vc-9"), meta.AttachedUUID)
		h.want(null, "vm9", "detach", "v", "")
		_, locked := h.store.AttachedTo("ds1", "v")
		require.False(t, locked)
	})
}

func TestBlindListener(t *testing.T) {
	both(t, esxsim.BlindListener, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, set)
		h.want(null, "vm1", "create", "v", "")
		h.want(place0, "vm1", "attach", "v", "")
		h.stage.before["esx.poweroff.meta"] = func() { h.want(place0, "vm2", "attach", "v", "") }
		require.NoError(t, h.PowerOff(t.Context(), "vm1"))
		meta, _ := h.store.Meta("ds1", "v")
		require.Equal(t, choose(on, "detached", "attached"), meta.Status)
	})
}

func TestCreateRepeats(t *testing.T) {
	both(t, esxsim.CreateRepeats, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, set)
		h.want(null, "vm1", "create", "v", "")
		h.want(choose(on, null, errorText("File "+path+" already exists")), "vm1", "create", "v", `{"size":"bad"}`)
		require.Len(t, h.store.Disks(), 1)
	})
}

func TestDatastoreCacheRace(t *testing.T) {
	both(t, esxsim.DatastoreCacheRace, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, set)
		var inner string
		h.stage.before["esx.datastores"] = func() { inner = h.do("vm2", "create", "v@ds1", "") }
		h.want(`[]`, "vm1", "list", "", "")
		require.Equal(t, choose(on, errorText(`Invalid datastore 'ds1'.\nKnown datastores: .\nDefault datastore: _VM_DS`), ""), inner)
		h.want(null, "vm1", "create", "v@ds1", "")
	})
}

func TestLockByName(t *testing.T) {
	both(t, esxsim.LockByName, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, try, set)
		h.stage.before["esx.create.disk"] = func() {
			h.want(choose(on, errorText("Server returned an error: no lock of the volume: held"), null), "vm3", "create", "v", "")
		}
		h.want(null, "vm1", "create", "v", "")
		require.True(t, h.Idle())
	})
}

// TestLockTableRace: whoever does not find a lock can be overtaken before it makes one; what two tasks do with two locks of
// one name is in scenarios/lock-creation.scn.
func TestLockTableRace(t *testing.T) {
	both(t, esxsim.LockTableRace, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, try, set)
		overtaken := false
		h.stage.before["esx.lock.new"] = func() {
			overtaken = true
			h.want(null, "vm1", "create", "v", "")
		}
		got := h.do("vm2", "get", "v", "")
		require.Equal(t, on, overtaken)
		require.Equal(t, on, strings.HasPrefix(got, `{"created by VM": "vm1"`), got)
		require.True(t, h.Idle())

		h.stage.before["esx.create.disk"] = func() {
			h.want(errorText("Server returned an error: no lock of the volume: held"), "vm2", "create", "w", "")
		}
		h.want(null, "vm1", "create", "w", "")
	})
}

func TestMalformedErrors(t *testing.T) {
	both(t, esxsim.MalformedErrors, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, set)
		require.NoError(t, h.AddVM(esxsim.VM{ID: "bare", Home: "ds1", Controllers: []esxsim.Controller{}}))
		h.want(null, "vm1", "create", "v", "")
		h.stage.faults["esx.attach.controller"] = "fail"
		h.want(choose(on, `{"Error": ["Failed to add PVSCSI Controller: %s", "`+general+`"]}`,
			errorText("Failed to add PVSCSI Controller: "+general)), "bare", "attach", "v", "")
		require.Empty(t, h.Plugged("bare"))
		delete(h.stage.faults, "esx.attach.controller")
		h.want(place0, "bare", "attach", "v", "")
	})
}

func TestMismatchExecutes(t *testing.T) {
	both(t, esxsim.MismatchExecutes, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, set)
		h.want(null, "vm1", "create", "v", "")
		require.Contains(t, h.raw("vm1", `{"cmd":"remove","details":{"Name":"v"},"version":"1"}`), "There is a mismatch")
		require.Len(t, h.store.Disks(), map[bool]int{true: 0, false: 1}[on])
		require.Contains(t, h.raw("vm1", `{"cmd":"remove","version":"1"}`), "There is a mismatch")
	})
}

func TestOptionsLost(t *testing.T) {
	both(t, esxsim.OptionsLost, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		const torn = `{"status": "deta`
		h := newHost(t, set)
		h.want(null, "vm1", "create", "v", `{"access":"read-only"}`)
		require.NoError(t, h.store.WriteMeta(t.Context(), vol("v"), []byte(torn)))
		h.want(place0, "vm1", "attach", "v", "")
		h.want(null, "vm1", "detach", "v", "")
		text, err := h.store.ReadMeta(t.Context(), vol("v"))
		require.NoError(t, err)
		require.Equal(t, choose(on, `{"status": "detached"}`, torn), string(text))
		h.want(null, "vm1", "get", "v", "") // from then on
	})
}

func TestRemoveInUse(t *testing.T) {
	both(t, esxsim.RemoveInUse, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, set)
		h.want(null, "vm1", "create", "v", "")
		h.want(place0, "vm1", "attach", "v", "")
		h.want(choose(on, errorText("Failed to remove volume: Unable to access file "+path+" since it is locked"),
			errorText("Failed to remove volume v, in use by VM = vm1.")), "vm2", "remove", "v", "")
		_, ok := h.store.Meta("ds1", "v")
		require.Equal(t, !on, ok)
		require.Len(t, h.store.Disks(), 1)
	})
}

func TestRemoveOnce(t *testing.T) {
	both(t, esxsim.RemoveOnce, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		var slept time.Duration
		h := newHost(t, set, func(c *esxsim.Config) { c.Env = sleepless{c.Env, &slept} })
		h.want(null, "vm1", "create", "v", "")
		h.stage.faults["esx.remove.disk"] = "file"
		tries := 0
		h.stage.before["esx.remove.disk"] = func() {
			tries++
			h.stage.before["esx.remove.disk"] = func() { tries++; delete(h.stage.faults, "esx.remove.disk") }
		}
		h.want(choose(on, errorText("Failed to remove volume: Error caused by file "+path), null), "vm1", "remove", "v", "")
		require.Equal(t, map[bool]int{true: 1, false: 2}[on], tries)
	})
}

func TestControllerWithDisk(t *testing.T) {
	both(t, esxsim.ControllerWithDisk, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, set)
		require.NoError(t, h.AddVM(esxsim.VM{ID: "bare", Home: "ds1", Controllers: []esxsim.Controller{}}))
		h.want(null, "vm1", "create", "v", "")
		off := errorText("The attempted operation cannot be performed in the current state (Powered off).")
		h.want(choose(on, off, place0), "bare", "attach", "v", "")
		h.want(choose(on, place0, errorText("Failed to lock the file disk "+path+" already attached to VM=bare")), "vm1", "attach", "v", "")
		require.True(t, h.Idle())
	})
}

// TestGlobNames: a name that is a pattern takes another volume's snapshot.
func TestGlobNames(t *testing.T) {
	both(t, esxsim.GlobNames, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, set)
		h.want(null, "vm1", "create", "ab", "")
		h.want(null, "vm1", "create", "a*", "")
		_, err := h.store.TakeSnapshot(vol("ab"))
		require.NoError(t, err)
		h.want(null, "vm1", "remove", "a*", "")
		var left []string
		for _, d := range h.store.Disks() {
			left = append(left, d.Name)
		}
		require.Equal(t, map[bool][]string{true: {"a*", "ab"}, false: {"ab", "ab-000001"}}[on], left)
	})
}
