package esxsim

import (
	"context"
	"errors"
	"time"
)

const (
	removeRetries = 5
	removePause   = time.Second
)

// remove deletes the metadata, then the disk (docs/original.md §2.10). A volume that does not exist is success.
func (s *Service) remove(ctx context.Context, c *call) (reply []byte, fault string) {
	if s.step("esx.remove.check", c.volume) {
		return nil, stepFault
	}
	v := c.target
	meta, readable := s.readMeta(ctx, c.group.files, v, c.label)
	if meta.Status == statusAttached && !s.quirk.has(removeInUse) {
		owner := meta.AttachedName
		if owner == "" {
			owner = "None"
		}
		return nil, "Failed to remove volume " + c.volume + ", in use by VM = " + owner + "."
	}

	if s.checkpoint("esx.remove.meta", c.volume, s.failOnly) != 0 {
		return nil, "Failed to remove volume: " + generalFault
	}
	s.env.Touch(c.label.meta, true)
	if err := c.group.files.DeleteMeta(ctx, v); err != nil && !errors.Is(err, ErrNotExist) {
		return nil, "Failed to remove volume: " + err.Error()
	}

	fault, again := s.deleteDisk(ctx, c)
	for try := 0; again && try < removeRetries && !s.quirk.has(removeOnce); try++ {
		if err := s.env.Sleep(ctx, removePause); err != nil {
			break
		}
		fault, again = s.deleteDisk(ctx, c)
	}
	if fault == "" {
		return s.discharge(ctx, c)
	}
	if readable && !s.quirk.has(removeInUse) && !s.fails("esx.remove.restore", c.volume) {
		_ = s.writeMeta(ctx, c.group.files, v, c.label, meta) // logged there
	}
	return nil, "Failed to remove volume: " + fault
}

// deleteDisk deletes the disk; again says that the original would try it once more.
func (s *Service) deleteDisk(ctx context.Context, c *call) (fault string, again bool) {
	switch s.checkpoint("esx.remove.disk", c.volume, s.failOrFile) {
	case chosenFail:
		return generalFault, false
	case chosenFile:
		return "Error caused by file " + c.group.path(c.target), true
	}
	s.env.Touch(c.label.disk, true)
	s.env.Touch(c.label.list, true)
	switch err := c.group.files.DeleteDisk(ctx, c.target); {
	case err == nil || errors.Is(err, ErrNotExist):
		return "", false
	case errors.Is(err, ErrLocked):
		return "Unable to access file " + c.group.path(c.target) + " since it is locked", false
	default:
		return err.Error(), false
	}
}
