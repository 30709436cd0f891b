package explore

import (
	"math/bits"
	"slices"
)

// trace is the steps of one run with their happens-before order.
type trace struct {
	steps   []step
	ids     map[string]int // of objects, in the whole search
	objects []object       // by id; what the run has not come to yet is of an earlier run
	run     int            // counts races

	same  int // the first steps of the next run, or of this one, that are those of the run before
	known int // how many of these have their past from then

	words          int      // per set of steps; never fewer than before
	room           []uint64 // of the sets
	v              []uint64 // scratch of reverse
	before, rivals []int    // scratch of races
	lockRivals     []holding
	last           []int // latest step of each task, by task index + 1

	denials []denial // in the order of the steps
	refused []int    // by task index + 1: the latest acquisition that denied it a monitor, -1 if none
	pending step     // scratch of blocked
}

// step is one step of a run.
type step struct {
	task, cause int
	node        *node // the decision that began it; nil if there was none
	footprint   []Access
	objects     []int    // ids of the objects of footprint
	past        []uint64 // the steps that happened before it
}

// object is what the steps so far did to one object.
type object struct {
	run      int      // of which this is
	recent   []access // that a later access may conflict with
	acquired int      // latest acquisition of the monitor, -1 if none
	sections []int    // since then
	released int      // latest release of the monitor, -1 if none

	// of a GoMutex; sections are visits since the latest of the rest
	latest int  // access that is no visit, -1 if none
	barged bool // acquired by a newcomer
}

type access struct {
	step int
	mode Mode
}

func (t *trace) reset() {
	t.known = min(t.known, t.same)
	t.steps, t.denials = t.steps[:0], t.denials[:0]
}

// again reports whether the step that has just been taken is the one that the run before took in this place, and notes it.
func (t *trace) again() bool {
	if len(t.steps) >= t.same {
		return false
	}
	t.steps = t.steps[:len(t.steps)+1]
	return true
}

// begin returns the place of the step that a decision began, 0 if there is none.
func (t *trace) begin(n *node) int {
	for j := range t.steps {
		if t.steps[j].node == n {
			return j
		}
	}
	return 0
}

// denial is a task that could have gone on after a step if a monitor had been free; or, if the object is everything, what the
// step itself took away from it.
type denial struct{ after, task, cause, object int }

// deny notes one, after the last step.
func (t *trace) deny(task, cause int, object string) {
	t.denials = append(t.denials, denial{len(t.steps) - 1, task, cause, t.id(object)})
}

func (t *trace) latest() *step { return &t.steps[len(t.steps)-1] }

func (t *trace) add(task, cause int, n *node, footprint []Access) {
	if len(t.steps) < cap(t.steps) {
		t.steps = t.steps[:len(t.steps)+1]
	} else {
		t.steps = append(t.steps, step{})
	}
	s := &t.steps[len(t.steps)-1]
	s.task, s.cause, s.node = task, cause, n
	s.footprint, s.objects = append(s.footprint[:0], footprint...), s.objects[:0]
	for _, a := range footprint {
		s.objects = append(s.objects, t.id(a.Object))
	}
}

// starID is the id of everything.
const starID = 0

func (t *trace) id(name string) int {
	if t.ids == nil {
		t.ids = map[string]int{everything: starID}
		t.objects = make([]object, 1)
	}
	id, known := t.ids[name]
	if !known {
		id = len(t.objects)
		t.ids[name] = id
		t.objects = append(t.objects, object{})
	}
	return id
}

// races finds, for every step from the first new one on, the earlier steps that could just as well have come after it,
// and adds to the decisions there what leads to that. This is source-DPOR (Abdulla, Aronis, Jonsson, Sagonas, "Optimal
// dynamic partial order reduction", POPL 2014), with monitors: a step that waited for a monitor races with the
// acquisition before it, not with the release. Whoever tries for a GoMutex does not wait, and races with whatever was done
// to it last; only the first of the queue waits, and only while the monitor is taken.
func (t *trace) races(from int) {
	t.prepare()
	before, rivals, lockRivals := t.before, t.rivals, t.lockRivals
	denials := t.denials
	for j := range t.steps {
		s := &t.steps[j]
		if j < t.known {
			denials = t.recorded(j, denials, false)
			continue
		}
		before, rivals, lockRivals = before[:0], rivals[:0], lockRivals[:0]
		released := -1
		if p := t.last[s.task+1]; p >= 0 {
			before = append(before, p)
		}
		if s.cause >= 0 && s.cause < j {
			before = append(before, s.cause)
		}
		for at, a := range s.footprint {
			if s.objects[at] == starID {
				for i := range j {
					rivals = appendNew(rivals, i)
				}
				continue
			}
			o := t.object(s.objects[at])
			switch a.Mode {
			case release:
			case acquire, section:
				released = max(released, o.released)
				if o.acquired >= 0 {
					lockRivals = append(lockRivals, holding{o.acquired, o.released})
				}
				if a.Mode == acquire {
					for _, i := range o.sections {
						lockRivals = append(lockRivals, holding{i, i})
					}
				}
			case handed:
				released = max(released, o.released)
				if o.latest > o.released {
					rivals = appendNew(rivals, o.latest)
				}
				if o.barged {
					lockRivals = append(lockRivals, holding{o.acquired, o.released})
				}
			case visit, barge, handover, change:
				if o.latest >= 0 {
					rivals = appendNew(rivals, o.latest)
				}
				if a.Mode != visit {
					for _, i := range o.sections {
						rivals = appendNew(rivals, i)
					}
				}
			default:
				for _, r := range o.recent {
					if r.mode != a.Mode || a.Mode == Write {
						rivals = appendNew(rivals, r.step)
					}
				}
			}
		}
		if star := t.object(starID); star.acquired >= 0 {
			rivals = appendNew(rivals, star.acquired)
		}
		for _, list := range [2][]int{before, rivals} {
			for _, i := range list {
				t.follow(s, i)
			}
		}
		for _, h := range lockRivals {
			t.follow(s, h.acquired)
		}
		if released >= 0 {
			t.follow(s, released)
		}
		if j >= from {
			for _, i := range rivals {
				if t.steps[i].task != s.task && !t.implied(i, before, rivals, none) && !t.within(i, released) {
					t.reverse(i, j, s)
				}
			}
			for _, h := range lockRivals {
				if t.steps[h.acquired].task != s.task && !t.implied(h.acquired, before, rivals, h.released) {
					t.reverse(h.acquired, j, s)
				}
			}
		}
		denials = t.recorded(j, denials, j >= from)
	}
	t.before, t.rivals, t.lockRivals = before, rivals, lockRivals
	t.known = len(t.steps)
}

// recorded notes what step j has done, and who was denied a monitor after it. It returns the denials that are left.
func (t *trace) recorded(j int, denials []denial, isNew bool) []denial {
	t.record(j)
	for ; len(denials) > 0 && denials[0].after == j; denials = denials[1:] {
		t.blocked(&denials[0], isNew)
	}
	return denials
}

// blocked does for a task that waits for a monitor what races does for a step: to take the monitor races with the
// acquisition that keeps it away. The task may never get it in this run, or only after a step that the run is given up
// for, because it has been seen elsewhere.
//
// What a step took away from a task races with that step. If the task could not do it then, somebody had to go on first, and
// that races with the step as well.
func (t *trace) blocked(d *denial, isNew bool) {
	i := d.after
	if d.object != starID {
		i = t.object(d.object).acquired
	}
	if i < 0 || t.refused[d.task+1] == i || t.steps[i].task == d.task {
		return
	}
	t.refused[d.task+1] = i
	if !isNew || d.object == starID && (t.steps[i].node == nil || !slices.Contains(t.steps[i].node.enabled, d.task)) {
		return
	}
	s := &t.pending
	s.task, s.past = d.task, append(s.past[:0], make([]uint64, t.words)...)
	if p := t.last[d.task+1]; p >= 0 {
		t.follow(s, p)
	}
	if d.cause >= 0 {
		t.follow(s, d.cause)
	}
	if !t.happened(i, s) {
		t.reverse(i, d.after+1, s)
	}
}

// prepare makes room for the sets of steps, and keeps those that are known.
func (t *trace) prepare() {
	n := len(t.steps)
	if words := (n + 63) / 64; words > t.words {
		t.words, t.known = words, 0
	}
	need := n * t.words
	if len(t.room) < need {
		t.room = append(t.room, make([]uint64, need-len(t.room))...)
	}
	clear(t.room[t.known*t.words : need])
	highest := clockIndex
	for j := range t.steps {
		t.steps[j].past = t.room[j*t.words : (j+1)*t.words]
		highest = max(highest, t.steps[j].task)
	}
	for _, d := range t.denials {
		highest = max(highest, d.task)
	}
	t.last, t.refused = t.last[:0], t.refused[:0]
	for range highest + 2 {
		t.last, t.refused = append(t.last, -1), append(t.refused, -1)
	}
	t.run++
	t.id(everything) // there is one
}

func (t *trace) object(id int) *object {
	o := &t.objects[id]
	if o.run != t.run {
		*o = object{run: t.run, recent: o.recent[:0], sections: o.sections[:0], acquired: -1, released: -1, latest: -1}
	}
	return o
}

// record notes what step j does to its objects.
func (t *trace) record(j int) {
	s := &t.steps[j]
	t.last[s.task+1] = j
	for at, a := range s.footprint {
		o := t.object(s.objects[at])
		switch {
		case s.objects[at] == starID, a.Mode == acquire:
			o.acquired, o.sections = j, o.sections[:0]
		case a.Mode == section, a.Mode == visit:
			o.sections = append(o.sections, j)
		case a.Mode == release:
			o.released = j
		case a.Mode == barge, a.Mode == handed:
			o.acquired, o.barged, o.latest, o.sections = j, a.Mode == barge, j, o.sections[:0]
		case a.Mode == handover:
			o.released, o.latest, o.sections = j, j, o.sections[:0]
		case a.Mode == change:
			o.latest, o.sections = j, o.sections[:0]
		case a.Mode == Write:
			o.recent = append(o.recent[:0], access{j, a.Mode})
		default:
			o.recent = append(o.recent, access{j, a.Mode})
		}
	}
}

func (t *trace) follow(s *step, i int) {
	for w, b := range t.steps[i].past {
		s.past[w] |= b
	}
	s.past[i/64] |= 1 << (i % 64)
}

func (t *trace) happened(i int, s *step) bool { return s.past[i/64]&(1<<(i%64)) != 0 }

// holding is the steps in which a task took a monitor and gave it back; released is -1 if it has not.
type holding struct{ acquired, released int }

// within reports whether step i comes no later than a release; a step that waited for the release can come before i only
// if it comes before the acquisition too.
func (t *trace) within(i, released int) bool {
	return released >= 0 && (i == released || t.happened(i, &t.steps[released]))
}

// implied reports whether i is before the step anyway: it must be, or another step that must be, or that conflicts too,
// comes after it. If i is the acquisition of a monitor, then what came before the release does not count: it goes with i.
func (t *trace) implied(i int, before, rivals []int, released int) bool {
	for _, k := range before {
		if k == i || t.happened(i, &t.steps[k]) {
			return true
		}
	}
	for _, k := range rivals {
		if k != i && t.happened(i, &t.steps[k]) && !t.within(k, released) {
			return true
		}
	}
	return false
}

// reverse adds to the decision before step i a task with which the last step, the j-th, can come before i, unless one is there
// already. It is a task that can go first in v: the steps between i and j that do not depend on i, and then the last.
func (t *trace) reverse(i, j int, last *step) {
	n := t.steps[i].node
	if n == nil {
		return // it was the only thing to do
	}
	for len(t.v) < t.words {
		t.v = append(t.v, 0)
	}
	v := t.v[:t.words]
	clear(v)
	for k := i + 1; k < j; k++ {
		if !t.happened(i, &t.steps[k]) {
			v[k/64] |= 1 << (k % 64)
		}
	}
	candidate := none
	// in reports whether a task that can go first is among those to be tried.
	in := func(s *step) bool {
		if !t.first(s, v) || !slices.Contains(n.enabled, s.task) {
			return false
		}
		if candidate == none || s == last || s.task == last.task {
			candidate = s.task
		}
		return slices.Contains(n.backtrack, s.task)
	}
	for w, set := range v {
		for ; set != 0; set &= set - 1 {
			if in(&t.steps[w*64+bits.TrailingZeros64(set)]) {
				return
			}
		}
	}
	if in(last) {
		return
	}
	if last.task == clockIndex && !slices.ContainsFunc(v, func(w uint64) bool { return w != 0 }) {
		return // there was no timer yet, or else the clock would be among the enabled
	}
	if candidate != none {
		n.backtrack = append(n.backtrack, candidate)
		return
	}
	for _, task := range n.enabled { // to be on the safe side
		if !slices.Contains(n.backtrack, task) {
			n.backtrack = append(n.backtrack, task)
		}
	}
}

const none = -2

// first reports whether nothing in v has to come before the step.
func (t *trace) first(s *step, v []uint64) bool {
	for w := range v {
		if s.past[w]&v[w] != 0 {
			return false
		}
	}
	return true
}

func appendNew(list []int, x int) []int {
	if slices.Contains(list, x) {
		return list
	}
	return append(list, x)
}
