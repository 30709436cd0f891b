package esxsim_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

// ending counts how often the process of a service ends by itself.
func ending(n *int) func(*esxsim.Config) {
	return func(c *esxsim.Config) { c.Ended = func() { *n++ } }
}

// TestDetachFaultEnds: the fault of a reconfigure is an answer, or the end of the process, and then none.
func TestDetachFaultEnds(t *testing.T) {
	both(t, esxsim.DetachFaultEnds, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		ended := 0
		h := newHost(t, set, ending(&ended))
		h.want(null, "vm1", "create", "v", "")
		h.want(place0, "vm1", "attach", "v", "")
		for _, fault := range []string{"fail", "busy"} {
			h.stage.faults["esx.detach.unplug"] = fault
			got := h.do("vm1", "detach", "v", "")
			require.Equal(t, on, got == "", got)
		}
		require.Equal(t, map[bool]int{true: 2, false: 0}[on], ended)
		delete(h.stage.faults, "esx.detach.unplug")
		h.want(null, "vm1", "detach", "v", "")
		require.True(t, h.Idle())
	})
}

// TestConfigRestarts: each change of the config database once restarted the service.
func TestConfigRestarts(t *testing.T) {
	both(t, esxsim.ConfigRestarts, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		ended := 0
		h := newTenants(t, set, ending(&ended))
		p := &place{MemConfig: h.db, mode: esxsim.NotConfigured}
		h.admin = esxsim.NewAdmin(h.Service, p, nil)
		h.must("config init --local")
		h.refuses("Error: one of '--datastore' or '--local' have to be set", "config init")
		p.mode = esxsim.SingleNode
		h.must("config rm --local --confirm")
		h.must("config status")
		require.Equal(t, map[bool]int{true: 2, false: 0}[on], ended)
	})
}

// TestDBHandleShared: whoever asks while another one's request runs gets what SQLite says of a foreign handle.
func TestDBHandleShared(t *testing.T) {
	both(t, esxsim.DBHandleShared, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newTenants(t, set)
		var inner string
		h.stage.before["esx.create.disk"] = func() { inner = h.do("vm2", "create", "w", "") }
		h.want(null, "vm1", "create", "v", "")
		require.Equal(t, choose(on,
			errorText("Server returned an error: ProgrammingError('SQLite objects created in a thread can only be used in that same thread.')"),
			null), inner)
		h.want(null, "vm2", "create", "x", "") // alone
		h.db.SetMode(esxsim.NotConfigured)     // nobody asks a database that is not there
		h.stage.before["esx.create.disk"] = func() { h.want(null, "vm2", "create", "z", "") }
		h.want(null, "vm1", "create", "y", "")
	})
}

// TestDiskLibUnlocked: metadata that is read while another sidecar is open cannot be read.
func TestDiskLibUnlocked(t *testing.T) {
	h := newHost(t, with(esxsim.Quirks{esxsim.DiskLibUnlocked: true}))
	h.want(null, "vm1", "create", "v", "")
	h.want(null, "vm1", "create", "w", "")
	var inner string
	h.stage.before["esx.meta.open"] = func() { inner = h.do("vm2", "get", "w", "") }
	h.want(place0, "vm1", "attach", "v", "")
	require.Equal(t, null, inner)
	require.Contains(t, h.do("vm2", "get", "w", ""), "detached", "alone, it can")
	require.Contains(t, h.do("vm2", "get", "v", ""), "attached", "what was written is whole")
}

// TestFileLockIgnored: what a datastore without file locks would do.
func TestFileLockIgnored(t *testing.T) {
	both(t, esxsim.FileLockIgnored, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, set, func(c *esxsim.Config) { c.Bus = anyBus{} })
		h.want(null, "vm1", "create", "v", "")
		h.want(place0, "vm1", "attach", "v", "")
		h.want(choose(on, place0, errorText("Failed to lock the file disk "+path+" already attached to VM=vm1")), "vm2", "attach", "v", "")
		require.Len(t, h.Plugged("vm1"), 1)
		require.Len(t, h.Plugged("vm2"), map[bool]int{true: 1, false: 0}[on])
		h.want(errorText("File /vmfs/volumes/ds1/dockvols/_DEFAULT/w.vmdk was not found"), "vm2", "attach", "w", "")
	})
}

// anyBus is one that does not mind a disk in two VMs.
type anyBus struct{}

func (anyBus) Plug(context.Context, string, wire.Device, esxsim.Disk) error   { return nil }
func (anyBus) Unplug(context.Context, string, wire.Device, esxsim.Disk) error { return nil }

// TestNoForceDetach: before there was a forced detach, a VM without a vmgroup kept its disk.
func TestNoForceDetach(t *testing.T) {
	both(t, esxsim.NoForceDetach, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newTenants(t, set, func(c *esxsim.Config) {
			if c.Quirks == nil {
				c.Quirks = esxsim.Quirks{}
			}
			c.Quirks[esxsim.ForceDetachBroken] = false
		})
		h.want(null, "vm1", "create", "v", "")
		h.want(place0, "vm1", "attach", "v", "")
		h.must("vmgroup rm --name _DEFAULT --force")
		h.want(choose(on, errorText("VM vm1 does not belong to any vmgroup"), null), "vm1", "detach", "v@ds1", "")
		require.Len(t, h.Plugged("vm1"), map[bool]int{true: 1, false: 0}[on])
	})
}

// TestCloneKeepsSidecar: the clone has its source's metadata.
func TestCloneKeepsSidecar(t *testing.T) {
	both(t, esxsim.CloneKeepsSidecar, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, set)
		h.want(null, "vm1", "create", "v", "")
		h.want(null, "vm2", "create", "c", `{"clone-from":"v","access":"read-only"}`)
		meta, ok := h.store.Meta("ds1", "c")
		require.True(t, ok)
		require.Equal(t, choose(on, "vm1", "vm2"), meta.CreatedBy)
		require.Equal(t, choose(on, "", "read-only"), meta.VolOpts["access"])
		require.Equal(t, choose(on, "", "v"), meta.VolOpts["clone-from"])
	})
}

// TestOrphansRunOn: a request whose sender has gone while it waited is executed, or not; one that has begun is finished.
func TestOrphansRunOn(t *testing.T) {
	both(t, esxsim.OrphansRunOn, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newHost(t, set, func(c *esxsim.Config) { c.Env = patient{c.Env} })
		gone, leave := context.WithCancel(t.Context())
		h.stage.before["esx.create.disk"] = leave
		request := []byte(`{"cmd":"create","details":{"Name":"v"},"version":"2"}`)
		require.Equal(t, null, string(h.Handle(gone, "vm1", request)), "it had begun")
		request = []byte(`{"cmd":"remove","details":{"Name":"v"},"version":"2"}`)
		require.Equal(t, choose(on, null, ""), string(h.Handle(gone, "vm1", request)))
		require.Len(t, h.store.Disks(), map[bool]int{true: 0, false: 1}[on])
	})
}

// patient is an Env with locks that one gets in the end, although one has gone.
type patient struct{ seam.Env }

func (p patient) NewMonitor(name string) seam.Monitor { return patientMonitor{p.Env.NewMonitor(name)} }

type patientMonitor struct{ seam.Monitor }

func (m patientMonitor) Lock(ctx context.Context) error {
	return m.Monitor.Lock(context.WithoutCancel(ctx))
}
