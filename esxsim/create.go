package esxsim

import (
	"context"
	"errors"
	"maps"
	"time"

	"vmdkvol/driver/wire"
)

// create makes the disk, then its metadata (docs/original.md §2.6). It is not idempotent.
func (s *Service) create(ctx context.Context, c *call) (reply []byte, fault string) {
	if s.step("esx.create.exists", c.volume) {
		return nil, stepFault
	}
	v := c.target
	exists, fault := s.exists(ctx, c)
	switch {
	case fault != "":
		return nil, fault
	case exists && s.quirk.has(createRepeats):
		return wire.AppendNull(nil), ""
	case exists:
		return nil, "File " + vmdkPath(v) + " already exists"
	case c.mistyped != "":
		return nil, c.mistyped
	case s.step("esx.create.options", c.volume):
		return nil, stepFault
	}
	if fault := checkOptions(c.opts, s.policies(v.Datastore)); fault != "" {
		return nil, fault
	}
	format := Thin
	if f, ok := c.opts[optDiskFormat]; ok {
		format = Format(f)
	}
	if source, clone := c.opts[optCloneFrom]; clone {
		return s.clone(ctx, c, source, format)
	}
	size, fault := diskSize(c.opts)
	if fault != "" {
		return nil, fault
	}

	if s.fails("esx.create.disk", c.volume) {
		return nil, "Failed to create volume: " + generalFault
	}
	s.env.Touch(c.label.disk, true)
	s.env.Touch(c.label.list, true)
	if _, err := s.store.CreateDisk(ctx, v, size, format); err != nil {
		return nil, "Failed to create volume: " + newDiskFault(v, err)
	}
	if fault := s.setPolicy(ctx, c); fault != "" {
		return nil, fault
	}
	if s.fails("esx.create.meta", c.volume) || s.writeMeta(ctx, v, c.label, s.newMeta(c, format)) != nil {
		return nil, s.undo(ctx, c, "Failed to create metadata kv store for "+vmdkPath(v))
	}
	return wire.AppendNull(nil), ""
}

// newDiskFault is what the API of ESX says to a disk that cannot be made.
func newDiskFault(v Volume, err error) string {
	switch {
	case errors.Is(err, ErrExist):
		return "Cannot complete the operation because the file or folder " + vmdkPath(v) + " already exists"
	case errors.Is(err, ErrNoSpace):
		return "Insufficient disk space on datastore '" + v.Datastore + "'."
	default:
		return err.Error()
	}
}

// undo deletes the disk of a create that failed later, and returns its fault. If the disk cannot be deleted, the
// original stumbles over its own text (docs/original.md §2.6).
func (s *Service) undo(ctx context.Context, c *call, fault string) string {
	err := errors.New(generalFault)
	if !s.fails("esx.create.undo", c.volume) {
		s.env.Touch(c.label.disk, true)
		s.env.Touch(c.label.list, true)
		err = s.store.DeleteDisk(ctx, c.target)
	}
	if err != nil {
		s.log.Warn("disk without metadata stays", "host", s.cfg.Host, "volume", c.target.Name, "err", err)
		return "Server returned an error: TypeError('not all arguments converted during string formatting')"
	}
	return fault
}

// generalFault is what the API of ESX answers where a schedule chose the fault "fail".
const generalFault = "A general system error occurred: simulated fault"

// exists reports whether the volume's descriptor is there, or a data file of another volume that is called like it.
func (s *Service) exists(ctx context.Context, c *call) (bool, string) {
	s.env.Touch(c.label.disk, false)
	_, err := s.store.StatDisk(ctx, c.target)
	if err == nil {
		return true, ""
	}
	if !errors.Is(err, ErrNotExist) {
		return false, "Server returned an error: " + err.Error()
	}
	base, found := baseOfData(c.target)
	if !found {
		return false, ""
	}
	_, err = s.store.StatDisk(ctx, base)
	return err == nil, ""
}

// baseOfData returns the volume whose data file has the name of v's descriptor (docs/original.md D20).
func baseOfData(v Volume) (Volume, bool) {
	n := len(v.Name) - len("-flat")
	if n < 0 || v.Name[n:] != "-flat" {
		return Volume{}, false
	}
	v.Name = v.Name[:n]
	return v, true
}

// newMeta is the metadata of a volume that c makes.
func (s *Service) newMeta(c *call, format Format) Meta {
	opts := make(map[string]string, len(c.opts)+1)
	maps.Copy(opts, c.opts)
	opts[optDiskFormat] = string(format)
	return Meta{
		Status:    statusDetached,
		VolOpts:   opts,
		Created:   s.env.Now().UTC().Format(time.ANSIC), // C's asctime
		CreatedBy: c.vm.Name,
	}
}
