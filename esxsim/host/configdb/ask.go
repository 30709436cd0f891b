package configdb

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"vmdkvol/esxsim"
)

// Configured implements esxsim.Authority.
func (d *DB) Configured(ctx context.Context) (bool, error) {
	_, err := d.read(ctx)
	if err != nil {
		if _, absent := os.Lstat(d.cfg.Path); errors.Is(absent, fs.ErrNotExist) {
			return false, nil
		}
	}
	return err == nil, err
}

// GroupOf implements esxsim.Authority.
func (d *DB) GroupOf(ctx context.Context, bios string) (g esxsim.Vmgroup, ok bool, err error) {
	s, err := d.read(ctx)
	if err != nil {
		return g, false, err
	}
	if g, ok = s.groups[s.members[bios]]; !ok {
		g, ok = s.groups[esxsim.DefaultVmgroupUUID]
	}
	return g, ok, nil
}

// Group implements esxsim.Authority.
func (d *DB) Group(ctx context.Context, uuid string) (g esxsim.Vmgroup, ok bool, err error) {
	s, err := d.read(ctx)
	if err != nil {
		return g, false, err
	}
	g, ok = s.groups[uuid]
	return g, ok, nil
}

// Privilege implements esxsim.Authority.
func (d *DB) Privilege(ctx context.Context, uuid, datastore string) (p esxsim.Privilege, ok bool, err error) {
	s, err := d.read(ctx)
	if err != nil {
		return p, false, err
	}
	if p, ok = s.privileges[[2]string{uuid, urlOf(datastore)}]; ok {
		p.Datastore = datastore
	}
	return p, ok, nil
}
