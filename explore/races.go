package explore

import (
	"math/bits"
	"slices"
)

// trace is the steps of one run with their happens-before order.
type trace struct {
	steps   []step
	objects map[string]*object
	pool    []*object
	inUse   int

	words int      // per set of steps
	room  []uint64 // of the sets
	v     []uint64 // scratch of reverse
	last  []int    // latest step of each task, by task index + 1
}

// step is one step of a run.
type step struct {
	task, cause int
	node        *node // the decision that began it; nil if there was none
	footprint   []Access
	past        []uint64 // the steps that happened before it
}

// object is what the steps so far did to one object.
type object struct {
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

func (t *trace) reset() { t.steps = t.steps[:0] }

func (t *trace) add(task, cause int, n *node, footprint []Access) {
	if len(t.steps) < cap(t.steps) {
		t.steps = t.steps[:len(t.steps)+1]
	} else {
		t.steps = append(t.steps, step{})
	}
	s := &t.steps[len(t.steps)-1]
	s.task, s.cause, s.node = task, cause, n
	s.footprint = append(s.footprint[:0], footprint...)
}

// races finds, for every step from the first new one on, the earlier steps that could just as well have come after it,
// and adds to the decisions there what leads to that. This is source-DPOR (Abdulla, Aronis, Jonsson, Sagonas, "Optimal
// dynamic partial order reduction", POPL 2014), with monitors: a step that waited for a monitor races with the
// acquisition before it, not with the release. Whoever tries for a GoMutex does not wait, and races with whatever was done
// to it last; only the first of the queue waits, and only while the monitor is taken.
func (t *trace) races(from int) {
	t.prepare()
	var before, rivals, lockRivals []int
	for j := range t.steps {
		s := &t.steps[j]
		before, rivals, lockRivals = before[:0], rivals[:0], lockRivals[:0]
		released := -1
		if p := t.last[s.task+1]; p >= 0 {
			before = append(before, p)
		}
		if s.cause >= 0 && s.cause < j {
			before = append(before, s.cause)
		}
		for _, a := range s.footprint {
			if a.Object == everything {
				for i := range j {
					rivals = appendNew(rivals, i)
				}
				continue
			}
			o := t.object(a.Object)
			switch a.Mode {
			case release:
			case acquire, section:
				released = max(released, o.released)
				if o.acquired >= 0 {
					lockRivals = appendNew(lockRivals, o.acquired)
				}
				if a.Mode == acquire {
					for _, i := range o.sections {
						lockRivals = appendNew(lockRivals, i)
					}
				}
			case handed:
				released = max(released, o.released)
				if o.latest > o.released {
					rivals = appendNew(rivals, o.latest)
				}
				if o.barged {
					lockRivals = appendNew(lockRivals, o.acquired)
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
		if star := t.object(everything); star.acquired >= 0 {
			rivals = appendNew(rivals, star.acquired)
		}
		for _, list := range [3][]int{before, rivals, lockRivals} {
			for _, i := range list {
				t.follow(s, i)
			}
		}
		if released >= 0 {
			t.follow(s, released)
		}
		if j >= from {
			for _, i := range rivals {
				if t.steps[i].task != s.task && !t.implied(i, before, rivals, released) {
					t.reverse(i, j)
				}
			}
			for _, i := range lockRivals {
				if t.steps[i].task != s.task && !t.implied(i, before, rivals, -1) {
					t.reverse(i, j)
				}
			}
		}
		t.record(j)
	}
}

// prepare makes room for the sets of steps.
func (t *trace) prepare() {
	n := len(t.steps)
	t.words = (n + 63) / 64
	if need := n * t.words; len(t.room) < need {
		t.room = make([]uint64, need)
	} else {
		clear(t.room[:need])
	}
	highest := clockIndex
	for j := range t.steps {
		t.steps[j].past = t.room[j*t.words : (j+1)*t.words]
		highest = max(highest, t.steps[j].task)
	}
	t.last = t.last[:0]
	for range highest + 2 {
		t.last = append(t.last, -1)
	}
	clear(t.objects)
	t.inUse = 0
	if t.objects == nil {
		t.objects = make(map[string]*object)
	}
}

func (t *trace) object(name string) *object {
	if o := t.objects[name]; o != nil {
		return o
	}
	if t.inUse == len(t.pool) {
		t.pool = append(t.pool, &object{})
	}
	o := t.pool[t.inUse]
	t.inUse++
	*o = object{recent: o.recent[:0], sections: o.sections[:0], acquired: -1, released: -1, latest: -1}
	t.objects[name] = o
	return o
}

// record notes what step j does to its objects.
func (t *trace) record(j int) {
	s := &t.steps[j]
	t.last[s.task+1] = j
	for _, a := range s.footprint {
		o := t.object(a.Object)
		switch {
		case a.Object == everything, a.Mode == acquire:
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

// implied reports whether i is before the step anyway: it must be, or another step that must be, or that conflicts too,
// comes after it.
func (t *trace) implied(i int, before, rivals []int, released int) bool {
	for _, k := range before {
		if k == i || t.happened(i, &t.steps[k]) {
			return true
		}
	}
	for _, k := range rivals {
		if k != i && t.happened(i, &t.steps[k]) {
			return true
		}
	}
	return released >= 0 && t.happened(i, &t.steps[released])
}

// reverse adds to the decision before step i a task with which step j can come before i, unless one is there already.
// It is a task that can go first in v: the steps between i and j that do not depend on i, and then j.
func (t *trace) reverse(i, j int) {
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
	v[j/64] |= 1 << (j % 64)
	candidate := none
	for w, set := range v {
		for ; set != 0; set &= set - 1 {
			s := &t.steps[w*64+bits.TrailingZeros64(set)]
			if !t.first(s, v) || !slices.Contains(n.enabled, s.task) {
				continue
			}
			if slices.Contains(n.backtrack, s.task) {
				return
			}
			if candidate == none || s.task == t.steps[j].task {
				candidate = s.task
			}
		}
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
