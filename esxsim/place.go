package esxsim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"vmdkvol/driver/wire"
)

// A VM has up to four SCSI controllers of any kind. Volumes go to PVSCSI ones, with 15 disks each: unit 7 is the
// controller itself (docs/original.md §2.7).
const (
	maxControllers = 4
	unitsPerBus    = 16
	controllerUnit = 7
	maxBuses       = 32 // that a PCI slot number can mean
)

// PVSCSI is the kind of controller that volumes are plugged into.
const PVSCSI = "pvscsi"

// Controller is a SCSI controller that a VM has from the start.
type Controller struct {
	Bus   int    // 0..3: N of scsiN
	Kind  string // PVSCSI, or any other
	Slot  int    // PCI slot number; 0 asks the VM's setting scsiN.pciSlotNumber
	Units []int  // 0..15 without 7, where the VM has disks of its own
}

// controller is a SCSI controller of a machine; a text is "" if the arithmetic of device leads nowhere.
type controller struct {
	there, pvscsi bool
	slot, bus     string
	own           uint16 // units of the VM's own disks, and the controller's
}

// place is a controller (0..3) and a unit (0..15, not 7) on it.
type place struct{ controller, unit int }

// freePlace returns the lowest free unit of the first PVSCSI controller that has one.
func (m *machine) freePlace() (p place, ok bool) {
	for c := range m.controllers {
		if !m.controllers[c].pvscsi {
			continue
		}
		used := m.used[c] | m.controllers[c].own
		for u := range unitsPerBus {
			if used&(1<<u) == 0 {
				return place{c, u}, true
			}
		}
	}
	return place{}, false
}

// freeBus returns the lowest number for a new controller.
func (m *machine) freeBus() (bus int, ok bool) {
	for c := range m.controllers {
		if !m.controllers[c].there {
			return c, true
		}
	}
	return 0, false
}

// device is the triple by which a guest finds a place.
func (m *machine) device(p place) wire.Device {
	c := &m.controllers[p.controller]
	return wire.Device{Unit: strconv.Itoa(p.unit), ControllerPciSlotNumber: c.slot, ControllerPciBusNumber: c.bus}
}

// addController makes a PVSCSI controller, where ESX would put it.
func (m *machine) addController(bus int) {
	m.controllers[bus] = m.newController(Controller{Bus: bus, Kind: PVSCSI})
}

// newController places a controller. Without settings of the VM's own, controller n sits in slot 160+32n, which is bus
// 5+n behind bridge 4+n, and that bridge is in slot 21+n of the root bus, 15+n in hexadecimal.
func (m *machine) newController(c Controller) controller {
	made := controller{there: true, pvscsi: c.Kind == PVSCSI, own: 1 << controllerUnit}
	for _, u := range c.Units {
		made.own |= 1 << u
	}
	if m.Settings == nil && c.Slot == 0 {
		usual := [maxControllers]struct{ slot, bus string }{
			{"160", "15.0"}, {"192", "16.0"}, {"224", "17.0"}, {"256", "18.0"},
		}
		made.slot, made.bus = usual[c.Bus].slot, usual[c.Bus].bus
		return made
	}
	slot := c.Slot
	if slot == 0 {
		slot, _ = m.setting("scsi" + strconv.Itoa(c.Bus) + ".pciSlotNumber")
	}
	if slot > 0 {
		made.slot, made.bus = strconv.Itoa(slot), m.busNumber(slot)
	}
	return made
}

// busNumber walks from a controller's slot up the bridges to the root bus; "" if a bridge is missing.
func (m *machine) busNumber(slot int) string {
	function := slot >> 10 & 7
	for range maxBuses { // bridges that form a circle lead nowhere
		bus := slot >> 5 & 31
		if bus == 0 {
			return strconv.FormatInt(int64(slot), 16) + "." + strconv.Itoa(function)
		}
		var ok bool
		if slot, ok = m.setting("pciBridge" + strconv.Itoa(bus-1) + ".pciSlotNumber"); !ok {
			return ""
		}
	}
	return ""
}

// setting is a number in the VM's configuration, whose keys have no case.
func (m *machine) setting(key string) (n int, ok bool) {
	if m.Settings == nil {
		return usualSetting(key)
	}
	for _, k := range slices.Sorted(maps.Keys(m.Settings)) { // at most one has the key, see checkHardware
		if strings.EqualFold(k, key) {
			n, err := strconv.Atoi(m.Settings[k])
			return n, err == nil && n >= 0
		}
	}
	return 0, false
}

// usualSetting is the configuration of a VM that has none of its own.
func usualSetting(key string) (n int, ok bool) {
	for i := range maxControllers {
		switch key {
		case "pciBridge" + strconv.Itoa(4+i) + ".pciSlotNumber":
			return 21 + i, true
		case "scsi" + strconv.Itoa(i) + ".pciSlotNumber":
			return 160 + 32*i, true
		}
	}
	return 0, false
}

// checkHardware says what is wrong with the controllers and settings of a VM.
func (vm *VM) checkHardware() error {
	var seen [maxControllers]bool
	for _, c := range vm.Controllers {
		switch {
		case c.Bus < 0 || c.Bus >= maxControllers:
			return fmt.Errorf("controller %d: a VM has SCSI buses 0 to %d", c.Bus, maxControllers-1)
		case seen[c.Bus]:
			return fmt.Errorf("controller %d is given twice", c.Bus)
		case c.Slot < 0 || c.Kind == "":
			return fmt.Errorf("controller %d: want a kind, and a slot that is not negative", c.Bus)
		}
		seen[c.Bus] = true
		for _, u := range c.Units {
			if u < 0 || u >= unitsPerBus || u == controllerUnit {
				return fmt.Errorf("controller %d: no disk can be at unit %d", c.Bus, u)
			}
		}
	}
	if len(vm.Settings) == 0 {
		return nil
	}
	folded := make(map[string]bool, len(vm.Settings))
	for _, k := range slices.Sorted(maps.Keys(vm.Settings)) {
		if folded[strings.ToLower(k)] {
			return errors.New("two settings differ in case only")
		}
		folded[strings.ToLower(k)] = true
	}
	return nil
}
