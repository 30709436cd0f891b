package esxsim

// growth says whether a disk needs a new controller, and on which bus, or has no place at all. s.mu is held.
func (m *machine) growth() (bus int, grow, full bool) {
	if _, ok := m.freePlace(); ok {
		return 0, false, false
	}
	bus, ok := m.freeBus()
	return bus, ok, !ok
}

// grow is the reconfigure task that adds a controller (docs/original.md §2.7). The controller stays, whatever comes of
// the disk.
func (s *Service) grow(c *call, bus int) (fault string) {
	if s.fails("esx.attach.controller", c.volume) {
		return generalFault
	}
	m := c.vm
	s.env.Touch(m.label, true)
	s.mu.lock()
	defer s.mu.unlock()
	if !m.on {
		return faultOff
	}
	m.addController(bus)
	return ""
}

// controllerFault is the reply to a controller that could not be added. The original wanted to format a text, and made
// a list (docs/original.md §1.8, D15).
func (s *Service) controllerFault(fault string) (reply []byte, text string) {
	const start = "Failed to add PVSCSI Controller: "
	if !s.quirk.has(malformedErrors) {
		return nil, start + fault
	}
	reply = append(reply, `{"Error": ["`+start+`%s", `...)
	reply = appendJSON(reply, fault)
	return append(reply, "]}"...), ""
}
