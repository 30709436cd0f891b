package esxsim_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

const (
	path    = "/vmfs/volumes/ds1/dockvols/_DEFAULT/v.vmdk"
	general = "A general system error occurred: simulated fault"
	busy    = "Another task is already in progress."
)

// sleepless is a real Env that counts its sleeps instead of sleeping.
type sleepless struct {
	seam.Env
	slept *time.Duration
}

func (s sleepless) Sleep(_ context.Context, d time.Duration) error { *s.slept += d; return nil }

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		cmd, point, fault, want string
		disk, meta, plugged     bool   // left behind
		status                  string // in metadata, if any
	}{
		{"create", "esx.create", "fail", errorText("Service is presently unavailable, ensure the ESXi Host Agent is running on this host"), false, false, false, ""},
		{"create", "esx.create.disk", "fail", errorText("Failed to create volume: " + general), false, false, false, ""},
		{"create", "esx.create.meta", "fail", errorText("Failed to create metadata kv store for " + path), false, false, false, ""},
		{"attach", "esx.attach.plug", "fail", errorText(general), true, true, false, "detached"},
		{"attach", "esx.attach.plug", "busy", errorText(busy), true, true, false, "detached"},
		{"attach", "esx.attach.meta", "fail", place0, true, true, true, "detached"},
		{"detach", "esx.detach.unplug", "fail", errorText("Failed to detach " + path + ": " + general), true, true, true, "attached"},
		{"detach", "esx.detach.unplug", "busy", errorText("Failed to detach " + path + ": " + busy), true, true, true, "attached"},
		{"detach", "esx.detach.meta", "fail", null, true, true, false, "attached"},
		{"remove", "esx.remove.meta", "fail", errorText("Failed to remove volume: " + general), true, true, false, "detached"},
		{"remove", "esx.remove.disk", "fail", errorText("Failed to remove volume: " + general), true, true, false, "detached"},
		{"remove", "esx.remove.disk", "file", errorText("Failed to remove volume: Error caused by file " + path), true, true, false, "detached"},
	} {
		t.Run(c.point+" "+c.fault, func(t *testing.T) {
			var slept time.Duration
			h := newHost(t, func(c *esxsim.Config) { c.Env = sleepless{seam.Real(), &slept} })
			if c.cmd != "create" {
				h.want(null, "vm1", "create", "v", "")
			}
			if c.cmd == "detach" {
				h.want(place0, "vm1", "attach", "v", "")
			}
			h.stage.faults[c.point] = c.fault
			h.want(c.want, "vm1", c.cmd, "v", "")
			require.Equal(t, c.disk, len(h.store.Disks()) == 1)
			require.Equal(t, c.plugged, len(h.Plugged("vm1")) == 1)
			_, locked := h.store.AttachedTo("ds1", "v")
			require.Equal(t, c.plugged, locked)
			meta, ok := h.store.Meta("ds1", "v")
			require.Equal(t, c.meta, ok)
			require.Equal(t, c.status, meta.Status)
			require.True(t, h.Idle())
			if c.fault == "file" {
				require.Equal(t, 5*time.Second, slept)
				require.Equal(t, 6, strings.Count(strings.Join(h.stage.seen, " "), "esx.remove.disk(v)"))
			}
		})
	}
}

func TestYieldPoints(t *testing.T) {
	h := newHost(t)
	for _, c := range []struct{ cmd, want string }{
		{"create", "esx.create.disk(v) esx.create.meta(v)"},
		{"get", ""},
		{"attach", "esx.attach.plug(v) esx.attach.meta(v)"},
		{"attach", "esx.attach.meta(v)"},
		{"detach", "esx.detach.unplug(v) esx.detach.meta(v)"},
		{"detach", ""},
		{"remove", "esx.remove.meta(v) esx.remove.disk(v)"},
		{"list", ""},
	} {
		h.stage.seen = nil
		h.do("vm1", c.cmd, "v@ds1", "")
		require.Equal(t, c.want, strings.Join(h.stage.seen, " "))
	}
}

// TestStaleMetadata: metadata that says attached while the disk is nowhere stays so, except after attach and detach.
func TestStaleMetadata(t *testing.T) {
	for _, faithful := range []bool{true, false} {
		h := newHost(t, func(c *esxsim.Config) {
			if !faithful {
				c.Quirks = esxsim.Quirks{esxsim.StaleAttached: false}
			}
		})
		h.want(null, "vm1", "create", "v", "")
		h.want(place0, "vm1", "attach", "v", "")
		h.stage.faults["esx.detach.meta"] = "fail"
		h.want(null, "vm1", "detach", "v", "")
		delete(h.stage.faults, "esx.detach.meta")
		h.want(null, "vm1", "detach", "v", "")
		if !faithful {
			h.want(null, "vm1", "remove", "v", "")
			continue
		}
		h.want(errorText("Failed to remove volume v, in use by VM = vm1."), "vm1", "remove", "v", "")
		h.want(place0, "vm2", "attach", "v", "") // advice, not truth
		h.want(null, "vm2", "detach", "v", "")
		h.want(null, "vm1", "remove", "v", "")
	}
}

// TestUnreadableMetadata: get answers null, and attach replaces the metadata by one without options.
func TestUnreadableMetadata(t *testing.T) {
	v := esxsim.Volume{Datastore: "ds1", Vmgroup: esxsim.DefaultVmgroupUUID, Name: "v"}
	h := newHost(t)
	h.want(null, "vm1", "create", "v", `{"access":"read-only"}`)
	require.NoError(t, h.store.WriteMeta(t.Context(), v, []byte(`{"status": "deta`)))
	h.want(null, "vm1", "get", "v", "")
	h.want(place0, "vm1", "attach", "v", "")
	meta, ok := h.store.Meta("ds1", "v")
	require.True(t, ok)
	require.Equal(t, "attached", meta.Status)
	require.Nil(t, meta.VolOpts)
	require.NotContains(t, h.do("vm1", "get", "v", ""), "access")

	h = newHost(t, func(c *esxsim.Config) { c.Quirks = esxsim.Quirks{esxsim.NullGet: false} })
	h.want(null, "vm1", "create", "v", "")
	require.NoError(t, h.store.DeleteMeta(t.Context(), v))
	h.want(errorText("Metadata of volume v cannot be read (file: "+path+")"), "vm1", "get", "v", "")
}

func TestReservedNames(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "db", "")
	h.want(errorText("File /vmfs/volumes/ds1/dockvols/_DEFAULT/db-flat.vmdk already exists"), "vm1", "create", "db-flat", "")
	h.want(null, "vm1", "create", "x-delta", "")
	h.want(null, "vm1", "create", "a.vmdk.b.vmdk", "")
	h.want(`[{"Name": "a.b@ds1", "Attributes": {}}, {"Name": "db@ds1", "Attributes": {}}]`, "vm1", "list", "", "")

	h = newHost(t, func(c *esxsim.Config) { c.Quirks = esxsim.Quirks{esxsim.ReservedNames: false} })
	h.want(errorText(`\"Volume names ending with '-flat' are not supported\"`), "vm1", "create", "db-flat", "")
	h.want(null, "vm1", "create", "a.vmdk", "")
	h.want(`[{"Name": "a.vmdk@ds1", "Attributes": {}}]`, "vm1", "list", "", "")
}

// tryEnv is a real Env whose monitors fail at once instead of waiting; tests with it have one goroutine.
type tryEnv struct{ seam.Env }

func (e tryEnv) NewMonitor(name string) seam.Monitor {
	return &tryMonitor{Monitor: e.Env.NewMonitor(name)}
}

type tryMonitor struct {
	seam.Monitor
	held bool
}

func (m *tryMonitor) Lock(ctx context.Context) error {
	if m.held {
		return errors.New("held")
	}
	m.held = true
	return m.Monitor.Lock(ctx)
}

func (m *tryMonitor) Unlock() {
	m.held = false
	m.Monitor.Unlock()
}

func try(c *esxsim.Config) { c.Env = tryEnv{c.Env} }

func TestLocks(t *testing.T) {
	h := newHost(t, try)
	volumeBusy := errorText("Server returned an error: no lock of the volume: held")
	vmBusy := errorText("Server returned an error: no lock of the VM: held")
	h.stage.before["esx.create.disk"] = func() {
		for range 3 { // whoever gives up must not take the lock of its holder away
			h.want(volumeBusy, "vm1", "create", "v", "")
			h.want(volumeBusy, "vm2", "attach", "v@ds1", "")
		}
		h.want(volumeBusy, "vm2", "get", "v@DS2", "") // equal names on two datastores share a lock
		h.want(`[]`, "vm2", "list", "", "")
		h.want(null, "vm2", "create", "w", "") // no other volume waits
	}
	h.want(null, "vm1", "create", "v", "")
	require.True(t, h.Idle())

	h.want(null, "vm1", "create", "x", "")
	for _, point := range []string{"esx.attach.plug", "esx.detach.unplug"} {
		h.stage.before[point] = func() {
			h.want(vmBusy, "vm1", "attach", "w", "")
			h.want(vmBusy, "vm1", "detach", "w", "")
			h.want(place0, "vm2", "attach", "x", "") // no other VM waits
			h.want(null, "vm1", "create", point, "") // and no other command of this one
		}
		h.do("vm1", strings.Split(point, ".")[1], "v", "")
		require.True(t, h.Idle())
		h.want(null, "vm2", "detach", "x", "")
	}
}

// TestHomeDatastoreLock: VMs with different homes do not exclude each other, so that an attach fits into a remove.
func TestHomeDatastoreLock(t *testing.T) {
	h := newHost(t, try)
	h.want(null, "vm1", "create", "v", "")
	var inner string
	h.stage.before["esx.remove.meta"] = func() { inner = h.do("vm3", "attach", "v@ds1", "") }
	h.want(errorText("Failed to remove volume: Unable to access file "+path+" since it is locked"), "vm1", "remove", "v", "")
	require.Equal(t, place0, inner)

	// The original restores the metadata from memory, and so it says detached while vm3 has the disk.
	meta, ok := h.store.Meta("ds1", "v")
	require.True(t, ok)
	require.Equal(t, "detached", meta.Status)

	h = newHost(t, try, func(c *esxsim.Config) { c.Quirks = esxsim.Quirks{esxsim.HomeDatastoreLock: false} })
	h.want(null, "vm1", "create", "v", "")
	h.stage.before["esx.remove.meta"] = func() { inner = h.do("vm3", "attach", "v@ds1", "") }
	h.want(null, "vm1", "remove", "v", "")
	require.Equal(t, errorText("Server returned an error: no lock of the volume: held"), inner)
	require.True(t, h.Idle())
}

func TestNoVMLock(t *testing.T) {
	h := newHost(t, func(c *esxsim.Config) { c.Quirks = esxsim.Quirks{esxsim.NoVMLock: true} })
	for _, v := range []string{"v", "w"} {
		h.want(null, "vm1", "create", v, "")
	}
	h.stage.before["esx.attach.plug"] = func() {
		h.want(errorText(busy), "vm1", "attach", "w", "")
		h.want(place0, "vm2", "attach", "w", "")
	}
	h.want(place0, "vm1", "attach", "v", "")
	h.want(null, "vm2", "detach", "w", "")
	h.want(place1, "vm1", "attach", "w", "")
	h.stage.before["esx.detach.unplug"] = func() {
		h.want(errorText("Failed to detach "+path+": "+busy), "vm1", "detach", "v", "")
	}
	h.want(null, "vm1", "detach", "w", "")
	h.want(null, "vm1", "detach", "v", "")
}

func TestQuirkList(t *testing.T) {
	for i, q := range esxsim.QuirkList() {
		require.NotEmpty(t, q.Fact)
		if i > 0 {
			require.Less(t, esxsim.QuirkList()[i-1].Name, q.Name)
		}
	}
}
