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
	before, _ := s.readMeta(ctx, c.target, c.label)
	m := c.vm

	s.env.Touch(m.label, s.quirk.noVMLock)
	s.mu.lock()
	gone := s.vms[m.ID] != m
	sl := m.find(c.target)
	there := sl != nil && sl.state == plugged
	busy := !gone && !there && !m.begin(s.quirk.noVMLock)
	s.mu.unlock()
	switch {
	case gone:
		return nil, m.notFound()
	case there:
		s.saw(seenHere)
		s.recordAttached(ctx, c, nil)
		return deviceReply(sl.at), ""
	case busy:
		s.saw(seenBusy)
		return nil, alreadyAttached(faultBusy, before, c)
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
	}
	s.recordAttached(ctx, c, &at)
	return deviceReply(at), ""
}

func deviceReply(at wire.Device) []byte {
	return wire.AppendDevice(make([]byte, 0, 96), at)
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
	fault += " disk " + vmdkPath(c.target) + " already attached to VM=" + owner
	if before.AttachedUUID == c.vm.BIOSUUID {
		fault += "(Current VM)"
	}
	return fault
}

var errFull = errors.New("esxsim: vm is full")

// plug is the reconfigure task that adds the disk. Its error is the fault text, or errFull.
func (s *Service) plug(ctx context.Context, c *call) (wire.Device, error) {
	m := c.vm
	s.env.Touch(m.label, true)
	s.env.Touch(c.label.disk, true)
	s.mu.lock()
	var sl *slot
	var err error
	switch {
	case !m.on:
		err = errors.New(faultOff)
	case m.find(c.target) != nil: // left by a power-off that is not done yet
		err = errors.New(faultBusy)
	default:
		if sl = m.reserve(c.target); sl == nil {
			err = errFull
		}
	}
	s.mu.unlock()
	if err != nil {
		return wire.Device{}, err
	}

	disk, err := s.store.LockDisk(ctx, c.target, m.ID)
	switch {
	case errors.Is(err, ErrLocked):
		err = errors.New("Failed to lock the file")
	case errors.Is(err, ErrNotExist):
		err = errors.New("File " + vmdkPath(c.target) + " was not found")
	case err == nil:
		if err = s.bus.Plug(ctx, m.ID, sl.at, disk); err != nil {
			err = errors.Join(err, s.store.UnlockDisk(ctx, c.target, m.ID))
		}
	}

	s.mu.lock()
	off := err == nil && !m.on
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
		return wire.Device{}, errors.Join(errors.New(faultOff), s.pullOut(ctx, m, sl))
	}
	return sl.at, err
}

// recordAttached writes into the metadata who has the disk; at is nil to keep the recorded place. A failure is only
// logged: the disk is attached, and the metadata says otherwise from then on. Metadata that was unreadable is replaced by an object
// that has lost the options (docs/original.md §2.14, D12).
func (s *Service) recordAttached(ctx context.Context, c *call, at *wire.Device) {
	if s.checkpoint("esx.attach.meta", c.volume, s.failOnly) != 0 {
		s.log.Warn("metadata not written", "host", s.cfg.Host, "volume", c.volume, "err", "simulated fault")
		return
	}
	meta, _ := s.readMeta(ctx, c.target, c.label)
	_ = s.writeMeta(ctx, c.target, c.label, meta.attachedTo(c.vm.VM, at)) // logged there
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
	if s.quirk.noVMLock {
		s.env.Touch(m.label, true)
		s.mu.lock()
		m.busy = false
		s.mu.unlock()
	}
}
