package scenarios

import (
	"strings"

	"vmdkvol/dockersim"
	"vmdkvol/explore"
	"vmdkvol/seam"
)

// mishap is a fault that a simulator let happen.
type mishap struct {
	op     string // the point's
	volume int    // whom it concerns: an index, everyone or noOne
	get    bool   // it happened to a Get
	at     int64  // the judge's time
	// metadata says that it may have left a volume's metadata wrong.
	metadata bool
}

// Of a mishap that is not about one volume.
const (
	everyone = -1
	noOne    = -2
)

// props is the stage on which a simulator acts: the kernel's, with the judge listening.
type props struct {
	*explore.Kernel
	w *World
	h *host // nil: what is on it is no guest
}

var _ seam.Stage = (*props)(nil)

// Before yields.
//
//go:norace
func (p *props) Before(op, object string) {
	if op == "esx.remove" {
		p.w.judge.removes(volumePart(object))
	}
	p.Kernel.Before(op, object)
}

// Choose asks for a fault.
//
//go:norace
func (p *props) Choose(op, object string, faults ...string) int {
	i := p.Kernel.Choose(op, object, faults...)
	if i != 0 {
		p.w.judge.mishap(p.h, op, object, faults[i-1])
	}
	return i
}

// mishap notes a fault and whom it concerns.
//
//go:norace
func (j *judge) mishap(h *host, op, object, fault string) {
	m := mishap{op: op, volume: everyone, at: j.time, get: op == "esx.get"}
	switch {
	case strings.HasPrefix(op, "net."): // VM:COMMAND:VOLUME
		_, request, _ := strings.Cut(object, ":")
		verb, volume, _ := strings.Cut(request, ":")
		m.get = verb == "get"
		switch {
		case j.w.t.script.Shared: // any reply may be taken for any other
		case verb == "list":
			m.volume = noOne
		default:
			m.volume = j.w.t.index(volume)
		}
	case strings.HasPrefix(fault, crashPrefix): // which is trouble when it comes
		m.volume = noOne
	case op == dockersim.Question:
		m.volume = noOne
	case strings.HasPrefix(op, "docker."): // the caller has gone
		m.volume, m.get = j.w.t.index(object), op == "docker.get"
		if object == "" {
			m.volume = noOne
		}
	case op == "esx.list":
		m.volume = noOne
	case strings.HasPrefix(op, "esx."), op == "guest.mount", op == "guest.unmount":
		m.volume, m.metadata = j.w.t.index(object), writesMetadata(op)
	case op == "guest.plug":
		m.volume = j.w.t.index(j.w.plug)
	case h != nil:
		m.volume = j.inSlot(h, object)
	}
	j.mishaps = append(j.mishaps, m)
	j.w.t.mishaps = j.mishaps
}

// writesMetadata reports whether a step of ESX writes metadata.
//
//go:norace
func writesMetadata(op string) bool {
	return strings.HasSuffix(op, ".meta") || strings.HasSuffix(op, ".restore") || strings.HasSuffix(op, ".repair") || strings.HasPrefix(op, "esx.meta.")
}

// inSlot is the volume whose disk a guest has under a device path, everyone if there is none.
func (j *judge) inSlot(h *host, path string) int {
	for _, p := range h.guest.Plugged() {
		for _, d := range j.w.store.Disks() {
			if p.Disk == path && d.ID == p.DiskID {
				return j.w.t.index(d.Name)
			}
		}
	}
	return everyone
}

// early reports whether a timer fired before its time: that concerns everyone.
//
//go:norace
func (j *judge) early() bool { return j.w.k.FaultsSpent() > len(j.mishaps)-j.tampers }

// tampered notes that somebody has unmounted a volume behind the plugin's back. Whoever held it holds a bare directory, which
// is not the driver's fault, and the next Mount has to notice.
//
//go:norace
func (j *judge) tampered(c *Call) {
	j.mishaps = append(j.mishaps, mishap{op: tamperOp, volume: c.volume, at: j.tick()})
	j.w.t.mishaps = j.mishaps
	j.tampers++
	s := &j.subjects[c.volume]
	s.uncertain, s.bytes.void = true, true
	j.drop(func(h *holder) bool { return h.host == c.host && h.volume == c.volume })
}

const tamperOp = "tamper"

// tamperedSince reports whether somebody has tampered with a volume after some time.
//
//go:norace
func (j *judge) tamperedSince(volume int, at int64) bool {
	if j.tampers == 0 {
		return false
	}
	for i := range j.mishaps {
		if m := &j.mishaps[i]; m.op == tamperOp && m.volume == volume && m.at > at {
			return true
		}
	}
	return false
}

// met reports whether something happened to a volume, or to all.
//
//go:norace
func (j *judge) met(volume int) bool {
	for i := range j.mishaps {
		if m := j.mishaps[i].volume; m == volume || m == everyone {
			return true
		}
	}
	return j.early()
}

// misrecorded reports whether a fault befell the metadata of a volume. What happened to its requests, to its disk or in a guest
// is no reason for metadata that are wrong once nobody works on it.
//
//go:norace
func (j *judge) misrecorded(volume int) bool {
	for i := range j.mishaps {
		m := &j.mishaps[i]
		if (m.volume == volume || m.volume == everyone) && m.metadata {
			return true
		}
	}
	return false
}

// excused reports whether a call that has been answered, or never will be, may have failed because of a fault or a
// crash: of its own volume, or of all.
//
//go:norace
func (j *judge) excused(c *Call) bool { return j.excusedOf(c.volume, c.returned) }

// excusedOf reports whether something had happened to a volume, or to all, at some time.
//
//go:norace
func (j *judge) excusedOf(volume int, at int64) bool {
	for i := range j.mishaps {
		m := &j.mishaps[i]
		if (m.volume == volume || m.volume == everyone) && at > m.at {
			return true
		}
	}
	return j.early() || j.troubled > 0 && at > j.troubled
}

// excusedGet reports whether a Get may have taken long: it waits for nothing but its own answer.
//
//go:norace
func (j *judge) excusedGet(c *Call) bool {
	for i := range j.mishaps {
		m := &j.mishaps[i]
		if c.returned > m.at && (m.volume == everyone || m.volume == c.volume && m.get) {
			return true
		}
	}
	return j.early() || j.troubled > 0 && c.returned > j.troubled
}

// undoes reports whether whatever happened to a volume leaves a Create able to take back what it made: faults of its
// mkfs alone.
//
//go:norace
func (j *judge) undoes(volume int) bool {
	for i := range j.mishaps {
		m := &j.mishaps[i]
		if (m.volume == volume || m.volume == everyone) && m.op != "guest.mkfs" {
			return false
		}
	}
	return !j.early() && j.troubled == 0
}
