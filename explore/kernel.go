package explore

import (
	"strings"
	"time"
)

// The kernel's own oracles; programs add theirs through Fail.
const (
	PanicOracle    = "panic"
	DeadlockOracle = "deadlock"
	LivelockOracle = "livelock"
)

// Failure is the first objection of an oracle in a run.
type Failure struct {
	Oracle string
	Detail string
}

// Kernel is one run in the making: the program's door to worlds, clients and oracles. It is valid until the run ends
// and is used from the run's tasks and callbacks only.
type Kernel struct {
	options    Options
	strategy   Strategy
	makeWorker func(*Kernel) *worker
	threads    bool      // tasks are goroutines: strategies and oracles must run on the runner's
	free       []*worker // without a task, kept between runs
	resting    []*worker // threads that have run a task in this run
	spare      []*Task   // tasks of earlier runs, to be used again

	// Of coroutines.
	host    worker  // the runner, as one of those who pass the turn on
	seats   []*seat // kept between runs
	closing bool    // all coroutines are to end
	gone    bool    // one is of no more use
	escaped *escape

	tasks   []*Task // all of this run
	quoted  bool    // the name of one has a quote in it, as those have that unique has numbered
	live    []*Task // those that have not ended, in the order of their creation
	choice  Choice  // scratch of choose
	shape   Shape   // of this run
	enabled []*Task // scratch of choose
	current *Task
	next    *Task // who goes on when the current coroutine gives way; nil ends the run
	clock   *Task // stands for the clock among Enabled
	root    *Task // stands for the program while it sets up, and for the oracles at the end

	open, shut monitor // gates: nobody holds the one, and somebody the other
	wary       bool    // gates do not say all: a context may have ended, a queue has a first, or a task is to die

	now    time.Duration
	time   time.Time // the same
	timers []timer   // by time

	// Kept between runs, each up to its mark in use by this one.
	deadlines     []*deadline
	deadlinesUsed int
	monitors      []*monitor
	monitorsUsed  int
	worlds        []*World
	worldsUsed    int

	steps      int
	faults     int // budget left
	kept       int // of it, until Safely returns
	hash       Hash
	log        *eventLog // instead of hash, unless nil
	outside    Hash      // see Result
	deviations []departure
	deviated   bool // the next event carries the mark
	failure    *Failure
	stopped    bool
	abandoned  bool // by the strategy
	asking     *question
	unobserved []Event
	atStep     []oracle
	always     bool // true: what AtStep has for stale
	atEnd      []func()
	footprint  []Access   // of the current step; nobody notes it without a watcher
	ahead      []Access   // scratch of nextTick
	records    []string   // objects that are a monitor's record, see Options.Records
	taken      []*monitor // by the current step
	watcher    Watcher    // the strategy, if it wants to know footprints
	notes      bool       // it does; for some only whose turn it is counts
	footprints bool       // somebody does: the watcher, or monitors that are a record's
	memory     *memory    // of the strategy, if its runs begin with steps of the run before; nil otherwise
	again      int        // how many steps those are
	repeats    bool       // the step that is under way is one of those
	silent     bool       // its events need not be noted: their hash is known
	denied     denier     // the strategy, if it wants to know who waits for a monitor
	passer     passer     // the strategy, if it lets steps go on over yields
	strict     bool       // the strategy runs traces in the orders in which calls are made late
	collector  collector  // the strategy, if it counts what Sometimes says
	pulse      *pulse     // nil without a watchdog

	expiries   map[string]string   // see deadlinesOf; kept between runs
	identities map[identity]string // see objectOf; kept between runs
	answered   []named             // by monitor, see identified; kept between runs
	stuck      []*Task             // scratch of expire

	states []func(see func(object string, value Hash)) // see State
}

// World makes a world. Its name appears in crash events.
//
//go:norace
func (k *Kernel) World(name string) *World {
	if k.worldsUsed == len(k.worlds) {
		k.worlds = append(k.worlds, &World{})
	}
	w := k.worlds[k.worldsUsed]
	k.worldsUsed++
	*w = World{k: k, name: name}
	return w
}

// Client adds a client: a task that, by default, starts only when all earlier clients have finished.
//
//go:norace
func (k *Kernel) Client(name string, w *World, f func()) { k.spawn(name, w, true, f) }

// AtStep registers an oracle that looks at the state after every step; it must not yield. A panic in it is the run's failure.
//
// With [NewThreads] it runs on the runner's goroutine. For the race detector it comes after all that tasks have done, but
// nothing puts it before what they do next, so that what it reads may be reported as a race: functions that read the program's
// memory carry the directive go:norace, or take a quiet monitor ([World.Quiet]) that the writers take as well. Whoever
// takes such a monitor next then comes after all that the oracle came after, and races with that go unseen: the directive
// hides less.
//
//go:norace
func (k *Kernel) AtStep(f func()) { k.AtStepIf(&k.always, f) }

// AtStepIf is AtStep for an oracle that knows when it has something to look at: it is asked after steps that leave stale true, and
// says itself when it is not any more. Most steps of most programs change nothing that an oracle looks at.
//
//go:norace
func (k *Kernel) AtStepIf(stale *bool, f func()) { k.atStep = append(k.atStep, oracle{stale, f}) }

// oracle is one that looks at the state after steps.
type oracle struct {
	stale *bool // never nil
	look  func()
}

// AtEnd registers an oracle for the end of a run in which every task has ended; it must not yield.
//
//go:norace
func (k *Kernel) AtEnd(f func()) { k.atEnd = append(k.atEnd, f) }

// Fail records an oracle's objection; the first one is the run's failure, and the run stops at the next yield. The event
// has the first line of the detail alone: what follows in that of a panic is the stack, and no two processes have the same.
//
//go:norace
func (k *Kernel) Fail(oracle, detail string) {
	if k.failure != nil {
		return
	}
	k.failure = &Failure{oracle, detail}
	k.note(FailureEvent, k.currentName(), oracle+": "+firstLine(detail))
}

// Note records a visible event of the current task, whose order among all others matters.
//
//go:norace
func (k *Kernel) Note(text string) { k.visible(text, Write) }

// Call records that the current task calls something that the outside sees, and Return that it was answered. For an
// outsider the order of a call and an answer matters; that of two calls, or of two answers, does not.
//
//go:norace
func (k *Kernel) Call(text string) { k.visible(text, callMode) }

// CallReads says that whoever hears of the call that the current task has just made looks at an object then. The later he hears, the
// more he may object to, see [NewStrict].
//
//go:norace
func (k *Kernel) CallReads(object string) {
	mode := Read
	if k.strict {
		mode = callMode
	}
	k.access(object, mode)
}

// Return is the other half of Call.
//
//go:norace
func (k *Kernel) Return(text string) { k.visible(text, returnMode) }

//go:norace
func (k *Kernel) visible(text string, mode Mode) {
	if k.current != nil && k.current.dying {
		return
	}
	k.access(historyObject, mode)
	if t := k.current; t != nil {
		k.outside -= t.told
		t.told = t.told.mix(uint64(t.hash)).mix(uint64(mode)).str(text)
		k.outside += t.told
	}
	k.note(VisibleEvent, k.currentName(), text)
}

// Before is seam.Stage's yield point.
//
//go:norace
func (k *Kernel) Before(op, object string) {
	t := k.acting()
	t.ctx = nil
	k.yield(t, ready, Point{op, object})
}

// Choose is seam.Stage's fault point. Every fault costs one of the run's budget.
//
//go:norace
func (k *Kernel) Choose(op, object string, faults ...string) int {
	if k.faults == 0 {
		return 0 // for the rest of the run, so that nobody will number this place
	}
	return k.pick(op, object, faults)
}

// pick is Choose while there are faults left.
//
//go:norace
func (k *Kernel) pick(op, object string, faults []string) int {
	t := k.current
	if t == nil || t.dying {
		return 0
	}
	p := Point{op, object}
	t.asked = append(t.asked, p)
	i := k.faultAt(t, p, faults)
	if i == 0 {
		return 0
	}
	k.faults--
	k.deviate(Fault, t, len(t.asked)).fault = faults[i-1]
	k.show(Event{Kind: FaultEvent, Task: t.name, Point: p, Text: faults[i-1]})
	return i
}

// FaultsSpent is how much of its fault budget the run has used so far.
//
//go:norace
func (k *Kernel) FaultsSpent() int { return k.options.Faults - k.faults - k.kept }

// Safely is for a task. While it runs f, nothing fails and no timer fires early, whoever acts: f makes the state from which a program
// begins. Then what was left of the fault budget is there again.
//
//go:norace
func (k *Kernel) Safely(f func()) {
	k.faults, k.kept = 0, k.faults
	f()
	k.faults, k.kept = k.kept, 0
}

// Current is the name of the task that acts; "" for an oracle.
//
//go:norace
func (k *Kernel) Current() string { return k.currentName() }

//go:norace
func (k *Kernel) currentName() string {
	if k.current == nil {
		return ""
	}
	return k.current.name
}

// note records an event that is not at a point.
//
//go:norace
func (k *Kernel) note(kind EventKind, task, text string) {
	if k.options.Observe != nil {
		k.show(Event{Kind: kind, Task: task, Text: text})
		return
	}
	switch {
	case k.stopped, k.silent:
	case k.log != nil:
		e := k.log.add()
		e.Kind, e.Task, e.Text = kind, task, text
	default:
		k.deviated = false
		k.hash = k.hash.bare(kind, task, text)
	}
}

// show is note for any event, and lets the observer see it.
//
//go:norace
func (k *Kernel) show(e Event) {
	if k.stopped || k.silent {
		return
	}
	e.Deviation = k.deviated
	k.deviated = false
	if k.log != nil {
		*k.log.add() = e
		return
	}
	if !k.options.unhashed {
		k.hash = k.hash.Add(e)
	}
	switch {
	case k.options.Observe == nil:
	case k.threads:
		k.unobserved = append(k.unobserved, e)
	default:
		k.options.Observe(e)
	}
}

// noteStep is note for steps, which are most events.
//
//go:norace
func (k *Kernel) noteStep(t *Task) {
	if k.log != nil {
		if !k.stopped {
			k.log.step(t)
		}
		return
	}
	if k.options.Observe != nil {
		k.show(Event{Kind: StepEvent, Task: t.name, Point: t.point})
		return
	}
	if !k.stopped && !k.silent {
		k.deviated = false
		k.hash = k.hash.step(t.hash, &t.point)
	}
}

// noteLife is note for the start and the end of a task.
//
//go:norace
func (k *Kernel) noteLife(kind EventKind, t *Task) {
	if k.log != nil && !k.stopped {
		k.log.life(kind, t)
		return
	}
	k.note(kind, t.name, "")
}

// observe hands on what threads have noted; the observer is the runner's.
//
//go:norace
func (k *Kernel) observe() {
	for _, e := range k.unobserved {
		k.options.Observe(e)
	}
	k.unobserved = k.unobserved[:0]
}

// acting is the task that called; a dying one goes no further.
//
//go:norace
func (k *Kernel) acting() *Task {
	t := k.current
	if t == nil {
		panic("explore: a lock, wait, sleep or effect outside of a task")
	}
	if t.dying {
		k.unwindOn(t)
	}
	return t
}

//go:norace
func (k *Kernel) spawn(name string, w *World, client bool, f func()) {
	if t := k.current; t != nil && t.dying || w.crashed {
		return
	}
	var t *Task
	if n := len(k.spare); n > 0 {
		t, k.spare = k.spare[n-1], k.spare[:n-1]
		visited, asked := t.visited[:0], t.asked[:0]
		*t = Task{} // as in NewMonitor
		t.visited, t.asked = visited, asked
	} else {
		t = &Task{}
	}
	t.hash = NewHash().str(name)
	if t.name = k.unique(name, t.hash); t.name != name {
		t.hash = NewHash().str(t.name)
	}
	k.quoted = k.quoted || strings.IndexByte(t.name, '\'') >= 0
	t.world, t.client, t.f = w, client, f
	if k.watcher != nil {
		k.touch(name, true) // who of two comes first has the name without a number
	}
	t.index, t.cause = len(k.tasks), k.steps
	if k.current == k.root {
		t.cause = none // the set-up is no step
	}
	t.point, t.gate = Point{"start", t.name}, &k.open
	t.visited = append(t.visited, t.point)
	k.tasks = append(k.tasks, t)
	k.live = append(k.live, t)
	if cap(k.enabled) <= len(k.live) { // room for all of them, and the clock
		k.enabled = make([]*Task, 0, 2*len(k.live)+2)
	}
	k.noteLife(SpawnEvent, t)
	happensBefore(t)
}
