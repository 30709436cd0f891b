package esxsim

import (
	"context"
	"errors"
	"strings"

	"vmdkvol/driver/wire"
)

// AuthDBPath is where the config database of an ESX host is, as the service's texts show it.
const AuthDBPath = "/etc/vmware/vmdkops/auth-db"

// noSuchVmgroup is the vmgroup of a forced detach in names of locks and paths.
const noSuchVmgroup = "__NoSuchTenant__"

// groupless answers a VM without a vmgroup, or one whose vmgroup cannot be found out (docs/original.md §2.2 (4)).
func (s *Service) groupless(ctx context.Context, m *machine, r *request, fault string) []byte {
	switch r.cmd {
	case wire.List:
		return wire.AppendList(nil, nil)
	case wire.Detach:
		if s.quirk.has(noForceDetach) {
			return errorReply(fault)
		}
		return s.forceDetach(ctx, m, r, fault)
	default:
		return errorReply(fault)
	}
}

// forceDetach takes a disk out of its VM by its name alone, because nobody knows its vmgroup (docs/original.md §2.8, D17).
func (s *Service) forceDetach(ctx context.Context, m *machine, r *request, fault string) []byte {
	if s.quirk.has(forceDetachBroken) {
		return errorReply(`Server returned an error: UnboundLocalError("local variable 'datastore' referenced before assignment")`)
	}
	volume, datastore, full := cutLast(r.name)
	if !full || datastore == "" {
		return errorReply(fault)
	}
	lock, err := s.locks.acquire(ctx, lockName(m.Home, noSuchVmgroup, volume))
	if err != nil {
		return errorReply(noVolumeLock + err.Error())
	}
	defer lock.release()
	s.mu.lock()
	sl := m.plugged(volume, datastore)
	s.mu.unlock()
	if sl == nil {
		return s.null
	}
	target := s.current(ctx, sl)
	g := &group{Vmgroup: Vmgroup{UUID: target.Vmgroup, Name: noSuchVmgroup}, files: s.store, locks: noSuchVmgroup}
	c := call{request: r, vm: m, group: g, target: target, label: s.label(g, target, m.Home)}
	reply, fault := s.reconfigure(ctx, &c)
	if fault != "" {
		return errorReply(fault)
	}
	return reply
}

// plugged returns the disk of a VM that has this name, whatever its vmgroup; nil if it has none. s.mu is held.
func (m *machine) plugged(volume, datastore string) *slot {
	for _, sl := range m.slots {
		if sl.volume.base().Name == volume && strings.EqualFold(sl.volume.Datastore, datastore) {
			return sl
		}
	}
	return nil
}

// discharge takes a removed volume off its vmgroup's account (docs/original.md §2.10 (4)). What the original answers if
// that fails is not an error to any client (D15).
func (s *Service) discharge(ctx context.Context, c *call) (reply []byte, fault string) {
	if c.group.db == nil {
		return s.null, ""
	}
	var err error = &DBError{AuthDBPath, errors.New("simulated fault")}
	if !s.fails("esx.remove.quota", c.volume) {
		s.env.Touch(configLabel, true)
		err = c.group.db.Discharge(ctx, c.target)
	}
	switch {
	case err == nil:
		return s.null, ""
	case s.quirk.has(malformedErrors):
		return appendJSON(nil, err.Error()), ""
	}
	return nil, err.Error()
}
