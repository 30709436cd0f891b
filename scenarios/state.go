package scenarios

import (
	"context"
	"fmt"

	"vmdkvol/explore"
)

// state shows the explorer every object of the world with a hash of its value, under the names by which their owners declare
// them; what has no such name is what no step but one can see. Only audits ask.
func (w *World) state(see func(object string, value explore.Hash)) {
	note := func(object string, value ...any) { see(object, explore.HashOf(fmt.Sprintln(value...))) }
	for _, h := range w.hosts {
		if !h.down.is() {
			h.driver.Inspect(func(object, value string) { note(object, h.name, value) })
		}
		for _, m := range h.guest.Mounts() {
			note(m.Mountpoint, h.name, m)
		}
		for _, d := range h.guest.Plugged() {
			note(d.Disk, h.name, d)
			note(d.DiskID, w.media.Content(d.DiskID), w.media.Label(d.DiskID), w.media.Formats(d.DiskID))
		}
		for _, p := range h.site().service.Plugged(h.name) {
			note("vm:"+h.name, p)
		}
	}
	for _, d := range w.store.Disks() {
		vm, _ := w.store.AttachedTo(d.Datastore, d.Name)
		part := d.Datastore + "/" + d.Name
		note("disk:"+part, d, vm)
		note("list:"+d.Datastore, d.Name)
		meta, err := w.store.ReadMeta(context.Background(), d.Volume)
		note("meta:"+part, string(meta), err)
	}
	for _, e := range w.esxs {
		note("esx locks", e.name, e.service.Idle())
		for _, m := range e.net.Pending() {
			note(m.Label, m)
		}
	}
	for _, c := range w.judge.calls { // a history has not all that an answer says
		note("what "+c.Client+" was told", c.kind, c.name, c.mountpoint, c.created, c.status)
	}
	for _, h := range w.judge.holders {
		note(h.mountpoint, h.client, h.id)
	}
}
