package esxsim

import (
	"context"
	"errors"
	"fmt"
)

const faultSuspended = "The attempted operation cannot be performed in the current state (Suspended)."

// state is the fault of a reconfigure task on a VM that does not run here, "" if it does. s.mu is held.
func (m *machine) state() string {
	switch {
	case m.gone:
		return m.notFound()
	case m.slept:
		return faultSuspended
	case !m.on:
		return faultOff
	}
	return ""
}

// settled reports whether no reconfigure task is about to change the disks. s.mu is held.
func (m *machine) settled() bool {
	for _, sl := range m.slots {
		if sl.state == plugging || sl.state == leaving {
			return false
		}
	}
	return true
}

func (s *Service) find(id, what string) (*machine, error) {
	if m := s.vms[id]; m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("esxsim: %s %s: no such vm", what, id)
}

// PowerOn starts a VM that is off, with the disks that are in its configuration still: those that no listener took away
// (docs/original.md §2.13). If another VM has one of them, the VM stays off. Starting a running VM does nothing; a
// suspended one needs [Service.Resume].
func (s *Service) PowerOn(ctx context.Context, id string) error {
	return s.wake(ctx, id, "power on", configured)
}

// Resume continues a suspended VM, if its disks can still be had.
func (s *Service) Resume(ctx context.Context, id string) error {
	return s.wake(ctx, id, "resume", frozen)
}

// wake takes the file locks of the disks that have the state from, and puts them into the guest if they are not there.
func (s *Service) wake(ctx context.Context, id, what string, from slotState) error {
	s.mu.lock()
	m, err := s.find(id, what)
	if err == nil {
		switch {
		case m.slept != (from == frozen):
			err = fmt.Errorf("esxsim: %s %s: the vm is not in a state for it", what, id)
		case m.on:
			s.mu.unlock()
			return nil
		case !m.settled():
			err = fmt.Errorf("esxsim: %s %s: %s", what, id, faultBusy)
		}
	}
	if err != nil {
		s.mu.unlock()
		return err
	}
	s.env.Touch(m.label, true)
	slots := m.slots[:len(m.slots):len(m.slots)]
	for _, sl := range slots {
		sl.state = leaving
	}
	s.mu.unlock()

	taken := 0
	for _, sl := range slots {
		s.env.Touch(s.label(&s.everyone, sl.volume, m.Home).disk, true)
		if err = s.arrive(ctx, m, sl, from); err != nil {
			break
		}
		taken++
	}
	if err != nil {
		for _, sl := range slots[:taken] {
			err = errors.Join(err, s.depart(ctx, m, sl, from))
		}
	}
	s.mu.lock()
	defer s.mu.unlock()
	for _, sl := range slots {
		sl.state = from
		if err == nil {
			sl.state = plugged
		}
	}
	if err == nil {
		m.on, m.slept = true, false
		return nil
	}
	return fmt.Errorf("esxsim: %s %s: %w", what, id, err)
}

// arrive gives a disk to a VM that wakes.
func (s *Service) arrive(ctx context.Context, m *machine, sl *slot, from slotState) error {
	v := s.current(ctx, sl)
	disk, err := s.store.LockDisk(ctx, v, m.ID)
	if err != nil {
		return err
	}
	sl.disk = disk
	if from == frozen {
		return nil
	}
	if err := s.bus.Plug(ctx, m.ID, sl.at, disk); err != nil {
		return errors.Join(err, s.store.UnlockDisk(ctx, v, m.ID))
	}
	return nil
}

// depart takes it away again.
func (s *Service) depart(ctx context.Context, m *machine, sl *slot, to slotState) error {
	var err error
	if to == configured {
		err = s.bus.Unplug(ctx, m.ID, sl.at, sl.disk)
	}
	s.env.Touch(s.label(&s.everyone, sl.volume, m.Home).disk, true)
	return errors.Join(err, s.store.UnlockDisk(ctx, s.current(ctx, sl), m.ID))
}

// PowerOff ends the VM at once, as [Service.CutPower] does, and then does what the listener does, if there is one.
func (s *Service) PowerOff(ctx context.Context, id string) error {
	heard, err := s.CutPower(ctx, id)
	if heard {
		s.Notice(ctx, id)
	}
	return err
}

// CutPower ends the VM at once: its disks vanish from the guest and their file locks are free, but they stay in the VM's
// configuration until the listener takes them out. Heard says that the listener of this host learns of it: then the
// caller lets [Service.Notice] run, sooner or later. Stopping a stopped VM does nothing.
func (s *Service) CutPower(ctx context.Context, id string) (heard bool, err error) {
	s.stage.Before("esx.poweroff", id)
	s.mu.lock()
	m, err := s.find(id, "power off")
	if err != nil {
		s.mu.unlock()
		return false, err
	}
	heard = (m.on || m.slept) && s.listener.hears(s.env.Now())
	s.mu.unlock()
	return heard, s.cut(ctx, m)
}

// cut ends a VM that is on or suspended.
func (s *Service) cut(ctx context.Context, m *machine) error {
	s.mu.lock()
	s.env.Touch(m.label, true)
	m.on, m.slept = false, false
	var gone, thawed []*slot
	for _, sl := range m.slots { // whoever plugs or unplugs one right now sees that the VM is off
		switch sl.state {
		case plugged:
			gone = append(gone, sl)
		case frozen:
			thawed = append(thawed, sl)
		default:
			continue
		}
		sl.state = leaving
	}
	s.mu.unlock()

	var failed []error
	for _, sl := range thawed { // another VM may have the disk by now
		failed = append(failed, s.bus.Unplug(ctx, m.ID, sl.at, sl.disk))
	}
	for _, sl := range gone {
		failed = append(failed, s.depart(ctx, m, sl, configured))
	}
	s.mu.lock()
	defer s.mu.unlock()
	for _, sl := range append(gone, thawed...) {
		sl.state = configured
	}
	return errors.Join(failed...)
}

// Suspend freezes the VM: its guest stays as it is, disks and all, and the file locks of its disks are free, because the
// process that held them has ended. No listener hears of it (docs/original.md §2.13). Suspending a suspended VM does
// nothing.
func (s *Service) Suspend(ctx context.Context, id string) error {
	s.stage.Before("esx.suspend", id)
	s.mu.lock()
	m, err := s.find(id, "suspend")
	switch {
	case err != nil:
	case m.slept:
		s.mu.unlock()
		return nil
	case !m.on:
		err = fmt.Errorf("esxsim: suspend %s: %s", id, faultOff)
	case !m.settled():
		err = fmt.Errorf("esxsim: suspend %s: %s", id, faultBusy)
	}
	if err != nil {
		s.mu.unlock()
		return err
	}
	s.env.Touch(m.label, true)
	m.on, m.slept = false, true
	slots := m.slots[:len(m.slots):len(m.slots)]
	for _, sl := range slots {
		sl.state = leaving
	}
	s.mu.unlock()
	for _, sl := range slots {
		err = errors.Join(err, s.depart(ctx, m, sl, frozen))
	}
	s.mu.lock()
	defer s.mu.unlock()
	for _, sl := range slots {
		sl.state = frozen
	}
	return err
}

// pullOut takes a leaving disk out of a machine for good.
func (s *Service) pullOut(ctx context.Context, m *machine, sl *slot) error {
	err := s.depart(ctx, m, sl, configured)
	s.mu.lock()
	defer s.mu.unlock()
	m.drop(sl)
	return err
}
