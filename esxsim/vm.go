package esxsim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"vmdkvol/driver/wire"
)

// VM is a virtual machine on this host.
type VM struct {
	ID           string // the identity that the transport gives its peer; unique among all services of one Store
	Name         string // display name; "" is ID
	BIOSUUID     string // "" is ID
	InstanceUUID string // vCenter's; may be empty
	Home         string // the datastore with the VM's .vmx file

	// Controllers are the SCSI controllers of the VM; nil is one PVSCSI controller on bus 0, without disks. The
	// service adds others.
	Controllers []Controller
	// Settings are the VM's configuration as far as it tells where PCI devices are, such as
	// "pciBridge4.pciSlotNumber": "21"; nil is that of a new VM. Neither is changed.
	Settings map[string]string
}

// metaUUID is the uuid that metadata records: vCenter's, and the BIOS uuid of a VM that vCenter does not know.
func (vm *VM) metaUUID() string {
	if vm.InstanceUUID != "" {
		return vm.InstanceUUID
	}
	return vm.BIOSUUID
}

// notFound is the fault of a command whose VM is gone.
func (vm *VM) notFound() string {
	vc := vm.InstanceUUID
	if vc == "" {
		vc = "None"
	}
	return "Failed to find VM object for " + vm.Name + " (bios " + vm.BIOSUUID + " vc " + vc + ")"
}

// Plugged is a disk in a VM.
type Plugged struct {
	Disk Disk
	At   wire.Device
}

// machine is a VM and its disks. What follows VM and label is guarded by Service.mu.
type machine struct {
	VM
	label string // footprint

	on    bool
	busy  bool // a reconfigure task runs; only kept with quirk no-vm-lock
	slots []*slot
	used  [maxControllers]uint16 // units that volumes have, one bit each

	controllers [maxControllers]controller // by SCSI bus
}

// slot is a place of a VM with a disk in it, or about to have one.
type slot struct {
	volume Volume
	place  place
	at     wire.Device
	disk   Disk // valid while state is plugged or leaving
	state  slotState
}

type slotState uint8

const (
	plugging slotState = iota // reserved; the disk may appear at any moment
	plugged
	leaving // the disk may vanish at any moment
)

func (m *machine) find(v Volume) *slot {
	for _, sl := range m.slots {
		if sl.volume == v {
			return sl
		}
	}
	return nil
}

// reserve takes the lowest free place for a volume; nil if the VM is full.
func (m *machine) reserve(v Volume) *slot {
	p, ok := m.freePlace()
	if !ok {
		return nil
	}
	m.used[p.controller] |= 1 << p.unit
	sl := &slot{volume: v, place: p, at: m.device(p), state: plugging}
	m.slots = append(m.slots, sl)
	return sl
}

func (m *machine) drop(sl *slot) {
	m.used[sl.place.controller] &^= 1 << sl.place.unit
	m.slots = slices.DeleteFunc(m.slots, func(x *slot) bool { return x == sl })
}

// AddVM registers a VM and powers it on. Its ID and uuids must be new and its home datastore known; VMs that have
// instance uuids may share a BIOS uuid, as a copied .vmx file does (docs/original.md B14).
func (s *Service) AddVM(vm VM) error {
	if vm.ID == "" {
		return errors.New("esxsim: add vm: no id")
	}
	if vm.Name == "" {
		vm.Name = vm.ID
	}
	if vm.BIOSUUID == "" {
		vm.BIOSUUID = vm.ID
	}
	if err := vm.checkHardware(); err != nil {
		return fmt.Errorf("esxsim: add vm %s: %w", vm.ID, err)
	}
	known, err := s.store.Datastores(context.Background())
	if err != nil {
		return fmt.Errorf("esxsim: add vm %s: %w", vm.ID, err)
	}
	if !slices.Contains(known, vm.Home) {
		return fmt.Errorf("esxsim: add vm %s: unknown home datastore %q", vm.ID, vm.Home)
	}
	uuid := vm.metaUUID()
	s.mu.lock()
	defer s.mu.unlock()
	if s.vms[vm.ID] != nil || s.uuids[uuid] != nil {
		return fmt.Errorf("esxsim: add vm %s: its id or uuid is taken", vm.ID)
	}
	for _, other := range s.vms {
		if other.BIOSUUID == vm.BIOSUUID && (vm.InstanceUUID == "" || other.InstanceUUID == "") {
			return fmt.Errorf("esxsim: add vm %s: its bios uuid is taken", vm.ID)
		}
	}
	m := &machine{VM: vm, label: "vm:" + vm.ID, on: true}
	if vm.Controllers == nil {
		m.addController(0)
	}
	for _, c := range vm.Controllers {
		m.controllers[c.Bus] = m.newController(c)
	}
	s.vms[vm.ID], s.uuids[uuid] = m, m
	return nil
}

// RemoveVM powers the VM off, if it is on, and forgets it.
func (s *Service) RemoveVM(ctx context.Context, id string) error {
	if err := s.PowerOff(ctx, id); err != nil {
		return err
	}
	s.mu.lock()
	defer s.mu.unlock()
	if m := s.vms[id]; m != nil {
		delete(s.uuids, m.metaUUID())
		delete(s.vms, id)
	}
	return nil
}

// PowerOn starts a VM that was powered off. It has no volumes then. Starting a running VM does nothing.
func (s *Service) PowerOn(id string) error {
	s.mu.lock()
	defer s.mu.unlock()
	m := s.vms[id]
	if m == nil {
		return fmt.Errorf("esxsim: power on %s: no such vm", id)
	}
	m.on = true
	return nil
}

// PowerOff ends the VM at once: its disks vanish and their file locks are free. Then, as the listener of the original
// does without any lock (docs/original.md §2.13), each disk's metadata is set to detached if it still names this VM.
// Stopping a stopped VM does nothing.
func (s *Service) PowerOff(ctx context.Context, id string) error {
	s.stage.Before("esx.poweroff", id)
	s.mu.lock()
	m := s.vms[id]
	if m == nil {
		s.mu.unlock()
		return fmt.Errorf("esxsim: power off %s: no such vm", id)
	}
	s.env.Touch(m.label, true)
	m.on = false
	var gone []*slot
	for _, sl := range m.slots {
		if sl.state == plugged { // whoever plugs or unplugs one right now sees that the VM is off
			sl.state = leaving
			gone = append(gone, sl)
		}
	}
	s.mu.unlock()

	var failed []error
	for _, sl := range gone {
		failed = append(failed, s.pullOut(ctx, m, sl))
	}
	for _, sl := range gone {
		s.forgetOwner(ctx, &m.VM, sl.volume)
	}
	return errors.Join(failed...)
}

// pullOut takes a leaving disk out of the machine of a VM that is off; nothing can keep it there.
func (s *Service) pullOut(ctx context.Context, m *machine, sl *slot) error {
	err := s.bus.Unplug(ctx, m.ID, sl.at, sl.disk)
	s.env.Touch(s.label(&s.everyone, sl.volume, m.Home).disk, true)
	err = errors.Join(err, s.store.UnlockDisk(ctx, sl.volume, m.ID))
	s.mu.lock()
	defer s.mu.unlock()
	m.drop(sl)
	return err
}

// forgetOwner is the listener's test-and-set on the metadata of a disk that vm had.
func (s *Service) forgetOwner(ctx context.Context, vm *VM, v Volume) {
	if s.checkpoint("esx.poweroff.meta", v.Name, s.failOnly) != 0 {
		return
	}
	l := s.label(&s.everyone, v, vm.Home)
	meta, ok := s.readMeta(ctx, s.store, v, l)
	if !ok {
		return
	}
	owner := meta.AttachedUUID == vm.metaUUID()
	switch {
	case s.quirk.has(blindListener):
		owner = true
	case s.quirk.has(ownerByName):
		owner = meta.AttachedName == vm.Name || meta.AttachedName == ""
	}
	if owner {
		_ = s.writeMeta(ctx, s.store, v, l, meta.detached()) // logged there
	}
}

// lookup finds the VM of a caller for attach and detach: by its instance uuid, and by its BIOS uuid if it has none
// (docs/original.md §2.1, B14). s.mu is held. Nil if it is gone.
func (s *Service) lookup(caller *machine) *machine {
	if s.vms[caller.ID] != caller {
		return nil
	}
	if !s.quirk.has(biosUUIDFirst) {
		return caller // uuids that decide are unique
	}
	for _, id := range slices.Sorted(maps.Keys(s.vms)) {
		if m := s.vms[id]; m.BIOSUUID == caller.BIOSUUID {
			return m
		}
	}
	return caller
}

// Plugged returns the disks in a VM, by controller and unit. It is for oracles: call it while nothing runs, or from the
// scheduler.
func (s *Service) Plugged(id string) []Plugged {
	s.mu.lock()
	defer s.mu.unlock()
	m := s.vms[id]
	if m == nil {
		return nil
	}
	var list []Plugged
	for c := range maxControllers {
		for u := range unitsPerBus {
			for _, sl := range m.slots {
				if sl.place == (place{c, u}) && sl.state == plugged {
					list = append(list, Plugged{Disk: sl.disk, At: sl.at})
				}
			}
		}
	}
	return list
}

// Idle reports whether nobody holds or waits for a lock of the service. It is for oracles.
func (s *Service) Idle() bool { return s.locks.idle() }
