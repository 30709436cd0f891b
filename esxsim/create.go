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
	v := c.target
	exists, fault := s.exists(ctx, c)
	switch {
	case fault != "":
		return nil, fault
	case exists:
		return nil, "File " + vmdkPath(v) + " already exists"
	case c.mistyped != "":
		return nil, c.mistyped
	}
	if fault := checkOptions(c.opts); fault != "" {
		return nil, fault
	}
	if _, clone := c.opts[optCloneFrom]; clone {
		return nil, "Failed to clone volume: this simulated host cannot clone"
	}
	size, fault := diskSize(c.opts)
	if fault != "" {
		return nil, fault
	}
	format := Thin
	if f, ok := c.opts[optDiskFormat]; ok {
		format = Format(f)
	}

	if s.checkpoint("esx.create.disk", c.volume, s.failOnly) != 0 {
		return nil, "Failed to create volume: " + generalFault
	}
	s.env.Touch(c.label.disk, true)
	s.env.Touch(c.label.list, true)
	switch _, err := s.store.CreateDisk(ctx, v, size, format); {
	case errors.Is(err, ErrExist):
		return nil, "Failed to create volume: Cannot complete the operation because the file or folder " + vmdkPath(v) + " already exists"
	case errors.Is(err, ErrNoSpace):
		return nil, "Failed to create volume: Insufficient disk space on datastore '" + v.Datastore + "'."
	case err != nil:
		return nil, "Failed to create volume: " + err.Error()
	}

	failed := s.checkpoint("esx.create.meta", c.volume, s.failOnly) != 0
	if !failed {
		failed = s.writeMeta(ctx, v, c.label, s.newMeta(c, format)) != nil
	}
	if failed {
		s.env.Touch(c.label.disk, true)
		s.env.Touch(c.label.list, true)
		if err := s.store.DeleteDisk(ctx, v); err != nil {
			s.log.Warn("disk without metadata stays", "host", s.cfg.Host, "volume", v.Name, "err", err)
			return nil, "Server returned an error: TypeError('not all arguments converted during string formatting')"
		}
		return nil, "Failed to create metadata kv store for " + vmdkPath(v)
	}
	return wire.AppendNull(nil), ""
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
