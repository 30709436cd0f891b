package scenarios

import (
	"context"
	"fmt"

	"vmdkvol/esxsim"
)

// holder is a container that was told that a volume is mounted.
type holder struct {
	host       *host
	client, id string
	volume     int    // index of its subject
	disk       string // of the volume, when it was told
	mountpoint string
}

// mounted judges the answer to a Mount.
//
//go:norace
func (j *judge) mounted(c *Call, s *subject) {
	if c.gone && c.Answer == okAnswer {
		j.w.k.Fail(OracleGone, fmt.Sprintf("%s had gone, and still %s got a reference to %s", c.Client, c.Op.ID, c.Op.Volume))
	}
	switch {
	case c.Answer == droppedAnswer && c.host.docker == nil || j.unmounting(c):
		s.uncertain = true
		return
	case c.Answer != okAnswer:
		return
	}
	h := holder{c.host, c.Client, c.Op.ID, c.volume, "", c.mountpoint}
	if d, ok := j.w.disk(s.name); ok {
		h.disk = d.ID
	}
	if j.tamperedSince(c.volume, c.invoked) {
		s.uncertain = true // it had looked, perhaps
		return
	}
	if why := j.bare(&h); why != "" {
		j.w.k.Fail(OracleReply, fmt.Sprintf("%s was told that %s is mounted at %s, but %s", h.client, c.Op.Volume, c.mountpoint, why))
	}
	j.w.docker.Touch(h.mountpoint, false) // bare has looked there, and from now on step does
	j.holders = append(j.holders, h)
	j.w.t.holders = j.holders
}

// unmounting reports whether an Unmount of the same reference overlaps a Mount: then nobody can say that it is held.
//
//go:norace
func (j *judge) unmounting(mount *Call) bool {
	for _, c := range j.calls {
		if c.Op.Verb == "unmount" && c.volume == mount.volume && c.Op.ID == mount.Op.ID && c.host == mount.host &&
			c.returned > mount.invoked {
			return true
		}
	}
	return false
}

// forget ends the hold of a container that unmounts; from its Unmount on it uses the volume no more.
//
//go:norace
func (j *judge) forget(c *Call) {
	for i, h := range j.holders {
		if h.host == c.host && h.id == c.Op.ID && h.volume == c.volume {
			c.held = true
			j.w.k.CallReads(h.mountpoint)     // step looks there no more: it matters what was done before
			for ; i+1 < len(j.holders); i++ { // not append, see judge
				j.holders[i] = j.holders[i+1]
			}
			j.holders = j.holders[:i]
			return
		}
	}
}

// letGo judges what an Unmount left that was answered with ok. Only of one that took the last reference, alone, is it certain
// that it had to let the volume go.
//
//go:norace
func (j *judge) letGo(c *Call, s *subject) {
	if c.Answer != okAnswer || !c.held || c.host.life > 0 || s.uncertain || j.holds(c.host, c.volume) > 0 || !j.alone(c) {
		return
	}
	v := &j.w.t.volumes[c.volume]
	if j.backgrounds || j.accompanied(c) { // what they still do there may come before or after the answer
		j.w.docker.Touch(v.mountpoint, false)
		j.w.docker.Touch(v.disk, false)
	}
	_, mounted := c.host.guest.At(v.mountpoint)
	vm, attached := j.w.store.AttachedTo(datastore, s.name)
	if mounted || attached && vm == c.host.name {
		j.w.k.Fail(OracleKept, fmt.Sprintf("%s was told that %s, which nobody else holds, is unmounted, but it is still %s",
			c.Client, c.Op.Volume, what(mounted)))
	}
}

func what(mounted bool) string {
	if mounted {
		return "mounted"
	}
	return "attached"
}

// alone reports whether nothing else was asked of the volume on its host while a call ran, and no Unmount was given up before.
//
//go:norace
func (j *judge) alone(of *Call) bool {
	for _, c := range j.calls {
		if c == of || c.host != of.host || c.volume != of.volume {
			continue
		}
		switch c.Op.Verb {
		case "create", "remove", "mount":
			if c.returned > of.invoked {
				return false
			}
		case "unmount":
			if c.returned > of.invoked || c.Answer != okAnswer {
				return false
			}
		}
	}
	return true
}

// accompanied reports whether something else than a driver's own tasks may work on a volume while a call runs that is alone: a request on its
// way, or a call that does not keep it from being alone.
//
//go:norace
func (j *judge) accompanied(of *Call) bool {
	if !j.w.t.script.Direct {
		return true
	}
	for _, c := range j.calls {
		if c != of && c.invoked < of.returned && c.returned > of.invoked { // alone has seen all that change this volume
			return true
		}
	}
	return false
}

// empty forgets the containers of a host: they are gone, or held by references that nobody knows of.
//
//go:norace
func (j *judge) empty(host *host) { j.drop(func(h *holder) bool { return h.host == host }) }

// drop forgets containers.
//
//go:norace
func (j *judge) drop(gone func(h *holder) bool) {
	kept := 0
	for i := range j.holders { // not append, which the race detector sees
		if !gone(&j.holders[i]) {
			j.holders[kept] = j.holders[i]
			kept++
		}
	}
	j.holders = j.holders[:kept]
}

// holds counts the containers of a host that hold a volume for certain.
//
//go:norace
func (j *judge) holds(host *host, volume int) int {
	n := 0
	for i := range j.holders {
		if j.holders[i].host == host && j.holders[i].volume == volume {
			n++
		}
	}
	return n
}

// told is the mountpoint of a volume that a client was told last, "" if none.
//
//go:norace
func (j *judge) told(of *Call) string {
	for i := len(j.calls) - 1; i >= 0; i-- {
		c := j.calls[i]
		if c.Op.Verb == "mount" && c.Answer == okAnswer && c.Client == of.Client && c.volume == of.volume {
			return c.mountpoint
		}
	}
	return ""
}

// bare says what is wrong with a holder's mountpoint, "" if nothing is.
//
//go:norace
func (j *judge) bare(h *holder) string {
	m, ok := h.host.guest.At(h.mountpoint)
	switch {
	case !ok:
		return "nothing is mounted there"
	case m.Removed:
		return "the disk under it is gone"
	case m.DiskID != h.disk:
		return "it is not the volume's disk"
	case !j.w.t.threads && j.misgraded(&j.subjects[h.volume], m.DiskID, m.ReadOnly):
		return "the access mode is wrong"
	}
	return ""
}

// step looks at the state that a step has left. It is asked when j is stale; on threads, after every step.
func (j *judge) step() {
	if j.due > 0 {
		j.quiet()
	}
	j.stale = j.due > 0
	var versions uint64 // each only grows
	for _, h := range j.w.hosts {
		versions += h.guest.Version()
	}
	if versions == j.seen {
		return
	}
	j.seen = versions
	for i := range j.holders {
		h := &j.holders[i]
		if why := j.bare(h); why != "" {
			j.w.k.Fail(OracleHolder, fmt.Sprintf("container %s holds %s at %s, but %s",
				h.client, j.subjects[h.volume].name, h.mountpoint, why))
		}
	}
}

// removes hears that ESX is about to be asked to remove a volume. Whoever asks has the volume's lock, and so knows every
// reference of its host that somebody was told of; on another host it cannot know.
//
//go:norace
func (j *judge) removes(volume string) {
	if len(j.w.hosts) > 1 {
		return
	}
	for _, h := range j.holders {
		if j.subjects[h.volume].name == volume {
			j.w.k.Fail(OracleRemove, fmt.Sprintf("ESX is asked to remove %s, which container %s holds", volume, h.client))
		}
	}
}

func inStore(volume string) esxsim.Volume {
	return esxsim.Volume{Datastore: datastore, Vmgroup: esxsim.DefaultVmgroupUUID, Name: volume}
}

// disk is the disk of a volume; false if it has none.
//
//go:norace
func (w *World) disk(volume string) (esxsim.Disk, bool) {
	d, err := w.store.StatDisk(context.Background(), inStore(volume))
	return d, err == nil
}

// meta is what the metadata of a volume says; nil if it has none that can be read.
//
//go:norace
func (w *World) meta(volume string) *esxsim.Meta {
	text, err := w.store.ReadMeta(context.Background(), inStore(volume))
	if err != nil {
		return nil
	}
	memo := w.t.memo
	if w.t.threads { // shared memory would look like a data race
		memo = new(esxsim.Memo)
	}
	meta, err := memo.Meta(text)
	if err != nil {
		return nil
	}
	return meta
}

// misgraded reports whether a mount has another access mode than what was asked for when its volume was made or, if that is
// not certain, than its metadata asks for. Of metadata that were lost while they were written nothing is known.
//
//go:norace
func (j *judge) misgraded(s *subject, disk string, mountedReadOnly bool) bool {
	w := j.w
	if w.t.foreign[s.name] {
		return false // an administrator changes it, and the next mount heeds that
	}
	if s.asked.disk == disk {
		return mountedReadOnly != (s.asked.opts["access"] == readOnly)
	}
	meta := w.meta(s.name)
	if (meta == nil || meta.VolOpts == nil) && len(w.esxs) > 1 {
		return false
	}
	return mountedReadOnly != (meta != nil && meta.VolOpts["access"] == readOnly)
}
