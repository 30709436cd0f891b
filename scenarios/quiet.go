package scenarios

import (
	"vmdkvol/explore"
	"vmdkvol/seam"
)

// pluginEnv is the world of a plugin that counts the tasks of its driver, by the volume that their names end with.
type pluginEnv struct {
	*explore.World
	judge *judge
}

var _ seam.Env = (*pluginEnv)(nil)

// Go starts a background task. One of a plugin that has crashed does not start and is counted for ever: nothing that
// such a life leaves behind is judged.
//
//go:norace
func (e *pluginEnv) Go(name string, f func()) {
	e.judge.backgrounds = true
	i := e.judge.w.t.about(name)
	if i < 0 {
		e.World.Go(name, f)
		return
	}
	s := &e.judge.subjects[i]
	s.work++
	e.World.Go(name, func() {
		defer e.judge.worked(s)
		f()
	})
}

//go:norace
func (j *judge) worked(s *subject) {
	s.work--
	j.touch(s)
}

// quiet looks at the volumes that something was done to and on which nobody works any more: no call, no task of a driver,
// no request on its way.
//
//go:norace
func (j *judge) quiet() {
	for i := range j.subjects {
		s := &j.subjects[i]
		if !s.due || s.running > 0 || s.work > 0 || j.w.busy(s.name) {
			continue
		}
		s.due = false
		j.due--
		for _, h := range j.w.hosts {
			if h.life > 0 || h.down.is() || h.off.is() || h.frozen.is() {
				continue // what lies about may be an earlier life's
			}
			if h.docker != nil && (j.met(i) || len(j.w.hosts) > 1) {
				continue // recovery may be about to put it in order
			}
			if why := j.disagrees(h, s, i); why != "" {
				j.w.k.Fail(OracleQuiet, s.name+"@"+datastore+" "+why)
			}
		}
	}
}

// disagrees says what is wrong with a volume on which nobody works. How many references a driver counts comes out at the
// end: only then it can be asked.
//
//go:norace
func (j *judge) disagrees(h *host, s *subject, volume int) string {
	w := j.w
	_, mounted := h.guest.At(w.t.volumes[volume].mountpoint)
	vm, attached := w.store.AttachedTo(datastore, s.name)
	here := attached && vm == h.name
	held := j.holds(h, volume) > 0
	switch {
	case mounted && !here:
		return "is mounted in " + h.name + ", but not attached to it"
	case here && !mounted && !j.tamperedSince(volume, 0):
		return "is attached to " + h.name + ", but not mounted"
	case mounted && !held && !s.uncertain:
		return "is mounted, but no container holds it"
	case j.misrecorded(volume) || j.troubled > 0 || j.replaced || len(w.esxs) > 1:
		return "" // then the metadata need not be right: a listener may be late, and no lock holds between processes
	}
	return j.records(s, vm)
}
