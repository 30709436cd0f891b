package esxsim

import (
	"context"
	"errors"
	"strings"

	"vmdkvol/driver/wire"
)

// get describes a volume (docs/original.md §2.9).
func (s *Service) get(ctx context.Context, c *call) (reply []byte, fault string) {
	if s.step("esx.get.exists", c.volume) {
		return nil, stepFault
	}
	disk, exists, fault := s.look(ctx, c)
	if fault != "" {
		return nil, fault
	}
	if !exists {
		return nil, "Volume " + c.volume + " not found (file: " + c.group.path(c.target) + ")"
	}
	var meta Meta
	ok := !s.step("esx.get.meta", c.volume)
	if ok {
		meta, ok = s.readMeta(ctx, c.group.files, c.target, c.label)
	}
	if ok = ok && !s.step("esx.get.size", c.volume); ok && (disk.ID == "" || s.cfg.EveryStep || s.cfg.SharedStore) {
		var err error // else nobody was let in since the first look
		disk, err = c.group.files.StatDisk(ctx, c.target)
		ok = err == nil
	}
	if s.quirk.has(nullGet) {
		// Any exception is null, so that of a missing key, too.
		if !ok || meta.Status == "" || meta.Created == "" || meta.CreatedBy == "" {
			return s.null, ""
		}
	} else if !ok {
		return nil, "Metadata of volume " + c.volume + " cannot be read (file: " + c.group.path(c.target) + ")"
	}
	return s.describe(&meta, &disk), ""
}

// describe is the reply to get.
func (s *Service) describe(m *Meta, d *Disk) []byte {
	s.mu.lock()
	defer s.mu.unlock()
	key := descriptionKey{size: d.Size, allocated: d.Allocated, datastore: d.Datastore}
	key.meta.of(m)
	if m.AttachedUUID != "" {
		key.owner = s.ownerName(m)
	}
	if known := s.memo.descriptions.find(&key); known != nil {
		return known.bytes
	}
	made := description(m, d, key.owner)
	s.memo.descriptions.add(&key, text{made, m.VolOpts})
	return made
}

func description(m *Meta, d *Disk, owner string) []byte {
	v := wire.Volume{
		CreatedBy: m.CreatedBy,
		Created:   m.Created,
		Status:    m.Status,
		Capacity:  wire.Capacity{Size: humanSize(d.Size), Allocated: humanSize(d.Allocated)},
		Datastore: d.Datastore,
		Device:    m.Device,

		AttachedTo: owner,
	}
	if m.VolOpts != nil {
		option := func(key, byDefault string) string {
			if value, ok := m.VolOpts[key]; ok {
				return value
			}
			return byDefault
		}
		v.FSType = option(optFSType, "")
		v.Policy = option(optPolicy, "")
		v.DiskFormat = option(optDiskFormat, string(Thin))
		v.AttachAs = option(optAttachAs, defaultAttachAs)
		v.Access = option(optAccess, defaultAccess)
		v.CloneFrom = option(optCloneFrom, noClone)
	}
	return wire.AppendVolume(make([]byte, 0, 512), v)
}

// ownerName is the name of the VM that metadata says has the disk: today's if the VM is here, else the recorded one. s.mu is
// held.
func (s *Service) ownerName(m *Meta) string {
	if vm := s.recorded(m.AttachedUUID); vm != nil {
		return vm.Name
	}
	if m.AttachedName != "" {
		return m.AttachedName
	}
	return m.AttachedUUID
}

// recorded is the VM that metadata means by a uuid: that of the instance, or as an old record has it, of the BIOS. s.mu is
// held.
func (s *Service) recorded(uuid string) *machine {
	if m := s.uuids[uuid]; m != nil || uuid == "" {
		return m
	}
	for _, id := range sorted(s.vms) {
		if m := s.vms[id]; m.BIOSUUID == uuid {
			return m
		}
	}
	return nil
}

// named reports whether metadata says by a uuid that the VM has the disk.
func (vm *VM) named(m Meta) bool {
	return m.AttachedUUID != "" && (m.AttachedUUID == vm.InstanceUUID || m.AttachedUUID == vm.BIOSUUID)
}

// list names all volumes on all datastores, always with their datastore, under no lock (docs/original.md §2.10).
func (s *Service) list(ctx context.Context, m *machine, g *group) []byte {
	s.refresh(m.ID)
	datastores, err := s.store.Datastores(ctx)
	if err != nil {
		return errorReply("Server returned an error: " + err.Error())
	}
	var volumes []wire.Listed
	for _, ds := range datastores {
		if s.step("esx.list.datastore", ds) {
			return errorReply(stepFault)
		}
		s.env.Touch(listLabel(ds), false)
		names, err := s.store.List(ctx, ds, g.UUID)
		if err != nil && !errors.Is(err, ErrNotExist) {
			return errorReply("Server returned an error: " + err.Error())
		}
		for _, name := range names {
			switch on := s.quirk.has(reservedNames); {
			case snapshotName(name) || on && hidden(name):
				continue
			case on:
				name = strings.ReplaceAll(name, ".vmdk", "")
			}
			volumes = append(volumes, wire.Listed{Name: name + "@" + ds})
		}
	}
	return wire.AppendList(nil, volumes)
}

// hidden reports whether list takes a volume for a part of another one.
func hidden(name string) bool {
	return reservedSuffix(name) != "" || snapshotName(name)
}
