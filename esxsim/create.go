package esxsim

import (
	"context"
	"errors"
	"maps"
	"time"
)

// create makes the disk, then its metadata, then charges it (docs/original.md §2.6). It is not idempotent.
func (s *Service) create(ctx context.Context, c *call) (reply []byte, fault string) {
	reply, fault, made := s.makeVolume(ctx, c)
	if made || fault != "" {
		s.settle(ctx, c, fault)
	}
	return reply, fault
}

func (s *Service) makeVolume(ctx context.Context, c *call) (reply []byte, fault string, made bool) {
	if s.step("esx.create.exists", c.volume) {
		return nil, stepFault, false
	}
	v := c.target
	exists, fault := s.exists(ctx, c)
	switch {
	case fault != "":
		return nil, fault, false
	case exists && s.quirk.has(createRepeats):
		return s.null, "", false
	case exists:
		return nil, c.label.exists, false
	case c.mistyped != "":
		return nil, c.mistyped, false
	case s.step("esx.create.options", c.volume):
		return nil, stepFault, false
	}
	if fault := checkOptions(c.opts, s.knownPolicies(ctx, v.Datastore)); fault != "" {
		return nil, fault, false
	}
	format := Thin
	if f, ok := c.opts[optDiskFormat]; ok {
		format = Format(f)
	}
	if source, clone := c.opts[optCloneFrom]; clone {
		reply, fault = s.clone(ctx, c, source, format)
		return reply, fault, fault == ""
	}
	if c.size, fault = diskSize(c.opts); fault == "" {
		fault = s.reserve(ctx, c)
	}
	if fault != "" {
		return nil, fault, false
	}

	if s.fails("esx.create.disk", c.volume) {
		return nil, "Failed to create volume: " + generalFault, false
	}
	s.env.Touch(c.label.disk, true)
	s.env.Touch(c.label.list, true)
	if _, err := c.group.files.CreateDisk(ctx, v, c.size, format); err != nil {
		return nil, "Failed to create volume: " + newDiskFault(c, err), false
	}
	if fault := s.setPolicy(ctx, c); fault != "" {
		return nil, fault, false
	}
	if s.fails("esx.create.meta", c.volume) || s.writeMeta(ctx, c.group.files, v, c.label, s.newMeta(c, format)) != nil {
		return nil, s.undo(ctx, c, "Failed to create metadata kv store for "+c.group.path(v)), false
	}
	return s.null, "", true
}

// newDiskFault is what the API of ESX says to a disk that cannot be made.
func newDiskFault(c *call, err error) string {
	switch {
	case errors.Is(err, ErrExist):
		return "Cannot complete the operation because the file or folder " + c.group.path(c.target) + " already exists"
	case errors.Is(err, ErrNoSpace):
		return "Insufficient disk space on datastore '" + c.target.Datastore + "'."
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
		err = c.group.files.DeleteDisk(ctx, c.target)
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
	_, exists, fault := s.look(ctx, c)
	return exists, fault
}

// look is exists with the disk, which is no disk if its descriptor is another one's data.
func (s *Service) look(ctx context.Context, c *call) (d Disk, exists bool, fault string) {
	s.env.Touch(c.label.disk, false)
	d, err := c.group.files.StatDisk(ctx, c.target)
	if err == nil {
		return d, true, ""
	}
	if !errors.Is(err, ErrNotExist) {
		return d, false, "Server returned an error: " + err.Error()
	}
	base, found := baseOfData(c.target)
	if !found {
		return Disk{}, false, ""
	}
	_, err = c.group.files.StatDisk(ctx, base)
	return Disk{}, err == nil, ""
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
