package esxsim

import (
	"strconv"

	"vmdkvol/driver/wire"
)

// A VM has up to four PVSCSI controllers with 15 disks each; unit 7 is the controller itself (docs/original.md §2.7).
const (
	maxControllers = 4
	unitsPerBus    = 16
	controllerUnit = 7
)

// place is a controller (0..3) and a unit (0..15, not 7) on it.
type place struct{ controller, unit int }

// freePlace returns the lowest free unit of the first controller that has one; after the existing controllers comes a
// new one.
func freePlace(used *[maxControllers]uint16) (p place, ok bool) {
	for c := range maxControllers {
		for u := range unitsPerBus {
			if u != controllerUnit && used[c]&(1<<u) == 0 {
				return place{c, u}, true
			}
		}
	}
	return place{}, false
}

// device is the triple by which a guest finds a place. Controller n sits in slot 160+32n, which is bus 5+n behind bridge
// 4+n, and that bridge is in slot 21+n of the root bus, 15+n in hexadecimal.
func (p place) device() wire.Device {
	controllers := [maxControllers]struct{ slot, bus string }{
		{"160", "15.0"}, {"192", "16.0"}, {"224", "17.0"}, {"256", "18.0"},
	}
	c := controllers[p.controller]
	return wire.Device{Unit: strconv.Itoa(p.unit), ControllerPciSlotNumber: c.slot, ControllerPciBusNumber: c.bus}
}
