package esxsim

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// cloneSource resolves the name of a clone's source; a short one is on the datastore of the clone
// (docs/original.md §2.6).
func (s *Service) cloneSource(ctx context.Context, c *call, name string) (src Volume, fault string) {
	source := parseName(name)
	src, fault = s.locate(ctx, c.group, &source, c.vm.Home, &c.target)
	if fault == "" && s.snapshots != nil {
		src, _ = s.newest(ctx, src)
	}
	return src, fault
}

// sourceLock is the name under which a clone locks its source: the source's own datastore, not the home of anybody
// (docs/original.md §2.11).
func (s *Service) sourceLock(g *group, src Volume) string {
	name := src.Name
	if snapshotName(name) {
		name = name[:len(name)-len("-000000")]
	}
	if s.quirk.has(cloneSourceUnlocked | lockByName) {
		return name
	}
	return lockName(src.Datastore, g.locks, name)
}

// inOrder returns the names of the locks of a clone and its source in the order in which nobody can wait in a circle;
// the second is "" if they are one. It is for a service without quirk clone-deadlock.
func (s *Service) inOrder(ctx context.Context, c *call) (first, second string) {
	first = c.label.lock
	src, fault := s.cloneSource(ctx, c, c.opts[optCloneFrom])
	if fault != "" { // which is reported when its turn comes
		return first, ""
	}
	switch second = s.sourceLock(c.group, src); {
	case second == first:
		return first, ""
	case second < first:
		return second, first
	}
	return first, second
}

// clone copies a volume (docs/original.md §2.6). The lock of the source is held until the copy is made.
func (s *Service) clone(ctx context.Context, c *call, name string, format Format) (reply []byte, fault string) {
	src, fault := s.cloneSource(ctx, c, name)
	switch {
	case fault != "":
		return nil, fault
	case s.step("esx.clone.source", c.volume):
		return nil, stepFault
	}
	if fault := s.permitSource(ctx, c, src); fault != "" {
		return nil, fault
	}
	from := s.label(c.group, src, c.vm.Home)
	s.env.Touch(from.disk, false)
	source, err := c.group.files.StatDisk(ctx, src)
	if err != nil {
		return nil, "Could not find volume for cloning " + name
	}
	c.size = source.Size
	if fault := s.copyLocked(ctx, c, src, from, format); fault != "" {
		return nil, fault
	}

	v := c.target
	meta, ok := s.readMeta(ctx, c.group.files, v, c.label)
	if !ok {
		return nil, s.undo(ctx, c, "Failed to create volume KV for "+c.volume)
	}
	if !s.quirk.has(cloneKeepsSidecar) && (s.fails("esx.clone.meta", c.volume) ||
		s.writeMeta(ctx, c.group.files, v, c.label, s.cloneMeta(c, meta, name, format)) != nil) {
		s.env.Touch(c.label.meta, true)
		_ = c.group.files.DeleteMeta(ctx, v) // it goes with its disk
		return nil, s.undo(ctx, c, "Failed to create metadata kv store for "+c.group.path(v))
	}
	if fault := s.setPolicy(ctx, c); fault != "" {
		s.env.Touch(c.label.meta, true)
		_ = c.group.files.DeleteMeta(ctx, v)
		return nil, fault
	}
	return s.null, ""
}

// copyLocked copies the source, with its sidecar, under its lock.
func (s *Service) copyLocked(ctx context.Context, c *call, src Volume, from *labels, format Format) (fault string) {
	if s.quirk.has(cloneDeadlock) { // else it is held
		lock, err := s.locks.acquire(ctx, s.sourceLock(c.group, src))
		if err != nil {
			return noVolumeLock + err.Error()
		}
		defer lock.release()
	}
	if !s.step("esx.clone.inuse", c.volume) {
		if meta, _ := s.readMeta(ctx, c.group.files, src, from); meta.Status == statusAttached {
			s.log.Warn("source of a clone is attached", "host", s.cfg.Host, "volume", src.Name, "vm", meta.AttachedName)
		}
	}
	if fault := s.permitClone(ctx, c); fault != "" {
		return fault
	}
	if fault := s.reserve(ctx, c); fault != "" {
		return fault
	}
	if s.fails("esx.clone.copy", c.volume) {
		return "Failed to clone volume: " + generalFault
	}
	err := s.copyDisk(ctx, c, src, from, format)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errCopy):
		fault = generalFault
	case errors.Is(err, ErrLocked):
		fault = "Failed to lock the file"
	case errors.Is(err, ErrNotExist):
		fault = "File " + c.group.path(src) + " was not found"
	default:
		fault = newDiskFault(c, err)
	}
	return "Failed to clone volume: " + fault
}

var errCopy = errors.New("esxsim: the copy failed")

// copyDisk makes the disk, fills it, and copies the sidecar, in steps that others can see if the store has such; its file
// and that of the source are locked until the disk is filled.
func (s *Service) copyDisk(ctx context.Context, c *call, src Volume, from *labels, format Format) error {
	s.env.Touch(from.disk, true)
	s.env.Touch(c.label.disk, true)
	s.env.Touch(c.label.list, true)
	if s.copying == nil {
		_, err := c.group.files.CloneDisk(ctx, src, c.target, format)
		return err
	}
	if c.group.lost(ctx) {
		return ErrNotExist
	}
	if _, err := s.copying.BeginCopy(ctx, src, c.target, format); err != nil {
		return err
	}
	s.mu.lock()
	p := s.process
	p.copies = append(p.copies, copied{src, c.target})
	s.mu.unlock()

	complete := !s.fails("esx.clone.copied", c.volume)
	s.env.Touch(from.disk, true)
	s.env.Touch(c.label.disk, true)
	s.copying.EndCopy(src, c.target, complete)
	s.mu.lock()
	p.copies = slices.DeleteFunc(p.copies, func(x copied) bool { return x.to == c.target })
	s.mu.unlock()
	if !complete { // whoever copies takes away what he has
		s.env.Touch(c.label.list, true)
		return errors.Join(errCopy, s.store.DeleteDisk(ctx, c.target))
	}

	if s.fails("esx.clone.sidecar", c.volume) {
		return nil // which is found out when it is read
	}
	s.env.Touch(from.meta, false)
	text, err := c.group.files.ReadMeta(ctx, src)
	if err == nil {
		s.env.Touch(c.label.meta, true)
		err = c.group.files.WriteMeta(ctx, c.target, text)
	}
	if err != nil {
		s.log.Warn("sidecar not copied", "host", s.cfg.Host, "volume", src.Name, "err", err)
	}
	return nil
}

// cloneMeta is the metadata of a clone, made of that of its source. Size and file system stay; so does, in the original,
// who had the source (docs/original.md D11).
func (s *Service) cloneMeta(c *call, of Meta, source string, format Format) Meta {
	short, _, _ := cutLast(source)
	opts := make(map[string]string, len(of.VolOpts)+4)
	maps.Copy(opts, of.VolOpts)
	opts[optCloneFrom], opts[optDiskFormat] = short, string(format)
	for _, key := range []string{optAccess, optAttachAs} {
		if value, ok := c.opts[key]; ok {
			opts[key] = value
		}
	}
	of.VolOpts = opts
	of.Created = s.env.Now().UTC().Format(time.ANSIC)
	of.CreatedBy = c.vm.Name
	if !s.quirk.has(cloneInheritsOwner) {
		of.Status, of.AttachedUUID, of.AttachedName, of.Device = statusDetached, "", "", nil
	}
	return of
}
