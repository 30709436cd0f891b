package driver

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// References returns how many references each attached volume has here, by full name; a volume that lingers without
// any has 0. It waits for the locks of these volumes, one after another, so it is no snapshot while requests run.
func (d *Driver) References(ctx context.Context) (map[string]int, error) {
	_ = d.volumes.table.Lock(context.Background()) // cannot fail: the context never ends
	keys := make([]string, 0, len(d.volumes.records))
	for key := range d.volumes.records {
		keys = append(keys, key)
	}
	d.volumes.table.Unlock()
	slices.Sort(keys)
	var count map[string]int
	for _, key := range keys {
		h, err := d.volumes.hold(ctx, key)
		if err != nil {
			return nil, fail("references", key, err)
		}
		if count == nil {
			count = make(map[string]int, len(keys))
		}
		for _, m := range h.mounts {
			count[m.full] = m.holders()
		}
		d.release(h)
	}
	return count, nil
}

// Inspect shows what the driver believes, object by object under the names that it gives to Env.Touch, as texts that are
// equal if the beliefs are. It takes no lock: it is for an explorer, while no operation acts.
func (d *Driver) Inspect(see func(object, value string)) {
	v := &d.volumes
	for _, key := range slices.Sorted(maps.Keys(v.records)) {
		r := v.records[key]
		text := fmt.Sprint("users ", r.users)
		for _, m := range r.mounts {
			text += fmt.Sprint(" mount ", m.full, m.path, m.disk, m.readOnly, m.mounted, m.aliases, m.retry, m.refs)
		}
		for _, m := range r.mounts {
			if m.heirs != nil {
				text += fmt.Sprint(" heirs ", *m.heirs)
			}
		}
		see(key, text)
		for _, m := range r.published {
			see(publishedObject+key, fmt.Sprint(m.full, m.path, m.aliases))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(v.late)) {
		for _, l := range v.late[key] {
			see(lateObject, fmt.Sprint(l.name.given, l.id, l.done))
		}
	}
	see("plugging", fmt.Sprint(d.limit.running))
	see("tasks", fmt.Sprint(d.tasks))
	if r := d.recovery; r != nil {
		see("recovery", fmt.Sprint(r.pass, r.next, r.silent, r.mute, r.ended, r.suspects, r.begun)) // maps are printed in the order of their keys
	}
}
