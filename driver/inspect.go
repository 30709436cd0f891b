package driver

import (
	"context"
	"slices"
)

// References returns how many references each attached volume has here, by full name; a volume that lingers without
// any has 0. It waits for the locks of these volumes, one after another, so it is no snapshot while requests run.
func (d *Driver) References(ctx context.Context) (map[string]int, error) {
	if err := d.volumes.table.Lock(ctx); err != nil {
		return nil, fail("references", "", err)
	}
	keys := make([]string, 0, len(d.volumes.records))
	for key := range d.volumes.records {
		keys = append(keys, key)
	}
	d.volumes.table.Unlock()
	slices.Sort(keys)
	count := make(map[string]int, len(keys))
	for _, key := range keys {
		h, err := d.volumes.hold(ctx, key)
		if err != nil {
			return nil, fail("references", key, err)
		}
		for _, m := range h.mounts {
			count[m.full] = m.refs.total
		}
		d.release(h)
	}
	return count, nil
}
