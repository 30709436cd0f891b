package esxsim_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

// golden is a clock at the time of the golden texts.
func golden(c *esxsim.Config) { c.Env = clock{c.Env} }

// later is a clock an hour after golden, with monitors that do not wait.
type later struct{ seam.Env }

func (later) Now() time.Time { return time.Date(2016, 12, 20, 20, 35, 28, 0, time.UTC) }

func TestCloneTexts(t *testing.T) {
	h := newHost(t, golden)
	h.want(null, "vm1", "create", "src", `{"size":"1gb","fstype":"xfs","access":"read-only","attach-as":"persistent"}`)
	h.want(null, "vm3", "create", "src@ds3", `{"size":"2gb"}`)
	invalid := `Invalid datastore 'nowhere'.\nKnown datastores: DS2, ds1, ds3.\nDefault datastore_url: _VM_DS://`
	for _, c := range []struct{ opts, want string }{
		{`{"clone-from":"src","size":"1gb"}`, errorText("Cannot define the size for a clone")},
		{`{"clone-from":"src","fstype":"ext4"}`, errorText("Cannot define the filesystem type for a clone")},
		{`{"clone-from":"ghost"}`, errorText("Could not find volume for cloning ghost")},
		{`{"clone-from":"ghost@DS3"}`, errorText("Could not find volume for cloning ghost@DS3")},
		{`{"clone-from":""}`, errorText("Could not find volume for cloning ")},
		{`{"clone-from":"src@nowhere"}`, errorText(invalid)},
		{`{"clone-from":"a/b"}`, errorText("'Volume name contains illegal characters: /'")},
		{`{"clone-from":"v-000001"}`, errorText(`\"Volume names ending with '-NNNNNN' (where N is a digit) are not supported\"`)},
	} {
		h.want(c.want, "vm1", "create", "v", c.opts)
	}
	require.Len(t, h.store.Disks(), 2)
}

// TestClone: what a clone takes from its source, and what is its own.
func TestClone(t *testing.T) {
	var copies [][2]string
	h := newHost(t, func(c *esxsim.Config) {
		c.Env = later{c.Env}
		c.Store.(*esxsim.MemStore).OnCopy(func(from, to esxsim.Disk) { copies = append(copies, [2]string{from.ID, to.ID}) })
	})
	h.want(null, "vm1", "create", "src", `{"size":"1gb","fstype":"xfs","access":"read-only"}`)
	h.want(null, "vm2", "create", "v", `{"clone-from":"src@DS1","diskformat":"zeroedthick","attach-as":"persistent"}`)
	h.want(`{"created by VM": "vm2", "created": "Tue Dec 20 20:35:28 2016", "status": "detached", "capacity": {"size": "1GB", "allocated": "1GB"}, `+
		`"datastore": "ds1", "fstype": "xfs", "diskformat": "zeroedthick", "attach-as": "persistent", "access": "read-only", "clone-from": "src"}`,
		"vm1", "get", "v", "")
	require.Equal(t, [][2]string{{"1", "2"}}, copies)
	h.want(null, "vm3", "create", "w", `{"clone-from":"v@ds1","access":"read-write"}`) // its home is ds3
	require.Contains(t, h.do("vm1", "get", "w@ds3", ""), `"diskformat": "thin", "attach-as": "persistent", "access": "read-write", "clone-from": "v"`)
	h.want(errorText("Could not find volume for cloning v"), "vm3", "create", "x", `{"clone-from":"v"}`) // the destination's datastore is the default

	h.want(place0, "vm1", "attach", "src", "")
	h.want(errorText("Failed to clone volume: Failed to lock the file"), "vm2", "create", "y", `{"clone-from":"src"}`)
	h.want(null, "vm1", "detach", "src", "")
	h.want(null, "vm2", "create", "y", `{"clone-from":"src"}`)
	require.True(t, h.Idle())
}

func TestCloneFaults(t *testing.T) {
	v := esxsim.Volume{Datastore: "ds1", Vmgroup: esxsim.DefaultVmgroupUUID, Name: "src"}
	for _, c := range []struct{ point, want string }{
		{"esx.clone.copy", "Failed to clone volume: " + general},
		{"esx.clone.copied", "Failed to clone volume: " + general},
		{"esx.clone.sidecar", "Failed to create volume KV for v"},
		{"esx.clone.meta", "Failed to create metadata kv store for " + path},
	} {
		h := newHost(t)
		h.want(null, "vm1", "create", "src", "")
		h.stage.faults[c.point] = "fail"
		h.want(errorText(c.want), "vm1", "create", "v", `{"clone-from":"src"}`)
		require.Len(t, h.store.Disks(), 1)
		_, ok := h.store.Meta("ds1", "v")
		require.False(t, ok, "a sidecar is left")
		require.True(t, h.Idle())
	}
	h := newHost(t)
	h.want(null, "vm1", "create", "src", "")
	require.NoError(t, h.store.DeleteMeta(t.Context(), v))
	h.want(errorText("Failed to create volume KV for v"), "vm1", "create", "v", `{"clone-from":"src"}`)
	require.Len(t, h.store.Disks(), 1)
	h.store.SetCapacity(1 << 20)
	h.want(errorText("Failed to clone volume: Insufficient disk space on datastore 'ds1'."), "vm1", "create", "v", `{"clone-from":"src"}`)
}

// TestCloneSteps: a clone is made in steps, which another host sees, as no lock of one service holds there.
func TestCloneSteps(t *testing.T) {
	const locked = "Failed to lock the file"
	p := newPair(t, nil)
	p.want(null, "vm1", "create", "src", `{"access":"read-only"}`)
	copies := 0
	p.store.OnCopy(func(_, _ esxsim.Disk) { copies++ })
	seen := 0
	p.stage.before["esx.clone.copied"] = func() {
		seen++
		require.Zero(t, copies, "the disk is not filled")
		p.other.want(errorText(locked), "vm4", "attach", "src", "")
		p.other.want(errorText(locked), "vm4", "attach", "v", "")
		p.other.want(null, "vm4", "get", "v", "") // it has no metadata
		p.other.want(errorText("Failed to remove volume: Unable to access file "+path+" since it is locked"), "vm4", "remove", "v", "")
		p.other.want(errorText("Failed to clone volume: "+locked), "vm4", "create", "z", `{"clone-from":"v"}`)
		p.other.want(null, "vm4", "create", "y", `{"clone-from":"src"}`) // two may read it
		require.Equal(t, 1, copies)
		p.stage.before["esx.clone.sidecar"] = func() {
			seen++
			require.Equal(t, 2, copies)
			_, ok := p.store.Meta("ds1", "v")
			require.False(t, ok)
			p.other.want(place0, "vm4", "attach", "src", "") // which is free
			p.other.want(null, "vm4", "detach", "src", "")
		}
		p.stage.before["esx.clone.meta"] = func() {
			seen++
			meta, ok := p.store.Meta("ds1", "v")
			require.True(t, ok)
			require.Equal(t, "read-only", meta.VolOpts["access"])
			require.Empty(t, meta.VolOpts["clone-from"])
		}
	}
	p.want(null, "vm1", "create", "v", `{"clone-from":"src"}`)
	require.Equal(t, 3, seen)
	require.Contains(t, p.do("vm1", "get", "v", ""), `"clone-from": "src"`)
}

// TestCloneAbandoned: the end of a service, or of its host, leaves half a disk, and frees it and its source.
func TestCloneAbandoned(t *testing.T) {
	for _, end := range []func(h *host){
		func(h *host) { h.Started() },
		func(h *host) { _, err := h.Fail(h.t.Context()); require.NoError(h.t, err) },
	} {
		p := newPair(t, nil)
		p.want(null, "vm1", "create", "src", "")
		filled := false
		p.store.OnCopy(func(_, _ esxsim.Disk) { filled = true })
		p.stage.before["esx.clone.copied"] = func() { panic("the end") }
		require.PanicsWithValue(t, "the end", func() { p.do("vm1", "create", "v", `{"clone-from":"src"}`) })
		require.Contains(t, p.other.do("vm4", "attach", "src", ""), "Failed to lock the file")
		end(p.host)
		p.other.want(place0, "vm4", "attach", "src", "")
		p.other.want(null, "vm4", "remove", "v", "")
		require.False(t, filled)
	}
}

// TestCloneInheritsOwner: the copy of stale metadata is born attached, and cannot be removed.
func TestCloneInheritsOwner(t *testing.T) {
	for _, faithful := range []bool{true, false} {
		h := newHost(t, func(c *esxsim.Config) { c.Quirks = esxsim.Quirks{esxsim.CloneInheritsOwner: faithful} })
		h.want(null, "vm1", "create", "src", "")
		h.want(place0, "vm1", "attach", "src", "")
		h.stage.faults["esx.detach.meta"] = "fail"
		h.want(null, "vm1", "detach", "src", "")
		h.want(null, "vm2", "create", "v", `{"clone-from":"src"}`)
		want := null
		if faithful {
			want = errorText("Failed to remove volume v, in use by VM = vm1.")
		}
		h.want(want, "vm2", "remove", "v", "")
	}
}

// TestCloneLocks: the source's lock is held during the copy, under the name that others with that home use.
func TestCloneLocks(t *testing.T) {
	volumeBusy := errorText("Server returned an error: no lock of the volume: held")
	for _, unlocked := range []bool{false, true} {
		h := newHost(t, try, func(c *esxsim.Config) { c.Quirks = esxsim.Quirks{esxsim.CloneSourceUnlocked: unlocked} })
		h.want(null, "vm1", "create", "src", "")
		want, clone := volumeBusy, null
		if unlocked { // the source goes away under the copy
			want, clone = null, errorText("Failed to clone volume: File /vmfs/volumes/ds1/dockvols/_DEFAULT/src.vmdk was not found")
		}
		h.stage.before["esx.clone.copy"] = func() { h.want(want, "vm2", "remove", "src", "") }
		h.stage.before["esx.clone.meta"] = func() { h.want(null, "vm2", "remove", "src", "") } // given back before
		h.want(clone, "vm1", "create", "v", `{"clone-from":"src"}`)
		require.True(t, h.Idle())
	}
}

// TestCloneDeadlock: a clone waits for itself if destination and source have one lock, and two can wait for each other.
func TestCloneDeadlock(t *testing.T) {
	for _, faithful := range []bool{true, false} {
		h := newHost(t, try, func(c *esxsim.Config) { c.Quirks = esxsim.Quirks{esxsim.CloneDeadlock: faithful} })
		h.want(null, "vm1", "create", "v", "")
		self := null
		if faithful {
			self = errorText("Server returned an error: no lock of the volume: held")
		}
		h.want(self, "vm1", "create", "v@ds3", `{"clone-from":"v@ds1"}`)
		require.True(t, h.Idle())

		// Two clones crosswise: in the order of their names, nobody waits in a circle.
		var order []string
		h = newHost(t, func(c *esxsim.Config) {
			c.Env = lockLog{c.Env, &order}
			c.Quirks = esxsim.Quirks{esxsim.CloneDeadlock: faithful}
		})
		h.want(null, "vm1", "create", "a", "")
		h.want(null, "vm1", "create", "b", "")
		order = nil
		h.want(null, "vm1", "create", "a@DS2", `{"clone-from":"b@ds1"}`)
		h.want(null, "vm2", "create", "b@DS2", `{"clone-from":"a@ds1"}`)
		want := "ds1._DEFAULT.a ds1._DEFAULT.b ds1._DEFAULT.a ds1._DEFAULT.b"
		if faithful {
			want = "ds1._DEFAULT.a ds1._DEFAULT.b ds1._DEFAULT.b ds1._DEFAULT.a"
		}
		require.Equal(t, want, strings.Join(order, " "))
	}
}

// lockLog is an Env that notes which locks of volumes are taken.
type lockLog struct {
	seam.Env
	order *[]string
}

func (e lockLog) NewMonitor(name string) seam.Monitor {
	if !strings.Contains(name, "._DEFAULT.") {
		return e.Env.NewMonitor(name)
	}
	return lockNote{e.Env.NewMonitor(name), name, e.order}
}

type lockNote struct {
	seam.Monitor
	name  string
	order *[]string
}

func (m lockNote) Lock(ctx context.Context) error {
	*m.order = append(*m.order, m.name)
	return m.Monitor.Lock(ctx)
}
