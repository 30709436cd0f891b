package scenarios

import (
	"fmt"
	"slices"

	"vmdkvol/model"
)

// bytes is what the file of a volume can hold.
type bytes struct {
	// texts are what a loss of power can leave: the one that is on the disk for certain, then what was written since, in
	// order. "" is no file. Empty: nothing is known, and nothing promised.
	texts []string
	who   string // wrote the last
	host  *host  // on which VM
	// void: a request of unknown fate may remove the volume at any time, or nobody knows whether what was written came
	// before a removal or after it, so nothing can be promised any more.
	void bool
}

// judged reports whether what the file holds can be told.
//
//go:norace
func (s *subject) judged() bool { return len(s.bytes.texts) > 0 && !s.bytes.void && s.removing == 0 }

// wrote hears of a write to a mounted volume.
//
//go:norace
func (j *judge) wrote(c *Call, s *subject) {
	b := &s.bytes
	if len(b.texts) == 0 {
		b.texts = append(b.texts, "")
	}
	b.texts = append(b.texts, c.Op.Text)
	b.who, b.host = c.Client, c.host
}

// synced hears that what a host has written is on the disk, and looks.
//
//go:norace
func (j *judge) synced(c *Call, s *subject) {
	b := &s.bytes
	if !s.judged() || b.host != c.host {
		return
	}
	b.texts = append(b.texts[:0], b.texts[len(b.texts)-1])
	j.onDisk(s, "after "+c.Client+" "+c.Op.String())
}

// unmounted judges the answer to an Unmount: after the last one, everything is on the disk.
//
//go:norace
func (j *judge) unmounted(c *Call, s *subject) {
	if c.Answer != okAnswer || !s.judged() || j.holds(c.host, c.volume) > 0 {
		return
	}
	if m, ok := c.host.guest.At(j.w.t.volumes[c.volume].mountpoint); ok && !m.Removed {
		return // by somebody whom nobody knows for certain
	}
	j.synced(c, s)
}

// read judges what a container read from a mounted volume.
//
//go:norace
func (j *judge) read(c *Call, s *subject, text string) {
	b := &s.bytes
	if s.judged() && text != b.texts[len(b.texts)-1] {
		j.lost(s, fmt.Sprintf("%s of VM %s reads %s", c.Client, c.host.name, quoted(text)))
	}
}

// onDisk compares what the disk holds with what it can hold, and returns that.
//
//go:norace
func (j *judge) onDisk(s *subject, when string) string {
	d, ok := j.w.disk(s.name)
	if !ok {
		j.lost(s, when+" the volume is not there")
		return ""
	}
	text, _ := j.w.media.File(d.ID, containerFile)
	if !slices.Contains(s.bytes.texts, string(text)) {
		j.lost(s, fmt.Sprintf("%s the disk holds %s", when, quoted(string(text))))
	}
	return string(text)
}

//go:norace
func (j *judge) lost(s *subject, what string) {
	b := &s.bytes
	j.w.k.Fail(OracleBytes, fmt.Sprintf("volume %s: %s wrote %s, but %s", s.name, b.who, quoted(b.texts[len(b.texts)-1]), what))
}

func quoted(text string) string {
	if text == "" {
		return "nothing"
	}
	return "\"" + text + "\""
}

// powerLost hears that a VM has lost its power, and what it had not synced: what the disks hold now is what there is.
func (j *judge) powerLost(h *host) {
	for i := range j.subjects {
		s := &j.subjects[i]
		if s.judged() && s.bytes.host == h {
			s.bytes.texts = append(s.bytes.texts[:0], j.onDisk(s, "after the loss of power of VM "+h.name))
		}
	}
}

// removed judges the answer to a Remove.
//
//go:norace
func (j *judge) removed(c *Call, s *subject) {
	switch result, ok := j.judged(c); {
	case !ok || j.excused(c) || result.Kind == model.Unknown:
		s.bytes.void = true
	case c.Answer == okAnswer && j.overlapped(c, "write"):
		s.bytes.void = true
	case c.Answer == okAnswer:
		s.bytes.texts = s.bytes.texts[:0]
	}
}
