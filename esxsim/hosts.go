package esxsim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Several hosts are several services on one [Store], each with the datastores that it reaches, see [MemStore.Reach].
// They share nothing else: no lock of one holds for another, and only the file locks keep their VMs apart.

// Reach returns what a host sees of the datastores: those with the given names, its local ones among them.
func (s *MemStore) Reach(datastores ...string) Store {
	datastores = slices.Clone(datastores)
	slices.Sort(datastores)
	return &reach{s, datastores}
}

type reach struct {
	*MemStore
	datastores []string
}

// Datastores implements [Store].
func (r *reach) Datastores(context.Context) ([]string, error) { return r.datastores, nil }

// Move lets a VM go on on another host: a running one as vMotion does, without an event for any listener, and one that is
// off as its registration there, which is how high availability restarts it (then [Service.PowerOn]). The other host
// must reach the VM's home and the datastores of its disks, and no reconfigure task may run. Commands that this host
// still executes for the VM do not find it any more.
func (s *Service) Move(ctx context.Context, id string, to *Service) error {
	s.stage.Before("esx.move", id)
	if s == to {
		return fmt.Errorf("esxsim: move %s: it is on that host", id)
	}
	reached, err := to.store.Datastores(ctx)
	if err != nil {
		return fmt.Errorf("esxsim: move %s: %w", id, err)
	}
	s.mu.lock()
	m, err := s.find(id, "move")
	if err == nil {
		err = m.movable(reached)
	}
	if err != nil {
		s.mu.unlock()
		return err
	}
	s.env.Touch(m.label, true)
	m.gone = true
	s.forget(m)
	n := *m
	n.gone, m.slots = false, nil
	s.mu.unlock()
	if err = to.adopt(&n); err == nil {
		return nil
	}
	s.mu.lock()
	defer s.mu.unlock()
	m.gone, m.slots = false, n.slots
	s.vms[m.ID], s.uuids[m.metaUUID()], s.asked = m, m, nil
	return fmt.Errorf("esxsim: move %s: %w", id, err)
}

func (m *machine) movable(reached []string) error {
	if !m.settled() {
		return fmt.Errorf("esxsim: move %s: %s", m.ID, faultBusy)
	}
	for _, sl := range m.slots {
		if !slices.Contains(reached, sl.volume.Datastore) {
			return fmt.Errorf("esxsim: move %s: that host does not reach datastore %s of disk %s", m.ID, sl.volume.Datastore, sl.volume.Name)
		}
	}
	if !slices.Contains(reached, m.Home) {
		return fmt.Errorf("esxsim: move %s: that host does not reach datastore %s, the vm's home", m.ID, m.Home)
	}
	return nil
}

// adopt registers a machine of another host.
func (s *Service) adopt(m *machine) error {
	s.mu.lock()
	defer s.mu.unlock()
	if err := s.vacant(&m.VM); err != nil {
		return err
	}
	s.vms[m.ID], s.uuids[m.metaUUID()], s.asked = m, m, nil
	return nil
}

// vacant reports whether a VM's names are taken. s.mu is held.
func (s *Service) vacant(vm *VM) error {
	if s.vms[vm.ID] != nil || s.uuids[vm.metaUUID()] != nil {
		return errors.New("its id or uuid is taken")
	}
	for _, other := range s.vms {
		if other.BIOSUUID == vm.BIOSUUID && (vm.InstanceUUID == "" || other.InstanceUUID == "") {
			return errors.New("its bios uuid is taken")
		}
	}
	return nil
}

// forget is the end of a registration. s.mu is held.
func (s *Service) forget(m *machine) {
	delete(s.uuids, m.metaUUID())
	delete(s.vms, m.ID)
	s.asked = nil
}

// Fail is the end of the host itself, and of all its VMs: their disks vanish and the file locks are free, but no listener
// sees it, so that the metadata stays as it is (docs/original.md §2.13). It returns the VMs that ran, sorted; they can be
// moved and started elsewhere. The caller ends the commands that the service executes.
func (s *Service) Fail(ctx context.Context) (ran []string, err error) {
	s.stage.Before("esx.fail", s.cfg.Host)
	s.mu.lock()
	ids := sorted(s.vms)
	s.process.abandon(s.copying)
	s.mu.unlock()
	for _, id := range ids {
		s.mu.lock()
		m := s.vms[id]
		on := m != nil && (m.on || m.slept)
		if on && m.on {
			ran = append(ran, id)
		}
		s.mu.unlock()
		if on {
			err = errors.Join(err, s.cut(ctx, m))
		}
	}
	return ran, err
}

// Rename gives a VM another display name. Metadata that was written before keeps the old one (docs/original.md D28). No
// command of the VM may run meanwhile, unless the service is Serial; the threads of an explorer take turns, which the race
// detector does not know.
//
//go:norace
func (s *Service) Rename(id, name string) error {
	s.mu.lock()
	defer s.mu.unlock()
	m, err := s.find(id, "rename")
	switch {
	case err != nil:
		return err
	case name == "":
		return fmt.Errorf("esxsim: rename %s: no name", id)
	}
	s.env.Touch(m.label, true)
	m.Name = name
	return nil
}

// Has reports whether the VM is on this host.
func (s *Service) Has(id string) bool {
	s.mu.lock()
	defer s.mu.unlock()
	return s.vms[id] != nil
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
