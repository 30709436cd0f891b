package esxsim

import (
	"context"
	"errors"

	"vmdkvol/driver/wire"
)

const (
	faultFull = "Failed to place new disk - The maximum number of supported volumes has been reached."
	faultBusy = "Another task is already in progress."
	faultOff  = "The attempted operation cannot be performed in the current state (Powered off)."
)

// attach puts the volume's disk into the caller (docs/original.md §2.7). It is idempotent; the file lock, not the
// metadata, says whether another VM has the disk.
func (s *Service) attach(ctx context.Context, c *call) (reply []byte, fault string) {
	var before Meta
	if !s.step("esx.attach.read", c.volume) {
		before, _ = s.readMeta(ctx, c.group.files, c.target, c.label)
	}
	if before.Status == statusAttached && s.quirk.has(attachRepairs) {
		before = s.repair(ctx, c, before)
	}
	if s.step("esx.attach.find", c.volume) {
		return nil, stepFault
	}

	s.env.Touch(c.vm.label, s.quirk.has(noVMLock))
	s.mu.lock()
	m := s.lookup(c.vm)
	var sl *slot
	var bus int
	var there, busy, grow, full bool
	if m != nil {
		sl = m.find(c.target)
		there = sl != nil && sl.state == plugged
		if busy = !there && !m.begin(s.quirk.has(noVMLock)); !there && !busy {
			bus, grow, full = m.growth()
		}
	}
	s.mu.unlock()
	switch {
	case m == nil:
		return nil, c.vm.notFound()
	case there && s.quirk.has(attachOnce):
		return nil, alreadyAttached("The disk is already in the virtual machine.", before, c)
	case there:
		s.saw(seenHere)
		c.vm = m
		s.recordAttached(ctx, c, nil)
		return s.deviceReply(c, sl.at)
	case busy:
		s.saw(seenBusy)
		return nil, alreadyAttached(faultBusy, before, c)
	case full:
		s.end(m)
		return nil, faultFull
	}
	c.vm = m
	if grow {
		if s.quirk.has(controllerWithDisk) {
			s.stage.Before("esx.attach.plug", c.volume)
			s.end(m)
			return nil, errors.Join(errors.New(faultOff), s.PowerOff(ctx, m.ID)).Error()
		}
		if fault := s.grow(c, bus); fault != "" {
			s.end(m)
			return s.controllerFault(fault)
		}
	}

	switch s.checkpoint("esx.attach.plug", c.volume, s.failOrBusy) {
	case chosenFail:
		s.end(m)
		return nil, alreadyAttached(generalFault, before, c)
	case chosenBusy:
		s.saw(seenBusy)
		s.end(m)
		return nil, alreadyAttached(faultBusy, before, c)
	}
	at, err := s.plug(ctx, c)
	s.end(m)
	switch {
	case errors.Is(err, errFull):
		return nil, faultFull
	case err != nil:
		return nil, alreadyAttached(err.Error(), before, c)
	case at.ControllerPciBusNumber == "": // the original stumbles before it writes the metadata
		return nil, faultNoBridge
	}
	s.recordAttached(ctx, c, at)
	return s.deviceReply(c, *at)
}

// repair clears metadata that names a VM which does not run here (quirk attach-repairs-stale).
func (s *Service) repair(ctx context.Context, c *call, before Meta) Meta {
	s.mu.lock()
	owner := s.recorded(before.AttachedUUID)
	stale := owner == nil || !owner.on
	s.mu.unlock()
	if stale && !s.fails("esx.attach.repair", c.volume) {
		before = before.detached()
		_ = s.writeMeta(ctx, c.group.files, c.target, c.label, before) // logged there
	}
	return before
}

// faultNoBridge is what comes of a device that cannot be described: the original looks into nothing.
const faultNoBridge = `Server returned an error: TypeError("'NoneType' object is not subscriptable")`

func (s *Service) deviceReply(c *call, at wire.Device) (reply []byte, fault string) {
	switch {
	case s.step("esx.attach.reply", c.volume):
		return nil, stepFault
	case at.ControllerPciBusNumber == "":
		return nil, faultNoBridge
	}
	s.mu.lock()
	defer s.mu.unlock()
	return s.memo.device(at), ""
}

// alreadyAttached completes the fault of a reconfigure task by what the metadata said before.
func alreadyAttached(fault string, before Meta, c *call) string {
	if before.Status != statusAttached {
		return fault
	}
	owner := before.AttachedName
	if owner == "" {
		owner = "None"
	}
	fault += " disk " + c.group.path(c.target) + " already attached to VM=" + owner
	if before.AttachedUUID == c.vm.BIOSUUID {
		fault += "(Current VM)"
	}
	return fault
}

var errFull = errors.New("esxsim: vm is full")

// plug is the reconfigure task that adds the disk. Its error is the fault text, or errFull.
func (s *Service) plug(ctx context.Context, c *call) (*wire.Device, error) {
	m := c.vm
	s.env.Touch(m.label, true)
	s.env.Touch(c.label.disk, true)
	s.mu.lock()
	var sl *slot
	var err error
	switch {
	case m.state() != "":
		err = errors.New(m.state())
	case m.find(c.target) != nil: // left by a power-off that is not done yet
		err = errors.New(faultBusy)
	default:
		if sl = m.reserve(c.target, &s.room); sl == nil {
			err = errFull
		}
	}
	s.mu.unlock()
	if err != nil {
		return nil, err
	}

	disk, err := c.group.files.LockDisk(ctx, c.target, m.ID)
	if errors.Is(err, ErrLocked) && s.quirk.has(fileLockIgnored) {
		disk, err = c.group.files.StatDisk(ctx, c.target)
	}
	switch {
	case errors.Is(err, ErrLocked):
		err = errors.New("Failed to lock the file")
	case errors.Is(err, ErrNotExist):
		err = errors.New("File " + c.group.path(c.target) + " was not found")
	case err == nil:
		if err = s.bus.Plug(ctx, m.ID, sl.at, disk); err != nil {
			err = errors.Join(err, s.store.UnlockDisk(ctx, c.target, m.ID))
		}
	}

	s.mu.lock()
	off := err == nil && m.state() != ""
	switch {
	case off:
		sl.disk, sl.state = disk, leaving
	case err != nil:
		m.drop(sl)
	default:
		sl.disk, sl.state = disk, plugged
	}
	s.mu.unlock()
	if off { // the power went while the task ran; PowerOff left this disk to us
		return nil, errors.Join(errors.New(faultOff), s.pullOut(ctx, m, sl))
	}
	return &sl.at, err
}

// recordAttached writes into the metadata who has the disk; at is nil to keep the recorded place. A failure is only
// logged: the disk is attached, and the metadata says otherwise from then on. Metadata that was unreadable is replaced by an object
// that has lost the options (docs/original.md §2.14, D12).
func (s *Service) recordAttached(ctx context.Context, c *call, at *wire.Device) {
	if s.checkpoint("esx.attach.meta", c.volume, s.failOnly) != 0 {
		s.log.Warn("metadata not written", "host", s.cfg.Host, "volume", c.volume, "err", "simulated fault")
		return
	}
	meta, ok := s.readMeta(ctx, c.group.files, c.target, c.label)
	if !ok && !s.quirk.has(optionsLost) {
		return
	}
	_ = s.writeMeta(ctx, c.group.files, c.target, c.label, meta.attachedTo(&c.vm.VM, at)) // logged there
}

// begin starts a reconfigure task; false if one runs. While VMs have locks there is never a second one.
func (m *machine) begin(noVMLock bool) bool {
	if !noVMLock {
		return true
	}
	if m.busy {
		return false
	}
	m.busy = true
	return true
}

func (s *Service) end(m *machine) {
	if s.quirk.has(noVMLock) {
		s.env.Touch(m.label, true)
		s.mu.lock()
		m.busy = false
		s.mu.unlock()
	}
}
