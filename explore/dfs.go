package explore

// Exhaustive is depth-first search that runs one schedule of every trace: two schedules that differ only in the order
// of steps that commute, by their footprints, are one trace. It is source-DPOR with sleep sets; without reduction, it
// runs every schedule. Faults are explored up to the run's budget.
//
//	for dfs.More() { runner.Run(program, dfs, 0, options) }
//
// Without faults, a step goes on over yields before which it has done nothing that others could notice: what they do there they may as
// well do before it.
//
// The program must do the same at every run. A context that one task cancels and another one uses must be one of
// [World.WithDeadline], or be declared with [Kernel.Follow]: of any other the footprints say nothing.
type Exhaustive struct {
	reduction reduction
	strict    bool   // see NewStrict
	ops       []op   // of the last run; only if strict
	found     memory // of the last run
	extension extension
	ordering  orderRun // scratch of Strict

	stack  []*node // the decisions of the last run; the first prefix of them are given
	free   []*node
	prefix int
	began  bool
	done   bool

	passing passing

	at      int   // the next decision, while a run is under way
	current *node // the scheduling decision of the step that is under way
	forced  bool  // the clock has moved since then, because nobody could go on
	trace   trace
	stats   ExhaustiveStats

	ticks [][]Access // what steps of the clock would have accessed for which there still was budget when the last run ended

	ordered bool   // the trace of the last run knows its order
	taken   []turn // of the last run, once asked for
	place   []int  // scratch of places
	given   []turn // scratch of Audit, as pairs are
	pairs   [3]pairRun
	audits  Hash // says which pairs Audit takes
	spared  int  // pairs that it passes over first
}

// ExhaustiveStats counts what a search has done so far.
type ExhaustiveStats struct {
	Runs    int // runs begun
	Traces  int // runs that went to their end
	Blocked int // runs given up because everything they could still do had been seen
}

type reduction uint8

const (
	sourceSets reduction = iota
	sleepSets
	noReduction
)

// NewExhaustive begins a search. Plain does without the reduction, to check it.
func NewExhaustive(plain bool) *Exhaustive {
	if plain {
		return &Exhaustive{reduction: noReduction}
	}
	return &Exhaustive{passing: passing{state: straight}}
}

// NewSleepSets begins a search with what most tools have: plain sleep sets (Godefroid 1996). At every decision, every task
// that can go on and is not asleep is tried; and whatever two sections of one monitor touched, they do not commute. All
// else is as in NewExhaustive, which it is there to be compared with.
func NewSleepSets() *Exhaustive { return &Exhaustive{reduction: sleepSets} }

// commute reports whether the reduction lets two steps with these footprints change places.
func (d *Exhaustive) commute(a, b []Access) bool {
	return commute(a, b) && (d.reduction != sleepSets || !shareSection(a, b))
}

// shareSection reports whether both have a section of one monitor.
func shareSection(a, b []Access) bool {
	for _, x := range a {
		if x.Mode == section && hasAccess(b, x) {
			return true
		}
	}
	return false
}

// Stats returns the counts.
func (d *Exhaustive) Stats() ExhaustiveStats {
	s := d.stats
	s.Traces = s.Runs - s.Blocked
	return s
}

// node is one decision: who goes on, or which fault happens.
type node struct {
	fault   bool
	spent   bool // nothing can fail any more
	chosen  int  // index of the task, or of the fault
	options int  // of a fault: how many, "none" included

	enabled   []int // of the tasks; indexes in Kernel.tasks, the clock is clockIndex
	backtrack []int // tasks to be tried here
	tried     []asleep
	sleep     []asleep
	footprint []Access // of the step that began here

	early []Access // what the clock would have accessed if it had moved here; none if it could not
}

// asleep is a task whose next step need not be taken here: what follows has been seen.
type asleep struct {
	task      int
	footprint []Access
}

const clockIndex = -1

// More prepares the next run; false means that all is explored.
func (d *Exhaustive) More() bool {
	if d.done {
		return false
	}
	if !d.began {
		d.began = true
		return true
	}
	if d.passing.state == anew {
		d.restart()
		return true
	}
	if d.reduction == sourceSets {
		d.order()
	}
	for len(d.stack) > 0 {
		n := d.stack[len(d.stack)-1]
		if d.advance(n) {
			d.prefix = len(d.stack)
			d.trace.same = d.firstNew()
			return true
		}
		d.stack = d.stack[:len(d.stack)-1]
		d.free = append(d.free, n)
	}
	d.done = true
	return false
}

// order finds the order of the last run's steps, and with source sets what it says about other runs.
func (d *Exhaustive) order() {
	if d.ordered {
		return
	}
	d.ordered = true
	from := len(d.trace.steps)
	if d.reduction == sourceSets {
		from = d.firstNew()
	}
	steps := len(d.trace.steps)
	if d.reduction == sourceSets {
		for _, tick := range d.ticks {
			d.trace.add(clockIndex, none, nil, tick)
		}
	}
	if len(d.trace.steps) == steps {
		d.stopped()
	}
	d.trace.races(from)
	d.trace.steps, d.ticks = d.trace.steps[:steps], d.ticks[:0]
}

// firstNew is the first step of the last run that earlier runs did not take.
func (d *Exhaustive) firstNew() int {
	for i := d.prefix - 1; i >= 0; i-- {
		if changed := d.stack[i]; !changed.fault {
			return d.trace.begin(changed)
		}
	}
	return 0
}

// advance moves a decision to its next alternative.
func (d *Exhaustive) advance(n *node) bool {
	if n.fault {
		n.chosen++
		return n.chosen < n.options
	}
	n.retire()
	for _, t := range n.backtrack {
		if !contains(n.tried, t) && !contains(n.sleep, t) {
			n.chosen = t
			return true
		}
	}
	return false
}

// retire notes that the chosen task has been tried. The room of footprints is used again when the node is: by then all
// nodes below, whose sleepers share it, are gone.
func (n *node) retire() {
	if l := len(n.tried); l < cap(n.tried) {
		n.tried = n.tried[:l+1]
	} else {
		n.tried = append(n.tried, asleep{})
	}
	a := &n.tried[len(n.tried)-1]
	a.task, a.footprint = n.chosen, append(a.footprint[:0], n.footprint...)
	n.footprint = n.footprint[:0]
}

func contains(list []asleep, task int) bool {
	for _, a := range list {
		if a.task == task {
			return true
		}
	}
	return false
}

// Begin is called by the runner.
func (d *Exhaustive) Begin(int) {
	d.at, d.current, d.forced, d.ticks, d.ordered, d.taken = 0, nil, false, d.ticks[:0], false, d.taken[:0]
	d.recall()
	d.trace.reset()
	d.stats.Runs++
}

// Next follows the prefix and then takes the default, or whoever is not asleep.
func (d *Exhaustive) Next(c *Choice) int {
	if d.at < d.prefix {
		n := d.stack[d.at]
		d.at++
		d.current = n
		for i, t := range c.Enabled {
			if t.index == n.chosen {
				return i
			}
		}
		panic("explore: the program did something else when it was run again")
	}
	if !c.Clock {
		d.stopped()
	}
	n := d.push()
	n.spent = c.Spent
	for _, t := range c.Enabled {
		n.enabled = append(n.enabled, t.index)
	}
	if c.Clock && d.reduction == sourceSets {
		n.early = append(n.early, c.clock.nextTick()...)
	}
	if d.current != nil && !d.forced && d.reduction != noReduction { // of those who sleep, nobody but the clock is left: its next step is another
		d.inherit(n, d.current)
	}
	d.forced = false
	pick := -1
	if !contains(n.sleep, c.Enabled[c.Default].index) {
		pick = c.Default
	}
	for i, t := range c.Enabled {
		if (pick < 0 || d.strict && t.index != clockIndex && d.idle(c.Enabled[pick]) && !d.idle(t)) && !contains(n.sleep, t.index) {
			pick = i
		}
	}
	d.current = n
	if pick < 0 {
		d.stack = d.stack[:len(d.stack)-1]
		d.free = append(d.free, n)
		d.at--
		d.stats.Blocked++
		d.current = nil
		return Abandon
	}
	n.chosen = c.Enabled[pick].index
	n.backtrack = append(n.backtrack, n.chosen)
	if d.reduction != sourceSets {
		n.backtrack = append(n.backtrack[:0], n.enabled...)
	}
	return pick
}

// inherit takes over from the decision before what stays asleep after its step.
func (d *Exhaustive) inherit(n, before *node) {
	for _, list := range [2][]asleep{before.sleep, before.tried} {
		for _, a := range list {
			if a.task != before.chosen && d.commute(a.footprint, before.footprint) && !(d.strict && before.strands(&a)) {
				n.sleep = append(n.sleep, a)
			}
		}
	}
}

// strands reports whether after a sleeper's step the clock, which has moved early here, may have been all that was left. Its move was
// forced then and commutes with nothing: whoever takes the order of calls and answers out of footprints learns nothing of that run about this one.
func (n *node) strands(a *asleep) bool {
	if n.chosen != clockIndex {
		return false
	}
	for _, x := range a.footprint { // others may wait for that
		if x.Mode == acquire || x.Mode == barge || x.Mode == handed {
			return true
		}
	}
	return len(n.enabled) == 2 // the other is the clock
}

// Fault explores "none" first, and then every fault.
func (d *Exhaustive) Fault(_ *Task, _ Point, faults []string) int {
	if d.at < d.prefix {
		n := d.stack[d.at]
		d.at++
		return n.chosen
	}
	n := d.push()
	n.fault, n.options = true, len(faults)+1
	return 0
}

func (d *Exhaustive) push() *node {
	var n *node
	if l := len(d.free); l > 0 {
		n, d.free = d.free[l-1], d.free[:l-1]
		*n = node{
			enabled: n.enabled[:0], backtrack: n.backtrack[:0], tried: n.tried[:0], sleep: n.sleep[:0], footprint: n.footprint[:0],
			early: n.early[:0],
		}
	} else {
		n = &node{}
	}
	d.stack = append(d.stack, n)
	d.at++
	return n
}

// Stepped is called by the kernel.
func (d *Exhaustive) Stepped(t *Task, footprint []Access) {
	over, stopped := d.passing.over, d.passing.stopped
	d.passing.over, d.passing.stopped = 0, false
	if d.trace.again() {
		return
	}
	if d.strict {
		d.tell(t, footprint)
	}
	if t.index == clockIndex && (d.current == nil || d.current.chosen != clockIndex || d.trace.ends(d.current)) {
		d.trace.add(t.index, none, nil, footprint) // nothing else could be done
		d.forced = true
		return
	}
	// Alternatives of faults within the step add up: whoever sleeps must commute with all of them.
	for _, a := range footprint {
		if !hasAccess(d.current.footprint, a) {
			d.current.footprint = append(d.current.footprint, a)
		}
	}
	d.trace.add(t.index, t.cause, d.current, footprint)
	d.passing.went(&d.trace.steps[len(d.trace.steps)-1], over, stopped)
}

// deniedBy is called by the kernel.
func (d *Exhaustive) deniedBy(t *Task, object string) {
	if d.reduction == sourceSets {
		d.trace.deny(t.index, t.cause, object)
	}
}

// couldTick is called by the kernel. The tick races with steps of the run as if it had happened.
func (d *Exhaustive) couldTick(footprint []Access) {
	n := len(d.ticks)
	if n < cap(d.ticks) {
		d.ticks = d.ticks[:n+1]
	} else {
		d.ticks = append(d.ticks, nil)
	}
	d.ticks[n] = append(d.ticks[n][:0], footprint...)
}

func hasAccess(list []Access, a Access) bool {
	for _, b := range list {
		if a == b {
			return true
		}
	}
	return false
}
