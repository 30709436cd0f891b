package scenarios

import (
	"fmt"
	"time"

	"vmdkvol/driver/wire"
)

// statusAttached is how metadata call a volume that a VM has.
const statusAttached = "attached"

// created judges the answer to a Create: whatever happened, ok means that the volume has its file system.
//
//go:norace
func (j *judge) created(c *Call, s *subject) {
	if c.Answer != okAnswer {
		if j.excused(c) { // what it made it may take back, late
			s.bytes.void = true
		}
		return
	}
	if s.bytes.void || s.removing > 0 || j.overlapped(c, "remove") {
		return
	}
	d, ok := j.w.disk(s.name)
	if !ok {
		j.w.k.Fail(OracleBare, fmt.Sprintf("%s was told that %s is created, but it does not exist", c.Client, c.Op.Volume))
		return
	}
	if content := j.w.media.Content(d.ID); content != fstypeOf(c.Op.Opts) {
		j.w.k.Fail(OracleBare, fmt.Sprintf("%s was told that %s is created, but it holds %s", c.Client, c.Op.Volume, quoted(content)))
	}
	j.askedFor(c, s, d.ID)
}

// overlapped reports whether another call of a verb on the same volume, on any host, overlaps; "" is any that changes it.
//
//go:norace
func (j *judge) overlapped(of *Call, verb string) bool {
	for _, c := range j.calls {
		changes := c.Op.Verb == verb
		if verb == "" {
			switch c.Op.Verb {
			case "create", "remove", "mount", "unmount":
				changes = true
			}
		}
		if changes && c != of && c.volume == of.volume && c.returned > of.invoked {
			return true
		}
	}
	return false
}

// described judges what a Get says. That a volume is mounted, or not, is for the model; where, and in what state, is not.
//
//go:norace
func (j *judge) described(c *Call, s *subject) {
	if c.Answer != okAnswer {
		return
	}
	j.at(c)
	if s.running > 0 || s.work > 0 || j.troubled > 0 || j.replaced || j.early() || j.met(c.volume) || j.overlapped(c, "") || j.w.busy(s.name) {
		return
	}
	meta := j.w.meta(s.name)
	if meta == nil {
		return
	}
	vm, attached := j.w.store.AttachedTo(datastore, s.name)
	status := "detached"
	if attached {
		status = statusAttached
	}
	for _, option := range [...]string{"access", "attach-as", "diskformat", "fstype"} {
		if value, given := meta.VolOpts[option]; given {
			j.says(c, option, value)
		}
	}
	if made := j.w.t.made.of(meta.Created); c.created != made {
		j.w.k.Fail(OracleGet, fmt.Sprintf("%s was told that %s was made at %q, but it was at %q", c.Client, c.Op.Volume, c.created, made))
	}
	if c.name != c.Op.Volume {
		j.w.k.Fail(OracleGet, fmt.Sprintf("%s asked for %s, and was told of %s", c.Client, c.Op.Volume, c.name))
	}
	j.place(c, meta.Device)
	j.says(c, "created by VM", meta.CreatedBy)
	j.says(c, "attached to VM", vm)
	j.says(c, "datastore", datastore)
	j.says(c, "status", status)
}

// at judges where a volume is said to be mounted.
//
//go:norace
func (j *judge) at(c *Call) {
	if want := j.w.t.volumes[c.volume].mountpoint; c.mountpoint != "" && c.mountpoint != want {
		j.w.k.Fail(OracleGet, fmt.Sprintf("%s was told that %s is mounted at %s, not %s", c.Client, c.Op.Volume, c.mountpoint, want))
	}
}

// place judges where in its VM a disk is said to be: as the metadata have it, which records judges.
//
//go:norace
func (j *judge) place(c *Call, at *wire.Device) {
	said, _ := c.status["attachedVMDevice"].(map[string]any)
	switch {
	case at == nil && said == nil:
	case at == nil || said["Unit"] != at.Unit || said["ControllerPciSlotNumber"] != at.ControllerPciSlotNumber ||
		said["ControllerPciBusNumber"] != at.ControllerPciBusNumber:
		j.w.k.Fail(OracleGet, fmt.Sprintf("%s was told that %s is at %v, but it is at %v", c.Client, c.Op.Volume, said, at))
	}
}

// says makes sure that a Get said so.
//
//go:norace
func (j *judge) says(c *Call, key, want string) {
	got, said := c.status[key].(string)
	if got != want && (said || want != "") {
		j.w.k.Fail(OracleGet, fmt.Sprintf("%s was told %s=%q of %s, but it is %q", c.Client, key, got, c.Op.Volume, want))
	}
}

// made remembers the last time of all that was asked for: those of one run are few.
type made struct{ text, rfc3339 string }

// of is a time of metadata as Docker is told it, "" if it is none.
//
//go:norace
func (m *made) of(text string) string {
	if text != m.text {
		t, err := time.Parse(time.ANSIC, text)
		*m = made{text: text}
		if err == nil {
			m.rfc3339 = t.Format(time.RFC3339)
		}
	}
	return m.rfc3339
}
