package esxsim_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

// slots is a Bus that remembers what is in which VM and refuses impossible orders.
type slots struct {
	mu     sync.Mutex
	vm     map[string]map[wire.Device]string // vm -> place -> disk ID
	where  map[string]string                 // disk ID -> vm
	refuse error
	during func() // runs once, before the next Plug or Unplug takes effect
}

func (s *slots) start() {
	if f := s.during; f != nil {
		s.during = nil
		f()
	}
}

func newSlots() *slots {
	return &slots{vm: make(map[string]map[wire.Device]string), where: make(map[string]string)}
}

func (s *slots) Plug(_ context.Context, vm string, at wire.Device, d esxsim.Disk) error {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	if s.vm[vm] == nil {
		s.vm[vm] = make(map[wire.Device]string)
	}
	if s.vm[vm][at] != "" || s.where[d.ID] != "" {
		panic(fmt.Sprintf("disk %s (in %q) plugged into %s at %v, which holds %q", d.ID, s.where[d.ID], vm, at, s.vm[vm][at]))
	}
	s.vm[vm][at], s.where[d.ID] = d.ID, vm
	return nil
}

func (s *slots) Unplug(_ context.Context, vm string, at wire.Device, d esxsim.Disk) error {
	s.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	if s.vm[vm][at] != d.ID {
		panic(fmt.Sprintf("disk %s unplugged from %s at %v, which holds %q", d.ID, vm, at, s.vm[vm][at]))
	}
	delete(s.vm[vm], at)
	delete(s.where, d.ID)
	return nil
}

// script is a Stage that runs hooks before chosen points and lets chosen points fail. It is for one goroutine.
type script struct {
	before map[string]func()
	faults map[string]string
	seen   []string
}

func (s *script) Before(op, object string) {
	s.seen = append(s.seen, op+"("+object+")")
	if f := s.before[op]; f != nil {
		delete(s.before, op)
		f()
	}
}

func (s *script) Choose(op, _ string, faults ...string) int {
	for i, f := range faults {
		if s.faults[op] == f {
			return i + 1
		}
	}
	return 0
}

// host is a service under test: datastores ds1, DS2 and ds3, and vm1 and vm2 at home on ds1, vm3 on ds3.
type host struct {
	*esxsim.Service
	t     *testing.T
	store *esxsim.MemStore
	bus   *slots
	stage *script
}

func newHost(t *testing.T, change ...func(*esxsim.Config)) *host {
	t.Helper()
	h := &host{
		t: t, bus: newSlots(), store: esxsim.NewMemStore(seam.Real(), false, "ds1", "DS2", "ds3"),
		stage: &script{before: make(map[string]func()), faults: make(map[string]string)},
	}
	cfg := esxsim.Config{Env: seam.Real(), Stage: h.stage, Store: h.store, Bus: h.bus, Version: "0.21"}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	h.Service, err = esxsim.New(cfg)
	require.NoError(t, err)
	require.NoError(t, h.AddVM(esxsim.VM{ID: "vm1", BIOSUUID: "bios-1", InstanceUUID: "vc-1", Home: "ds1"}))
	require.NoError(t, h.AddVM(esxsim.VM{ID: "vm2", Home: "ds1"}))
	require.NoError(t, h.AddVM(esxsim.VM{ID: "vm3", Home: "ds3"}))
	return h
}

func (h *host) raw(vm, request string) string {
	h.t.Helper()
	return string(h.Handle(h.t.Context(), vm, []byte(request)))
}

// do sends a command; opts is a JSON object or empty.
func (h *host) do(vm, cmd, name, opts string) string {
	h.t.Helper()
	if opts != "" {
		opts = `,"Opts":` + opts
	}
	return h.raw(vm, fmt.Sprintf(`{"cmd":%q,"details":{"Name":%q%s},"version":"2"}`, cmd, name, opts))
}

func (h *host) want(want, vm, cmd, name, opts string) {
	h.t.Helper()
	require.Equal(h.t, want, h.do(vm, cmd, name, opts), "%s %s of %s", cmd, name, vm)
}

const (
	null   = "null"
	place0 = `{"Unit": "0", "ControllerPciSlotNumber": "160", "ControllerPciBusNumber": "15.0"}`
	place1 = `{"Unit": "1", "ControllerPciSlotNumber": "160", "ControllerPciBusNumber": "15.0"}`
)

func errorText(text string) string { return `{"Error": "` + text + `"}` }

func TestConfig(t *testing.T) {
	store := esxsim.NewMemStore(seam.Real(), false, "ds1")
	good := esxsim.Config{Env: seam.Real(), Store: store, Bus: newSlots()}
	for name, spoil := range map[string]func(*esxsim.Config){
		"env":       func(c *esxsim.Config) { c.Env = nil },
		"store":     func(c *esxsim.Config) { c.Store = nil },
		"bus":       func(c *esxsim.Config) { c.Bus = nil },
		"datastore": func(c *esxsim.Config) { c.DefaultDatastore = "ds9" },
		"quirk":     func(c *esxsim.Config) { c.Quirks = esxsim.Quirks{"no-such": true} },
	} {
		cfg := good
		spoil(&cfg)
		_, err := esxsim.New(cfg)
		require.Error(t, err, name)
	}
	s, err := esxsim.New(good)
	require.NoError(t, err)
	require.Error(t, s.AddVM(esxsim.VM{Home: "ds1"}), "no id")
	require.Error(t, s.AddVM(esxsim.VM{ID: "a", Home: "ds9"}), "unknown home")
	require.NoError(t, s.AddVM(esxsim.VM{ID: "a", Home: "ds1"}))
	require.Error(t, s.AddVM(esxsim.VM{ID: "a", BIOSUUID: "other", Home: "ds1"}), "id taken")
	require.Error(t, s.AddVM(esxsim.VM{ID: "b", BIOSUUID: "a", Home: "ds1"}), "uuid taken")
	require.Equal(t, `{"version": "N/A"}`, string(s.Handle(t.Context(), "a", []byte(`{"cmd":"version"}`))))
	require.Error(t, s.PowerOff(t.Context(), "nobody"))
	require.Error(t, s.PowerOn(t.Context(), "nobody"))
}

func TestLifecycle(t *testing.T) {
	h := newHost(t)
	h.want(`[]`, "vm1", "list", "", "")
	h.want(null, "vm1", "create", "v", `{"size":"1gb","fstype":"ext4"}`)
	h.want(errorText("File /vmfs/volumes/ds1/dockvols/_DEFAULT/v.vmdk already exists"), "vm1", "create", "v", `{"size":"bad"}`)
	h.want(`[{"Name": "v@ds1", "Attributes": {}}]`, "vm2", "list", "", "")

	h.want(place0, "vm1", "attach", "v", "")
	h.want(place0, "vm1", "attach", "v@DS1", "") // idempotent, and the name of the datastore is not case-sensitive
	owner, ok := h.store.AttachedTo("ds1", "v")
	require.True(t, ok)
	require.Equal(t, "vm1", owner)
	meta, ok := h.store.Meta("ds1", "v")
	require.True(t, ok)
	require.Equal(t, "attached", meta.Status)
	require.Equal(t, "vc-1", meta.AttachedUUID)
	require.Equal(t, &wire.Device{Unit: "0", ControllerPciSlotNumber: "160", ControllerPciBusNumber: "15.0"}, meta.Device)
	require.Len(t, h.Plugged("vm1"), 1)

	h.want(errorText("Failed to lock the file disk /vmfs/volumes/ds1/dockvols/_DEFAULT/v.vmdk already attached to VM=vm1"),
		"vm2", "attach", "v", "")
	require.Empty(t, h.Plugged("vm2"))
	h.want(errorText("Failed to remove volume v, in use by VM = vm1."), "vm2", "remove", "v", "")
	h.want(null, "vm2", "detach", "v", "") // not there: success, and nothing changes
	require.Len(t, h.Plugged("vm1"), 1)

	h.want(null, "vm1", "detach", "v", "")
	h.want(null, "vm1", "detach", "v", "")
	_, ok = h.store.AttachedTo("ds1", "v")
	require.False(t, ok)
	meta, _ = h.store.Meta("ds1", "v")
	require.Equal(t, "detached", meta.Status)
	require.Nil(t, meta.Device)
	require.Empty(t, meta.AttachedUUID)
	require.Equal(t, map[string]string{"size": "1gb", "fstype": "ext4", "diskformat": "thin"}, meta.VolOpts)

	id := h.store.Disks()[0].ID
	h.want(null, "vm2", "remove", "v", "")
	h.want(null, "vm2", "remove", "v", "")
	h.want(errorText("Volume v not found (file: /vmfs/volumes/ds1/dockvols/_DEFAULT/v.vmdk)"), "vm1", "get", "v", "")
	h.want(errorText("File /vmfs/volumes/ds1/dockvols/_DEFAULT/v.vmdk was not found"), "vm1", "attach", "v", "")
	require.Empty(t, h.store.Disks())
	h.want(null, "vm1", "create", "v", "")
	require.NotEqual(t, id, h.store.Disks()[0].ID)
	require.EqualValues(t, 100<<20, h.store.Disks()[0].Size)
	require.True(t, h.Idle())
}

func TestDatastores(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "a", "")
	exists := func(ds string) string {
		return errorText("File /vmfs/volumes/" + ds + "/dockvols/_DEFAULT/a.vmdk already exists")
	}
	for _, alias := range []string{"a@", "a@ds1", "a@DS1", "a@_VM_DS"} {
		h.want(exists("ds1"), "vm2", "create", alias, "")
	}
	h.want(null, "vm3", "create", "a", "") // its home is ds3
	h.want(exists("ds3"), "vm1", "create", "a@dS3", "")
	h.want(null, "vm1", "create", "a@b@ds2", "") // split at the last "@"
	h.want(`[{"Name": "a@b@DS2", "Attributes": {}}, {"Name": "a@ds1", "Attributes": {}}, {"Name": "a@ds3", "Attributes": {}}]`,
		"vm1", "list", "", "")
	unknown := `Invalid datastore 'nowhere'.\nKnown datastores: DS2, ds1, ds3.\nDefault datastore: _VM_DS`
	h.want(errorText(unknown), "vm1", "create", "x@nowhere", "")
	h.want(errorText(unknown), "vm1", "remove", "x@nowhere", "")

	h = newHost(t, func(c *esxsim.Config) {
		c.DefaultDatastore = "ds3"
		store := esxsim.NewMemStore(seam.Real(), false, "ds1", "ds3", "X", "x")
		c.Store = store
	})
	h.want(null, "vm1", "create", "a", "")
	h.want(exists("ds3"), "vm1", "create", "a@ds3", "")
	h.want(errorText(`\"Found multiple datastores with same name (ignoring case difference): ['X', 'x']\"`), "vm1", "get", "a@x", "")
	h.want(errorText(`Invalid datastore '_ALL_DS'.\nKnown datastores: X, ds1, ds3, x.\nDefault datastore: ds3`), "vm1", "get", "a@_ALL_DS", "")
}

func TestPlacement(t *testing.T) {
	h := newHost(t)
	buses := []string{"15.0", "16.0", "17.0", "18.0"}
	slots := []string{"160", "192", "224", "256"}
	var got []wire.Device
	for i := range 61 {
		h.want(null, "vm1", "create", fmt.Sprint("v", i), "")
	}
	for c := range 4 {
		for u := range 16 {
			if u == 7 {
				continue
			}
			want := fmt.Sprintf(`{"Unit": "%d", "ControllerPciSlotNumber": "%s", "ControllerPciBusNumber": "%s"}`, u, slots[c], buses[c])
			h.want(want, "vm1", "attach", fmt.Sprint("v", len(got)), "")
			got = append(got, wire.Device{Unit: fmt.Sprint(u), ControllerPciSlotNumber: slots[c], ControllerPciBusNumber: buses[c]})
		}
	}
	full := errorText("Failed to place new disk - The maximum number of supported volumes has been reached.")
	h.want(full, "vm1", "attach", "v60", "")
	require.Len(t, got, 60)
	for i, p := range h.Plugged("vm1") {
		require.Equal(t, got[i], p.At)
	}
	h.want(null, "vm1", "detach", "v17", "") // the lowest free place is taken
	h.want(`{"Unit": "2", "ControllerPciSlotNumber": "192", "ControllerPciBusNumber": "16.0"}`, "vm1", "attach", "v60", "")
	for i := range 61 {
		h.want(null, "vm1", "detach", fmt.Sprint("v", i), "")
	}
	h.want(place0, "vm1", "attach", "v60", "")
}

// TestPciArithmetic derives the bus numbers as the original did: up the bridges to the root bus.
func TestPciArithmetic(t *testing.T) {
	h := newHost(t)
	bridges := map[int]int{4: 21, 5: 22, 6: 23, 7: 24}
	bus := func(slot int) string {
		function := slot >> 10 & 7
		for slot>>5&31 > 0 {
			slot = bridges[slot>>5&31-1]
		}
		return fmt.Sprintf("%x.%d", slot, function)
	}
	require.Equal(t, "15.0", bus(160))
	require.Equal(t, "15.1", bus(1184))
	for i := range 60 {
		h.want(null, "vm1", "create", fmt.Sprint("v", i), "")
		h.do("vm1", "attach", fmt.Sprint("v", i), "")
	}
	seen := map[string]bool{}
	for _, p := range h.Plugged("vm1") {
		var slot int
		_, err := fmt.Sscan(p.At.ControllerPciSlotNumber, &slot)
		require.NoError(t, err)
		require.Equal(t, bus(slot), p.At.ControllerPciBusNumber)
		seen[p.At.ControllerPciBusNumber] = true
	}
	require.Len(t, seen, 4)
}

func TestBusRefuses(t *testing.T) {
	h := newHost(t)
	h.want(null, "vm1", "create", "v", "")
	h.bus.refuse = errors.New("no hot plug today")
	h.want(errorText("no hot plug today"), "vm1", "attach", "v", "")
	_, locked := h.store.AttachedTo("ds1", "v")
	require.False(t, locked)
	require.Empty(t, h.Plugged("vm1"))
	h.bus.refuse = nil
	h.want(place0, "vm2", "attach", "v", "")
	h.bus.refuse = errors.New("pinned")
	h.want(errorText("Failed to detach /vmfs/volumes/ds1/dockvols/_DEFAULT/v.vmdk: pinned"), "vm2", "detach", "v", "")
	require.Len(t, h.Plugged("vm2"), 1)
	_, locked = h.store.AttachedTo("ds1", "v")
	require.True(t, locked)
	h.bus.refuse = nil
	h.want(null, "vm2", "detach", "v", "")
}
