package esxsim

import (
	"context"
	"errors"
	"fmt"
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
	gone  bool // it runs on another host, which has a machine of its own for it
	busy  bool // a reconfigure task runs; only kept with quirk no-vm-lock
	slept bool // suspended: not on, but its guest is as it was
	slots []*slot
	used  [maxControllers]uint16 // units that volumes have, one bit each

	controllers [maxControllers]controller // by SCSI bus
}

// slot is a place of a VM with a disk in it, or about to have one.
type slot struct {
	volume Volume
	place  place
	at     wire.Device
	disk   Disk // not valid while state is plugging
	state  slotState
}

type slotState uint8

const (
	plugging slotState = iota // reserved; the disk may appear at any moment
	plugged
	leaving    // the disk may vanish at any moment
	frozen     // in a suspended guest; the file lock is free
	configured // in the configuration of a VM that is off; the file lock is free
)

func (m *machine) find(v Volume) *slot {
	for _, sl := range m.slots {
		if sl.volume.is(&v) {
			return sl
		}
	}
	if !snapshotName(v.Name) {
		return nil
	}
	for _, sl := range m.slots { // a snapshot that was taken meanwhile: the VM has the new descriptor
		if sl.volume.base() == v.base() {
			return sl
		}
	}
	return nil
}

// base is the volume of which a snapshot's descriptor is one, or v itself.
func (v Volume) base() Volume {
	if snapshotName(v.Name) {
		v.Name = v.Name[:len(v.Name)-len("-000000")]
	}
	return v
}

// current is the descriptor of a slot's disk: the newest snapshot of the volume, if the VM had it when that was taken.
func (s *Service) current(ctx context.Context, sl *slot) Volume {
	if s.snapshots == nil {
		return sl.volume
	}
	deltas := s.snapshots.Deltas(ctx, sl.volume.Datastore, sl.volume.Vmgroup)
	v := sl.volume
	for _, delta := range deltas {
		if d := (Volume{Name: delta, Vmgroup: v.Vmgroup, Datastore: v.Datastore}); d.base() == v.base() {
			v = d
		}
	}
	return v
}

// reserve takes the lowest free place for a volume; nil if the VM is full.
func (m *machine) reserve(v Volume, room *room) *slot {
	p, ok := m.freePlace()
	if !ok {
		return nil
	}
	m.used[p.controller] |= 1 << p.unit
	sl := room.slots.next()
	*sl = slot{volume: v, place: p, at: m.device(p), state: plugging}
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
	if err := s.vacant(&vm); err != nil {
		return fmt.Errorf("esxsim: add vm %s: %w", vm.ID, err)
	}
	m := s.room.machine(vm)
	if vm.Controllers == nil {
		m.addController(0)
	}
	for _, c := range vm.Controllers {
		m.controllers[c.Bus] = m.newController(c)
	}
	s.vms[vm.ID], s.uuids[uuid], s.asked = m, m, nil
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
		s.forget(m)
	}
	return nil
}

// machine is the VM of an ID, nil if there is none. s.mu is held.
func (s *Service) machine(id string) *machine {
	if m := s.asked; m != nil && m.ID == id {
		return m
	}
	s.asked = s.vms[id]
	return s.asked
}

// lookup finds the VM of a caller for attach and detach: by its instance uuid, and by its BIOS uuid if it has none
// (docs/original.md §2.1, B14). s.mu is held. Nil if it is gone.
func (s *Service) lookup(caller *machine) *machine {
	if s.machine(caller.ID) != caller {
		return nil
	}
	if !s.quirk.has(biosUUIDFirst) {
		return caller // uuids that decide are unique
	}
	for _, id := range sorted(s.vms) {
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

// Place returns where a volume's disk is in a VM; false if it is not in it. It is for oracles, as Plugged is.
func (s *Service) Place(id string, v Volume) (at wire.Device, there bool) {
	s.mu.lock()
	defer s.mu.unlock()
	if m := s.machine(id); m != nil {
		if sl := m.find(v); sl != nil && sl.state == plugged {
			return sl.at, true
		}
	}
	return wire.Device{}, false
}

// Idle reports whether nobody holds or waits for a lock of the service. It is for oracles.
func (s *Service) Idle() bool { return s.locks.idle() && s.vmLocks.idle() }
