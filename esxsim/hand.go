package esxsim

import (
	"context"
	"errors"
	"fmt"
)

// A host that is a program puts disks into its VMs and takes them out by its own hand, too: when it starts and when it ends.
// It names a volume with its vmgroup, asks neither the config database nor the privileges of anybody, and there are no
// checkpoints on the way, but for those of the storage.

// PutIn puts the disk of a volume into a running VM, in the lowest free place, as it was when an earlier service had the VM;
// the metadata says so, if it can be read. A disk that is there already is an error.
func (s *Service) PutIn(ctx context.Context, id string, v Volume) (p Plugged, err error) {
	c, done, err := s.byHand(ctx, id, "put in", v)
	if err != nil {
		return p, err
	}
	defer done()
	failed := func(err error) error { return fmt.Errorf("esxsim: put %s into %s: %w", v.Name, id, err) }
	s.mu.lock()
	if c.vm.find(v) != nil {
		err = errors.New("it is there")
	}
	bus, grow, full := c.vm.growth()
	if grow && err == nil {
		c.vm.addController(bus)
	}
	s.mu.unlock()
	if full {
		err = errors.New(faultFull)
	}
	if err != nil {
		return p, failed(err)
	}
	at, err := s.plug(ctx, c)
	if err != nil {
		return p, failed(err)
	}
	p.At = *at
	s.mu.lock()
	if sl := c.vm.find(v); sl != nil {
		p.Disk = sl.disk
	}
	s.mu.unlock()
	if meta, ok := s.readMeta(ctx, s.store, v, c.label); ok {
		_ = s.writeMeta(ctx, s.store, v, c.label, meta.attachedTo(&c.vm.VM, at)) // logged there
	}
	return p, nil
}

// TakeOut takes a disk that [Service.Plugged] names out of a VM, and the metadata says so, if it can be read. A disk that is
// not in the VM is an error.
func (s *Service) TakeOut(ctx context.Context, id string, v Volume) error {
	c, done, err := s.byHand(ctx, id, "take out", v)
	if err != nil {
		return err
	}
	defer done()
	s.mu.lock()
	there := c.vm.find(v) != nil
	s.mu.unlock()
	fault := "it is not there"
	if there {
		fault = s.unplug(ctx, c)
	}
	if fault != "" {
		return fmt.Errorf("esxsim: take %s out of %s: %s", v.Name, id, fault)
	}
	if meta, ok := s.readMeta(ctx, s.store, v, c.label); ok {
		_ = s.writeMeta(ctx, s.store, v, c.label, meta.detached()) // logged there
	}
	return nil
}

// byHand makes a call without a request, and takes the lock of the VM for it.
func (s *Service) byHand(ctx context.Context, id, what string, v Volume) (c *call, done func(), err error) {
	s.mu.lock()
	m, err := s.find(id, what)
	s.mu.unlock()
	if err != nil {
		return nil, nil, err
	}
	// Nobody needs the vmgroup's name: it may be gone.
	g := &group{Vmgroup: Vmgroup{UUID: v.Vmgroup, Name: noSuchVmgroup}, files: s.store, locks: noSuchVmgroup}
	lock, err := s.vmLocks.acquire(ctx, m.BIOSUUID)
	if err != nil {
		return nil, nil, err
	}
	return &call{request: &request{volume: v.Name}, vm: m, group: g, target: v, label: s.label(g, v, m.Home)}, lock.release, nil
}
