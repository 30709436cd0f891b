package explore

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// CommutationOracle objects when two steps that commute by their footprints do not.
const CommutationOracle = "commutation"

// Audit takes about one in every of the pairs of steps in whose order the last run of an exhaustive search saw no
// difference: a step that earlier runs did not take, and one before it that did not have to come first. It brings the pair
// together and runs it in both orders, and compares what it left behind (see Kernel.State), what the outside saw, and all
// that follows when the run then goes on in the same way. It returns how many pairs it compared, and a failure if the
// order matters: one of the two steps did not declare what it did.
//
// Call it after a run that did not fail, before More. Which pairs it takes depends on the search alone. It needs
// coroutines.
func (r *Runner) Audit(p Program, d *Exhaustive, o Options, every int) (pairs int, f *Failure) {
	if d.reduction == noReduction || r.k.threads {
		return 0, nil
	}
	t := &d.trace
	d.order()
	if d.audits == 0 {
		d.audits = NewHash() // searches of different programs should not take the same pairs
		for j := range t.steps {
			d.audits = d.audits.Mix(uint64(len(t.steps[j].footprint)))
		}
		d.spare(every)
	}
	var turns []turn
	for j := d.firstNew(); j < len(t.steps); j++ {
		s := &t.steps[j] // all of its own task, and of the clock, happened before it
		free := j
		for _, w := range s.past {
			free -= bits.OnesCount64(w)
		}
		if d.spared >= free {
			d.spared -= free
			continue
		}
		for i := range j {
			if t.happened(i, s) {
				continue
			}
			if d.spared > 0 {
				d.spared--
				continue
			}
			d.spare(every)
			if turns == nil {
				turns = d.turns(&r.k)
			}
			audited, f := r.auditPair(p, d, turns, i, j, o)
			if audited {
				pairs++
			}
			if f != nil {
				return pairs, f
			}
		}
	}
	return pairs, nil
}

// spare draws how many pairs are passed over until the next one is taken.
func (d *Exhaustive) spare(every int) {
	d.audits = d.audits.Mix(1)
	d.spared = int(uint64(d.audits) >> 8 % uint64(2*every-1))
}

// turn is one step of a run as another run can take it: tasks by name, because their numbers depend on the order of steps.
type turn struct {
	task   string
	passed int   // yields that it went over, which other strategies stop at
	faults []int // that happened in it
}

// turns returns the steps of the last run that were somebody's decision; others have no name. It is to be called before the
// kernel runs again.
func (d *Exhaustive) turns(k *Kernel) []turn {
	if len(d.taken) == len(d.trace.steps) {
		return d.taken
	}
	d.taken = slices.Grow(d.taken, len(d.trace.steps))[:len(d.trace.steps)]
	turns, at := d.taken, 0
	for i := range turns {
		turns[i] = turn{faults: turns[i].faults[:0]}
		n := d.trace.steps[i].node
		if n == nil || i > 0 && n == d.trace.steps[i-1].node { // or it belongs to the crash before it
			continue
		}
		if turns[i].task = clockName; n.chosen != clockIndex {
			turns[i].task = k.tasks[n.chosen].name
		}
		turns[i].passed = d.trace.steps[i].passed
		for d.stack[at] != n {
			at++
		}
		for at++; at < len(d.stack) && d.stack[at].fault; at++ {
			turns[i].faults = append(turns[i].faults, d.stack[at].chosen)
		}
	}
	return turns
}

// auditPair compares both orders of two steps of the last run. Done is false if what has to come before the second does not lead
// there without the first, or if the two do not commute by their footprints there.
func (r *Runner) auditPair(p Program, d *Exhaustive, turns []turn, i, j int, o Options) (done bool, f *Failure) {
	given := d.given[:0]
	for k := range j {
		if turns[k].task != "" && (k < i || k > i && d.trace.happened(k, &d.trace.steps[j])) {
			given = append(given, turns[k])
		}
	}
	o.unhashed = true
	run := func(s *pairRun, order ...turn) *pairRun {
		d.given = append(given, order...)
		s.renew(&r.k, d.given, len(given))
		o.Observe = s.observe
		r.Run(p, s, 0, o)
		return s
	}
	first, second := turns[i], turns[j]
	one := run(&d.pairs[0], first, second)
	if one.stuck() || !d.commute(one.steps[0].footprint, one.steps[1].footprint) {
		return false, nil
	}
	two := run(&d.pairs[1], second, first)
	if two.forced && (first.task == clockName || second.task == clockName) || two.at == len(given)+1 && first.task == clockName {
		return false, nil // after a step that leaves nobody, or nobody but the clock, it is no more this move
	}
	why := one.differs(two)
	if why == "" {
		return true, nil
	}
	// A task that makes a monitor and takes it at once does in one step what takes it two if the monitor is there. The other
	// order is then seen all the same if this order, and one more step, comes to the same.
	for _, again := range [2]string{second.task, first.task} {
		if longer := run(&d.pairs[2], first, second, turn{task: again}); !longer.stuck() && longer.differs(two) == "" {
			return true, nil
		}
	}
	return true, &Failure{CommutationOracle, fmt.Sprintf("%s and %s commute by their footprints, but %s", &one.steps[0], &one.steps[1], why)}
}

// pairRun is the strategy that takes given turns, the last of which are the pair, and then whoever's name comes first.
type pairRun struct {
	k     *Kernel
	turns []turn
	first int // of the pair, in turns

	at    int  // turns taken
	left  int  // yields that this turn has still to pass
	asked int  // fault points in this turn
	early bool // the clock has moved because a turn says so
	// forced says that the clock had to move when one of the pair had been taken, and the other had not.
	forced bool
	steps  [2]pairStep
	state  map[string]Hash // after the last turn; nil if not all could be taken
	room   map[string]Hash // for state
	seen   []Event         // by the outside, of the pair
	modes  []Mode          // of seen
	tail   []Event
}

type pairStep struct {
	name      string
	footprint []Access
}

func (s *pairStep) String() string {
	var b strings.Builder
	b.WriteString(s.name + " {")
	for i, a := range s.footprint {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.Mode.String() + " " + a.Object)
	}
	return b.String() + "}"
}

// renew makes s another run, in the memory that it has.
func (s *pairRun) renew(k *Kernel, turns []turn, first int) {
	a, b := s.steps[0].footprint[:0], s.steps[1].footprint[:0]
	*s = pairRun{
		k: k, turns: turns, first: first, steps: [2]pairStep{{footprint: a}, {footprint: b}},
		room: s.room, seen: s.seen[:0], modes: s.modes[:0], tail: s.tail[:0],
	}
}

func (s *pairRun) stuck() bool { return s.state == nil }

func (s *pairRun) Begin(int) {}

func (s *pairRun) Next(c *Choice) int {
	if s.left > 0 {
		s.left--
		return s.take(c)
	}
	s.asked, s.early = 0, false
	s.at++
	if s.at > len(s.turns) {
		least := 0
		for i, t := range c.Enabled {
			if t.index != clockIndex && t.name < c.Enabled[least].name {
				least = i
			}
		}
		return least
	}
	s.left = s.turns[s.at-1].passed
	return s.take(c)
}

// take lets the task of this turn go on, whose step is named after the last yield that it goes on from.
func (s *pairRun) take(c *Choice) int {
	i := c.of(s.turns[s.at-1].task)
	if i == Abandon {
		return i
	}
	t := c.Enabled[i]
	s.early = t.index == clockIndex
	if n := s.at - 1 - s.first; n >= 0 && n < len(s.steps) {
		if s.steps[n].name = t.name; !s.early {
			s.steps[n].name += " at " + t.point.String()
		}
	}
	return i
}

func (s *pairRun) Fault(*Task, Point, []string) int {
	s.asked++
	if s.at > len(s.turns) || s.asked > len(s.turns[s.at-1].faults) {
		return 0
	}
	return s.turns[s.at-1].faults[s.asked-1]
}

// Stepped is called by the kernel.
func (s *pairRun) Stepped(t *Task, footprint []Access) {
	n := s.at - 1 - s.first
	if n < 0 || s.at > len(s.turns) {
		return
	}
	if t.index == clockIndex && !s.early {
		s.forced = s.forced || s.state == nil
		return
	}
	s.early = false
	if n < len(s.steps) {
		s.steps[n].footprint = append(s.steps[n].footprint, footprint...)
	}
	if s.at == len(s.turns) && s.left == 0 {
		if s.room == nil {
			s.room = make(map[string]Hash)
		}
		clear(s.room)
		s.k.state(s.room)
		s.state = s.room
	}
}

func (s *pairRun) observe(e Event) {
	e.Deviation = false
	switch {
	case s.at <= s.first:
	case s.state != nil:
		s.tail = append(s.tail, e)
	case e.Kind == VisibleEvent:
		s.seen = append(s.seen, e)
		s.modes = append(s.modes, s.k.footprint[len(s.k.footprint)-1].Mode)
	}
}
