package scenarios

import (
	"fmt"

	"vmdkvol/esxsim"
)

// asked is what a volume was made with. The judge keeps it because a volume's metadata, which it judges, may not be its
// witness. Only what is certain counts: the volume was given, or one Create alone can have made it.
type asked struct {
	disk string            // "": nothing is certain
	opts map[string]string // never changed
	size int64             // bytes
	by   string            // the VM
}

// provided is what was given.
func (j *judge) provided(i int, opts map[string]string, size int64, disk string) {
	if s := &j.subjects[i]; !j.w.t.foreign[s.name] {
		s.asked = asked{disk, opts, size, vmName}
	}
}

// askedFor notes what a Create that was answered has made; c.disk is what was there when it began.
//
//go:norace
func (j *judge) askedFor(c *Call, s *subject, disk string) {
	if disk == c.disk {
		return
	}
	s.asked = asked{}
	if j.w.t.foreign[s.name] || len(j.w.hosts) > 1 || j.met(c.volume) || j.troubled > 0 || j.overlapped(c, "create") {
		return // who has made the volume?
	}
	if size, err := sizeOf(sizeText(c.Op.Opts)); err == nil {
		s.asked = asked{disk, c.Op.Opts, size, c.host.name}
	}
}

func sizeText(opts map[string]string) string {
	if size := opts["size"]; size != "" {
		return size
	}
	return "100mb"
}

// differs says what of a volume is not what was asked for; meta is what its metadata says.
//
//go:norace
func (j *judge) differs(s *subject, meta *esxsim.Meta) string {
	d, there := j.w.disk(s.name)
	switch {
	case !there || d.ID != s.asked.disk:
		return ""
	case d.Size != s.asked.size:
		return fmt.Sprintf("has %d bytes, but was made with %d", d.Size, s.asked.size)
	case meta.CreatedBy != s.asked.by && !j.renamed:
		return fmt.Sprintf("was made by %s, but its metadata say %q", s.asked.by, meta.CreatedBy)
	case len(s.asked.opts) == 0:
		return "" // as most are
	}
	for _, option := range [...]string{"access", "attach-as", "diskformat", "fstype", "size"} {
		if want := s.asked.opts[option]; want != "" && meta.VolOpts[option] != want {
			return fmt.Sprintf("was made with %s=%s, but its metadata say %q", option, want, meta.VolOpts[option])
		}
	}
	return ""
}
