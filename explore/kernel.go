package explore

import (
	"fmt"
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
	free       []*worker // idle coroutines, kept between runs
	spare      []*Task   // tasks of earlier runs, to be used again

	tasks   []*Task // all of this run
	live    []*Task // those that have not ended, in the order of their creation
	choice  Choice  // scratch of choose
	enabled []*Task // scratch of choose
	current *Task
	next    *Task // who goes on when the current coroutine gives way; nil ends the run
	clock   *Task // stands for the clock among Enabled
	root    *Task // stands for the program while it sets up, and for the oracles at the end

	now    time.Duration
	timers []timer // by time

	// Kept between runs, each up to its mark in use by this one.
	deadlines     []*deadline
	deadlinesUsed int
	monitors      []*monitor
	monitorsUsed  int
	worlds        []*World
	worldsUsed    int

	steps      int
	faults     int // budget left
	hash       Hash
	deviations []departure
	deviated   bool // the next event carries the mark
	failure    *Failure
	stopped    bool
	abandoned  bool // by the strategy
	asking     *question
	unobserved []Event
	atStep     []func()
	atEnd      []func()
	footprint  []Access   // of the current step
	taken      []*monitor // by the current step
	watcher    Watcher    // the strategy, if it wants to know footprints
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

// AtStep registers an oracle that looks at the state after every step; it must not yield.
//
//go:norace
func (k *Kernel) AtStep(f func()) { k.atStep = append(k.atStep, f) }

// AtEnd registers an oracle for the end of a run in which every task has ended; it must not yield.
//
//go:norace
func (k *Kernel) AtEnd(f func()) { k.atEnd = append(k.atEnd, f) }

// Fail records an oracle's objection; the first one is the run's failure, and the run stops at the next yield.
//
//go:norace
func (k *Kernel) Fail(oracle, detail string) {
	if k.failure != nil {
		return
	}
	k.failure = &Failure{oracle, detail}
	k.note(Event{Kind: FailureEvent, Task: k.currentName(), Text: oracle + ": " + detail})
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

// Return is the other half of Call.
//
//go:norace
func (k *Kernel) Return(text string) { k.visible(text, returnMode) }

//go:norace
func (k *Kernel) visible(text string, mode Mode) {
	if k.current != nil && k.current.dying {
		return
	}
	k.footprint = append(k.footprint, Access{historyObject, mode})
	k.note(Event{Kind: VisibleEvent, Task: k.currentName(), Text: text})
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
	t := k.current
	if t == nil || t.dying {
		return 0
	}
	p := Point{op, object}
	t.asked = append(t.asked, p)
	if k.faults == 0 {
		return 0
	}
	i := k.faultAt(t, p, faults)
	if i == 0 {
		return 0
	}
	k.faults--
	k.deviate(departure{kind: Fault, task: t, visits: len(t.asked), fault: faults[i-1]})
	k.note(Event{Kind: FaultEvent, Task: t.name, Point: p, Text: faults[i-1]})
	return i
}

//go:norace
func (k *Kernel) faultAt(t *Task, p Point, faults []string) int {
	if !k.threads {
		return k.strategy.Fault(t, p, faults)
	}
	q := &question{t, p, faults, 0}
	k.asking = q
	t.worker.yield(struct{}{})
	return q.answer
}

// question is a fault point, on its way from a thread to the strategy.
type question struct {
	task   *Task
	point  Point
	faults []string
	answer int
}

// FaultsSpent is how much of its fault budget the run has used so far.
//
//go:norace
func (k *Kernel) FaultsSpent() int { return k.options.Faults - k.faults }

//go:norace
func (k *Kernel) currentName() string {
	if k.current == nil {
		return ""
	}
	return k.current.name
}

//go:norace
func (k *Kernel) deviate(d departure) {
	k.deviations = append(k.deviations, d)
	k.deviated = true
}

//go:norace
func (k *Kernel) note(e Event) {
	if k.stopped {
		return
	}
	e.Deviation = k.deviated
	k.deviated = false
	k.hash = k.hash.Add(e)
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
	if k.options.Observe != nil {
		k.note(Event{Kind: StepEvent, Task: t.name, Point: t.point})
		return
	}
	if !k.stopped {
		k.deviated = false
		k.hash = k.hash.step(t.hash, t.point)
	}
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
		panic(unwound{})
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
		*t = Task{visited: t.visited[:0], asked: t.asked[:0]}
	} else {
		t = &Task{}
	}
	t.name, t.world, t.client, t.f = k.unique(name), w, client, f
	t.hash, t.index, t.cause = NewHash().str(t.name), len(k.tasks), k.steps
	t.point = Point{"start", t.name}
	t.visited = append(t.visited, t.point)
	k.tasks = append(k.tasks, t)
	k.live = append(k.live, t)
	k.note(Event{Kind: SpawnEvent, Task: t.name})
	happensBefore(t)
}

// yield is where a task gives way. It returns when the task may do what p announces.
//
//go:norace
func (k *Kernel) yield(t *Task, s state, p Point) {
	t.state, t.point = s, p
	if t == k.root {
		waits := !t.enabled()
		t.state = done // as far as schedules are concerned, it has ended before the first task begins
		if waits {
			panic("explore: set-up and oracles must not wait, but came to " + p.String())
		}
		return
	}
	t.visited = append(t.visited, p)
	if k.threads {
		t.worker.yield(struct{}{})
	} else {
		k.stepped(t)
		if next := k.choose(t); next != t {
			k.next = next
			t.worker.yield(struct{}{})
		}
	}
	if t.dying {
		panic(unwound{})
	}
	t.state = ready
	k.noteStep(t)
}

// ended is the last thing a task does.
//
//go:norace
func (k *Kernel) ended(t *Task) {
	t.state = done
	if !k.threads {
		k.bury(t)
	}
}

// bury takes a task that has ended out of the run and says who goes on.
//
//go:norace
func (k *Kernel) bury(t *Task) {
	for i, l := range k.live {
		if l == t {
			k.live = append(k.live[:i], k.live[i+1:]...)
			break
		}
	}
	if k.stopped {
		return
	}
	k.note(Event{Kind: EndEvent, Task: t.name})
	if !t.dying {
		k.stepped(t)
	}
	k.next = k.choose(t)
}

// stepped ends a step of t: the oracles look at the state it left.
//
//go:norace
func (k *Kernel) stepped(t *Task) {
	k.steps++
	if k.watcher != nil {
		for _, m := range k.taken {
			if m.holder == t {
				k.footprint = append(k.footprint, Access{m.name, acquire})
			}
		}
		k.watcher.Stepped(t, k.footprint)
	}
	k.footprint, k.taken = k.footprint[:0], k.taken[:0]
	for _, f := range k.atStep {
		f()
	}
	if k.steps >= k.options.MaxSteps {
		k.Fail(LivelockOracle, "still running after "+itoa(k.steps)+" steps")
	}
}

// choose says who goes on after cur gave way or ended; nil if the run is over.
//
//go:norace
func (k *Kernel) choose(cur *Task) *Task {
	for k.failure == nil {
		k.enabled = k.enabled[:0]
		for _, t := range k.live {
			if t.dying {
				return t // to unwind; no choice, it acts no more
			}
			if t.enabled() {
				k.enabled = append(k.enabled, t)
			}
		}
		if len(k.enabled) == 0 {
			if len(k.timers) > 0 && len(k.live) > 0 {
				k.tick()
				k.ticked()
				continue
			}
			if len(k.live) > 0 {
				k.Fail(DeadlockOracle, k.waitsFor())
			}
			return nil
		}
		def := k.defaultIndex(cur)
		early := k.faults > 0 && len(k.timers) > 0
		if early {
			k.enabled = append(k.enabled, k.clock)
		}
		if len(k.enabled) == 1 && k.watcher == nil {
			return k.enabled[0]
		}
		k.choice = Choice{Current: cur, Enabled: k.enabled, Default: def, Clock: early}
		i := k.strategy.Next(&k.choice)
		if i == Abandon {
			k.abandoned = true
			return nil
		}
		next := k.enabled[i]
		if i != def {
			d := departure{kind: Pick, task: cur, visits: len(cur.visited), to: next, ended: cur.state == done}
			if k.enabled[def] == cur {
				d.kind = Switch
			}
			k.deviate(d)
		}
		if next != k.clock {
			return next
		}
		k.faults--
		k.tick()
		k.ticked()
	}
	return nil
}

// ticked tells the watcher of a step of the clock, with which nothing commutes.
//
//go:norace
func (k *Kernel) ticked() {
	if k.watcher != nil {
		k.watcher.Stepped(k.clock, []Access{{everything, Write}})
	}
	k.steps++
}

// defaultIndex is the default schedule (see doc.go) for the tasks in k.enabled.
//
//go:norace
func (k *Kernel) defaultIndex(cur *Task) int {
	want := cur
	for range k.live { // at most once round: a cycle is a deadlock, and then nobody on it is enabled
		if want.state == done || want.enabled() {
			break
		}
		if want.state != locking && want.state != waiting || want.on.holder == nil {
			break
		}
		want = want.on.holder
	}
	background, started, fresh := -1, -1, -1
	for i, t := range k.enabled {
		switch {
		case t == want:
			return i
		case !t.client:
			if background < 0 {
				background = i
			}
		case t.worker != nil:
			if started < 0 {
				started = i
			}
		case fresh < 0:
			fresh = i
		}
	}
	switch {
	case background >= 0:
		return background
	case started >= 0:
		return started
	}
	return fresh
}

// resume gives the turn to a task and returns when its coroutine gives way.
//
//go:norace
func (k *Kernel) resume(t *Task) {
	k.current = t
	if t.worker == nil {
		k.start(t)
		return
	}
	k.turn(t.worker)
}

// turn lets the current task run until it gives way.
//
//go:norace
func (k *Kernel) turn(w *worker) {
	t := w.task
	w.next()
	if k.threads {
		for k.asking != nil {
			q := k.asking
			k.asking = nil
			q.answer = k.strategy.Fault(q.task, q.point, q.faults)
			w.next()
		}
		k.observe()
		switch {
		case t.state == done:
			k.bury(t)
		case !k.stopped:
			k.stepped(t)
			k.next = k.choose(t)
		}
	}
	k.reclaim(w)
}

//go:norace
func (k *Kernel) start(t *Task) {
	var w *worker
	if n := len(k.free); n > 0 {
		w, k.free = k.free[n-1], k.free[:n-1]
	} else {
		w = k.makeWorker(k)
	}
	w.task, t.worker = t, w
	k.noteStep(t)
	k.turn(w)
}

// reclaim takes back the coroutine of a task that has ended.
//
//go:norace
func (k *Kernel) reclaim(w *worker) {
	if w.task == nil {
		k.free = append(k.free, w)
	}
}

// loop runs until nothing is left to do or an oracle objects.
//
//go:norace
func (k *Kernel) loop() {
	k.footprint, k.taken = k.footprint[:0], k.taken[:0]
	if len(k.live) > 0 {
		k.next = k.choose(k.root)
	}
	for k.next != nil {
		k.resume(k.next)
	}
	k.current = k.root
	if k.failure == nil && !k.abandoned {
		k.judge()
	}
	k.stopped = true
}

// judge asks the oracles at the end. One that comes to a lock that an ended task has kept cannot get it: that is a failure
// of the program, not of the oracle.
//
//go:norace
func (k *Kernel) judge() {
	defer func() {
		if p := recover(); p != nil {
			k.Fail(PanicOracle, fmt.Sprintf("at the end: %v", p))
		}
	}()
	for _, f := range k.atEnd {
		f()
	}
}

// unwind ends what a stopped run left behind; nothing acts any more.
//
//go:norace
func (k *Kernel) unwind() {
	for len(k.live) > 0 {
		t := k.live[len(k.live)-1]
		t.dying = true
		if t.worker == nil {
			k.live = k.live[:len(k.live)-1]
			continue
		}
		k.resume(t)
	}
	k.current = nil
}
