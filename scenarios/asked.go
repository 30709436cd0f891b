package scenarios

import (
	"fmt"

	"vmdkvol/esxsim"
)

// asked is what a volume was made with. The judge keeps it because a volume's metadata, which it judges, may not be its
// witness. Only what is certain counts: the volume was given, or one Create alone has made it and nobody can change it.
type asked struct {
	opts  map[string]string // nil: nothing is certain
	size  int64             // bytes
	given bool              // it was there before any Create
}

// provided is what was given.
func (j *judge) provided(i int, opts map[string]string, size int64) {
	if s := &j.subjects[i]; !j.w.t.foreign[s.name] {
		s.asked = asked{opts, size, true}
	}
}

// askedFor notes what a Create that was answered has made.
//
//go:norace
func (j *judge) askedFor(c *Call, s *subject) {
	if s.asked.given {
		return // and stays as it is: such a Create finds that it exists
	}
	s.asked = asked{}
	if j.w.t.foreign[s.name] || len(j.w.hosts) > 1 || j.met(c.volume) || j.troubled > 0 {
		return
	}
	for _, o := range j.calls {
		if o != c && o.volume == c.volume && (o.Op.Verb == "create" || o.Op.Verb == "remove") {
			return // which of them has made the volume?
		}
	}
	if size, err := sizeOf(sizeText(c.Op.Opts)); err == nil {
		s.asked = asked{c.Op.Opts, size, false}
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
	if s.asked.opts == nil {
		return ""
	}
	if d, ok := j.w.disk(s.name); ok && d.Size != s.asked.size {
		return fmt.Sprintf("has %d bytes, but was made with %d", d.Size, s.asked.size)
	}
	for _, option := range [...]string{"access", "attach-as", "diskformat", "fstype", "size"} {
		if want := s.asked.opts[option]; want != "" && meta.VolOpts[option] != want {
			return fmt.Sprintf("was made with %s=%s, but its metadata say %q", option, want, meta.VolOpts[option])
		}
	}
	return ""
}
