package explore

import (
	"slices"
	"strings"
)

// Mode is how a step accesses an object.
type Mode uint8

// The modes. Two accesses of one object commute if both have the same mode, and that is not Write.
const (
	Read Mode = iota
	Write
	callMode
	returnMode
	arrange // a timer is set or taken away
	acquire // of a monitor that is held beyond the step
	release // of a monitor that was held since an earlier step
	section // of a monitor: acquired and released within the step, after touching keys

	// Of a GoMutex. None of these waits, but handed.
	visit    // a section by a newcomer while nobody queues
	barge    // acquired by a newcomer
	handed   // acquired by the first of the queue
	handover // released
	change   // someone queues, or is woken
)

var modeNames = [...]string{
	"reads", "writes", "calls", "answers", "arranges", "takes", "gives back", "section of",
	"visits", "barges in on", "is handed", "hands on", "queues for or wakes",
}

// String is for people.
func (m Mode) String() string { return modeNames[m] }

// everything is an object that no step commutes with.
const everything = "*"

// historyObject stands for the order of visible calls and answers.
const historyObject = "history"

// What the clock writes when a schedule lets it move early, and with it the deadlines of every task of which one ends. Steps
// that ask for none of it, those of a service that has no deadline for example, do not notice.
const (
	timeObject   = "time"
	timersObject = "timers" // of one instant fire together, so that the order in which they were set is no matter
)

const deadlinesPrefix = "deadlines of "

// deadlinesOf is the object that stands for all deadlines that a task has made.
//
//go:norace
func (k *Kernel) deadlinesOf(t *Task) string {
	if t.deadlines == "" {
		t.deadlines = k.deadlinesNamed(t.name)
	}
	return t.deadlines
}

//go:norace
func (k *Kernel) deadlinesNamed(task string) string {
	name, known := k.expiries[task]
	if !known {
		if k.expiries == nil || len(k.expiries) == mostNames {
			k.expiries = make(map[string]string)
		}
		name = deadlinesPrefix + task
		k.expiries[task] = name
	}
	return name
}

// mostNames bounds what a kernel remembers of names from run to run.
const mostNames = 4096

// Access is one object that a step read or wrote.
type Access struct {
	Object string
	Mode   Mode
}

//go:norace
func (a Access) commutes(b Access) bool {
	switch {
	case a.Object == everything || b.Object == everything:
		return false
	case a.Object != b.Object:
		return true
	case (a.Mode >= acquire) != (b.Mode >= acquire):
		return true // a monitor, and what someone touches by the same name
	case a.Mode != b.Mode:
		return false
	}
	switch a.Mode {
	case Read, callMode, returnMode, arrange, section, visit:
		return true
	}
	return false
}

// commute reports whether two steps with these footprints may be swapped without anyone noticing.
//
//go:norace
func commute(a, b []Access) bool {
	if len(a) == 0 { // a step that touched nothing may still ask the time, or be one that a crash takes away
		a, b = b, a
	}
	for _, x := range a {
		if x.Object == everything {
			return false
		}
		for _, y := range b {
			if !x.commutes(y) {
				return false
			}
		}
	}
	return true
}

// Watcher is a strategy that wants to know what each step did.
type Watcher interface {
	// Stepped is called at the end of every step with what it accessed. The slice is valid during the call.
	//
	// A section of a monitor that ends within the step counts as what was touched in it, so that two sections that
	// touch different keys commute; a section in which nothing was touched, or someone waits or is woken, commutes
	// with no other.
	Stepped(t *Task, footprint []Access)
}

// blind is a watcher that looks at no footprint: only whose step it was counts for it.
type blind interface{ looksAway() }

// denier is a watcher that also wants to know, after every step, which tasks could go on if a monitor were free; and from
// which the step took away what they were about to do, because it killed or woke them: everything is denied them.
type denier interface {
	deniedBy(t *Task, object string)
	// couldTick is told at the end of a run in which the clock could still move early, for each of its steps, what that would access.
	couldTick(footprint []Access)
}

// passer is a watcher that may let a task go on, within the same step, over a yield at which it need not wait.
type passer interface {
	// passes is told what the step has accessed so far, and whether it cannot go on whatever the answer is, because somebody holds
	// a monitor. It is not asked in runs with faults.
	passes(footprint []Access, held bool) bool
}

// postponer is a watcher that may run a trace again in orders in which calls are made later, see NewStrict.
type postponer interface{ postpones() bool }

//go:norace
func (k *Kernel) tellDenied() {
	for _, t := range k.live {
		switch {
		case k.repeats: // it has been told
			t.late = false
		case t.dying, t.late:
			t.late = false
			k.denied.deniedBy(t, everything)
		case t.wants() && t.on.holder != nil && !t.enabled():
			switch {
			case t.state == waiting && !t.woken, t.state == parked, t.state == queued && t.on.queue[0] != t:
			default:
				k.denied.deniedBy(t, t.on.object)
			}
		}
	}
}

// access adds to the footprint of the current step, if anyone wants to know it.
//
//go:norace
func (k *Kernel) access(object string, mode Mode) {
	if k.footprints { // see recorded
		k.footprint = append(k.footprint, Access{object, mode})
	}
}

//go:norace
func (k *Kernel) touch(object string, write bool) {
	mode := Read
	if write && !slices.Contains(k.records, object) {
		mode = Write
	}
	k.access(object, mode)
}

// recorded reports whether the current step has touched an object by the name of a monitor that it makes. That object is a record
// from now on.
//
//go:norace
func (k *Kernel) recorded(monitor string) bool {
	found := false
	for i := range k.footprint {
		if a := &k.footprint[i]; a.Object == monitor && a.Mode <= Write {
			a.Mode, found = Read, true
		}
	}
	if found && !slices.Contains(k.records, monitor) {
		k.records = append(k.records, monitor)
		if k.memory != nil {
			k.memory.records = append(k.memory.records, recordFound{monitor, k.memory.steps})
		}
	}
	return found
}

// Follow says that from now on, every step of the current task reads an object: a context that another task may end, and
// that is looked at nobody knows when. "" ends that with this step.
//
//go:norace
func (k *Kernel) Follow(object string) {
	t := k.current
	if t.follows != "" {
		k.touch(t.follows, false)
	}
	t.follows = object
}

// took notes that the current step has acquired a monitor.
//
//go:norace
func (k *Kernel) took(m *monitor) {
	m.step = k.steps
	if k.notes {
		m.mark, m.waited = len(k.footprint), false
		k.taken = append(k.taken, m)
	}
}

// gave notes that the current step has released a monitor.
//
//go:norace
func (k *Kernel) gave(m *monitor) {
	if !k.notes {
		return
	}
	gives, within := release, section
	if m.fair {
		gives, within = handover, visit
	}
	switch {
	case m.step != k.steps:
		k.footprint = append(k.footprint, Access{m.object, gives})
	case !k.touched(m.mark) || m.waited || m.fair && m.how != visit:
		k.footprint = append(k.footprint, Access{m.object, m.acquisition()}, Access{m.object, gives})
	default:
		k.footprint = append(k.footprint, Access{m.object, within})
	}
}

// touched reports whether the current step has touched something since then. What the kernel notes of the clock says nothing of
// what a section is about.
//
//go:norace
func (k *Kernel) touched(mark int) bool {
	for i := mark; i < len(k.footprint); i++ {
		a := &k.footprint[i]
		if a.Object != timeObject && a.Object != timersObject && (a.Mode != Read || !strings.HasPrefix(a.Object, deadlinesPrefix)) {
			return true
		}
	}
	return false
}
