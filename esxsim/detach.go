package esxsim

import (
	"context"
)

// detach takes the volume's disk out of the caller (docs/original.md §2.8). A disk that is not there is success.
func (s *Service) detach(ctx context.Context, c *call) (reply []byte, fault string) {
	if s.step("esx.detach.find", c.volume) {
		return nil, stepFault
	}
	lost := c.group.lost(ctx)
	s.env.Touch(c.vm.label, s.quirk.has(noVMLock))
	s.mu.lock()
	m := s.lookup(c.vm)
	there := m != nil && m.find(c.target) != nil && !lost
	busy := there && !m.begin(s.quirk.has(noVMLock))
	s.mu.unlock()
	if m == nil {
		return nil, c.vm.notFound()
	}
	c.vm = m
	switch {
	case !there:
		s.healStale(ctx, c)
		return s.null, ""
	case busy:
		s.saw(seenBusy)
		return s.detachFailed(c, faultBusy)
	}

	switch s.checkpoint("esx.detach.unplug", c.volume, s.failOrBusy) {
	case chosenFail:
		s.end(m)
		return s.detachFailed(c, generalFault)
	case chosenBusy:
		s.saw(seenBusy)
		s.end(m)
		return s.detachFailed(c, faultBusy)
	}
	fault = s.unplug(ctx, c)
	s.end(m)
	if fault != "" {
		return s.detachFailed(c, fault)
	}
	s.recordDetached(ctx, c)
	return s.null, ""
}

// detachFailed is the fault of a reconfigure task, for which the service was once not prepared (docs/original.md B20).
func (s *Service) detachFailed(c *call, fault string) (reply []byte, text string) {
	if s.quirk.has(detachFaultEnds) {
		s.die()
		return nil, ""
	}
	return nil, "Failed to detach " + c.group.path(c.target) + ": " + fault
}

// unplug is the reconfigure task that removes the disk.
func (s *Service) unplug(ctx context.Context, c *call) (fault string) {
	m := c.vm
	s.env.Touch(m.label, true)
	s.env.Touch(c.label.disk, true)
	s.mu.lock()
	sl := m.find(c.target)
	free := sl != nil && sl.state == plugged
	state := m.state()
	if sl != nil && sl.state == configured { // nothing but the configuration of a VM that is off
		m.drop(sl)
		sl = nil
	}
	if free {
		sl.state = leaving
	}
	s.mu.unlock()
	switch {
	case sl == nil && m.gone:
		return state
	case sl == nil: // a power-off was faster
		return ""
	case !free && state != "":
		return state
	case !free:
		return faultBusy
	}

	if err := s.bus.Unplug(ctx, m.ID, sl.at, sl.disk); err != nil {
		s.mu.lock()
		off := !m.on
		if !off {
			sl.state = plugged
		}
		s.mu.unlock()
		if off { // PowerOff left this disk to us
			_ = s.pullOut(ctx, m, sl)
			return faultOff
		}
		return err.Error()
	}
	err := s.store.UnlockDisk(ctx, c.target, m.ID)
	s.mu.lock()
	m.drop(sl)
	s.mu.unlock()
	if err != nil {
		return err.Error()
	}
	return ""
}

// recordDetached clears the owner in the metadata; a failure is only logged, and the metadata says attached from then on.
func (s *Service) recordDetached(ctx context.Context, c *call) {
	if s.checkpoint("esx.detach.meta", c.volume, s.failOnly) != 0 {
		s.log.Warn("metadata not written", "host", s.cfg.Host, "volume", c.volume, "err", "simulated fault")
		return
	}
	meta, ok := s.readMeta(ctx, c.group.files, c.target, c.label)
	if !ok && !s.quirk.has(optionsLost) {
		return
	}
	_ = s.writeMeta(ctx, c.group.files, c.target, c.label, meta.detached()) // logged there
}

// healStale corrects metadata that says attached to the caller although it has no such disk. The original never does
// (docs/original.md D19).
func (s *Service) healStale(ctx context.Context, c *call) {
	if s.quirk.has(staleAttached) {
		return
	}
	meta, ok := s.readMeta(ctx, c.group.files, c.target, c.label)
	if ok && meta.Status == statusAttached && c.vm.named(meta) {
		s.recordDetached(ctx, c)
	}
}
