package explore

import (
	"fmt"
	"math/bits"
	"slices"
)

// NewStrict begins a search in which the order of calls and answers (see [Kernel.Call]) is no part of a trace. Of a trace
// that the search has run, [Runner.Strict] runs those orders of its steps that show the outside most: in which as many
// answers as possible come before calls.
//
// Whoever judges what the outside saw must object to such an order whenever he objects to one in which less answers come
// before calls, and all else is the same; linearizability is of that kind. And clients must yield before each call, or an
// order in which a call comes late is not there to be run.
func NewStrict() *Exhaustive { return &Exhaustive{strict: true, passing: passing{state: straight}} }

// postpones is called by the runner.
func (d *Exhaustive) postpones() bool { return d.strict }

// tell notes the calls and answers of the step that ends, and takes their order out of its footprint.
func (d *Exhaustive) tell(t *Task, footprint []Access) {
	for i := range footprint {
		a := &footprint[i]
		if a.Mode != callMode && a.Mode != returnMode {
			continue
		}
		switch {
		case a.Object != historyObject:
		case a.Mode == callMode:
			d.ops = append(d.ops, op{t.index, len(d.trace.steps), none})
		default:
			d.answer(t.index)
		}
		a.Mode = Read
	}
}

// answer notes that the last call of a task is answered by the step that ends.
func (d *Exhaustive) answer(task int) {
	for i := len(d.ops) - 1; i >= 0; i-- {
		if d.ops[i].task == task {
			d.ops[i].returned = len(d.trace.steps)
			return
		}
	}
}

// idle reports whether a task is a client that nobody owes an answer. Such ones go last: calls are then made late, and fewer orders
// show more than the run.
func (d *Exhaustive) idle(t *Task) bool {
	if !t.client {
		return false
	}
	for i := len(d.ops) - 1; i >= 0; i-- {
		if d.ops[i].task == t.index {
			return d.ops[i].returned != none
		}
	}
	return true
}

// op is one call of a run, by the steps in which it was made and answered.
type op struct {
	task     int
	called   int
	returned int // none if it was not
}

// strictOrder is an order of a trace's steps, and what the outside sees of it.
type strictOrder struct {
	steps  []int
	before []uint64 // for each op those that were answered before its call
}

// Strict runs the last run's trace again in the orders that show more of it than that run did, until one fails. An error of
// a footprint, which keeps a step from being taken in such an order or lets it answer something else, is a failure, too. It
// returns how many runs it made, and the one that failed, or else the last run.
//
// Spare, if not nil, may spare an order its run: it reports whether whoever judges has no more to say of the order than he said of the run.
//
// Call it after a run of a search that [NewStrict] began, unless the run failed or was abandoned, before More.
func (r *Runner) Strict(p Program, d *Exhaustive, last Result, o Options, spare func(run, order Order) bool) (runs int, res Result) {
	if !d.strict {
		return 0, last
	}
	d.order()
	orders := d.strictest()
	if spare != nil { // before any of them is run, for he has the run in mind
		run := d.seen(nil)
		orders = slices.DeleteFunc(orders, func(o strictOrder) bool { return d.alike(o.steps) && spare(run, d.seen(o.steps)) })
	}
	if len(orders) == 0 {
		return 0, last
	}
	turns := d.turns(&r.k)
	o.unhashed = o.Observe == nil && !r.k.threads // nobody asks for the hash of a run that does not fail
	for _, order := range orders {
		s := &d.ordering
		*s = orderRun{turns: s.turns[:0], had: s.had[:0]}
		had := 0
		for _, i := range order.steps {
			switch {
			case turns[i].task != "":
				s.turns, s.had, had = append(s.turns, turns[i]), append(s.had, had), 0
			case d.trace.steps[i].task == clockIndex:
				had++
			}
		}
		runs++
		if res = r.Run(p, s, 0, o); res.Failure == nil {
			res.Failure = s.strayed(&res, &last)
		}
		if res.Failure != nil {
			if o.unhashed {
				res.Hash = r.log.hash(r.k.tasks)
			}
			return runs, res
		}
	}
	return runs, last
}

// strayed is the failure of a run that was not what it should have been, nil if it was: last in another order.
func (s *orderRun) strayed(res, last *Result) *Failure {
	switch {
	case res.Abandoned || s.left > 0 || slices.ContainsFunc(s.turns[s.at:], turn.ofTask):
		switch {
		case s.stuck != "":
		case s.left > 0: // it ended before that
			s.stuck = s.turns[s.at-1].task
		default:
			s.stuck = s.turns[s.at].task
		}
		return &Failure{CommutationOracle, fmt.Sprintf("%s cannot go on as it did when calls are made later, as footprints say that it can", s.stuck)}
	case res.Outside != last.Outside:
		return &Failure{CommutationOracle, "an answer is another one when calls are made later, against what footprints say"}
	}
	return nil
}

// strictest returns the orders of the last run's steps of which no other shows more, nor the run itself.
//
// In each order of the calls, a call is made only when nothing else is left to be done. That shows all that any order shows
// which has the calls in that order.
func (d *Exhaustive) strictest() []strictOrder {
	if len(d.ops) < 2 {
		return nil
	}
	run := strictOrder{before: d.shown(nil)}
	x := &d.extension
	x.d, x.found, x.calls, x.used = d, x.found[:0], append(x.calls[:0], make([]uint64, d.trace.words)...), 0
	for _, o := range d.ops {
		x.calls[o.called/64] |= 1 << (o.called % 64)
	}
	x.extend(make([]uint64, d.trace.words), x.order(), 0)
	var best []strictOrder
	for i, a := range x.found {
		worse := func(b strictOrder) bool { return includes(b.before, a.before) }
		if worse(run) || slices.ContainsFunc(best, worse) ||
			slices.ContainsFunc(x.found[i+1:], func(b strictOrder) bool { return worse(b) && !includes(a.before, b.before) }) {
			continue
		}
		best = append(best, a)
	}
	return best
}

// includes reports whether b shows no more than a.
func includes(a, b []uint64) bool {
	for i := range b {
		if b[i]&^a[i] != 0 {
			return false
		}
	}
	return true
}

// shown says for each op which ones were answered before it was called, in an order of the steps; nil is that of the run.
func (d *Exhaustive) shown(order []int) []uint64 {
	words := (len(d.ops) + 63) / 64
	shown := make([]uint64, len(d.ops)*words)
	place := d.places(order)
	for b := range d.ops {
		for a := range d.ops {
			if o := &d.ops[a]; o.returned != none && a != b && place[o.returned] < place[d.ops[b].called] {
				shown[b*words+a/64] |= 1 << (a % 64)
			}
		}
	}
	return shown
}

// extension finds orders of a trace's steps.
type extension struct {
	d     *Exhaustive
	calls []uint64 // the steps with a call
	found []strictOrder
	room  [][]int // for orders
	used  int     // of room
}

// order is an empty one with room for all steps. It is valid until the next run's are looked for.
func (x *extension) order() []int {
	if x.used == len(x.room) {
		x.room = append(x.room, nil)
	}
	if steps := len(x.d.trace.steps); cap(x.room[x.used]) < steps {
		x.room[x.used] = make([]int, 0, 2*steps)
	}
	x.used++
	return x.room[x.used-1]
}

// extend goes on from the steps that are done, in that order. Of those before from, none can be done without a call.
func (x *extension) extend(done []uint64, order []int, from int) {
	for {
		order = x.close(done, order, from)
		var room [8]int
		next := room[:0] // of ops, the calls that can be made
		for i, o := range x.d.ops {
			if !has(done, o.called) && x.ready(done, o.called) {
				next = append(next, i)
			}
		}
		if len(next) == 0 {
			x.found = append(x.found, strictOrder{order, x.d.shown(order)})
			return
		}
		pick := next[0]
		if len(next) > 1 {
			if pick = x.first(done, next); pick == none {
				for _, i := range next {
					done := slices.Clone(done)
					x.extend(done, x.call(i, done, append(x.order(), order...)), x.d.ops[i].called)
				}
				return
			}
		}
		order, from = x.call(pick, done, order), x.d.ops[pick].called
	}
}

// first is the op without whose call none of the others can be answered, be they called already or not: to make another
// call first shows no more. None if there is no such op.
func (x *extension) first(done []uint64, next []int) int {
	for _, i := range next {
		o := &x.d.ops[i]
		needed := true
		for j := range x.d.ops {
			other := &x.d.ops[j]
			needed = needed && (j == i || other.returned == none || has(done, other.returned) || x.needs(other.returned, o.called))
		}
		if needed {
			return i
		}
	}
	return none
}

// needs reports whether step i comes after step j in all orders.
func (x *extension) needs(i, j int) bool { return i == j || x.d.trace.happened(j, &x.d.trace.steps[i]) }

func (x *extension) call(i int, done []uint64, order []int) []int {
	at := x.d.ops[i].called
	done[at/64] |= 1 << (at % 64)
	return append(order, at)
}

// close does all that can be done without another call.
func (x *extension) close(done []uint64, order []int, from int) []int {
	steps := len(x.d.trace.steps)
	for w, early := from/64, uint64(1)<<(from%64)-1; w*64 < steps; w, early = w+1, 0 {
		for open := ^(done[w] | x.calls[w] | early); open != 0; open &= open - 1 {
			bit := bits.TrailingZeros64(open)
			j := w*64 + bit
			if j >= steps {
				break
			}
			if x.ready(done, j) {
				done[w] |= 1 << bit
				order = append(order, j)
			}
		}
	}
	return order
}

// ready reports whether all is done that has to come before a step.
func (x *extension) ready(done []uint64, j int) bool {
	for w, past := range x.d.trace.steps[j].past {
		if past&^done[w] != 0 {
			return false
		}
	}
	return true
}

func has(set []uint64, i int) bool { return set[i/64]&(1<<(i%64)) != 0 }

// ofTask reports whether a turn is not the clock's, which does not move when nobody is left.
func (t turn) ofTask() bool { return t.task != clockName }

// orderRun is the strategy that takes given turns.
type orderRun struct {
	turns []turn
	had   []int // for each turn, how often the clock has to move before it because nobody can go on
	at    int   // turns taken
	left  int   // yields that this turn has still to pass
	asked int   // fault points in this turn
	early bool  // the clock moves because a turn says so
	stuck string
}

func (s *orderRun) Begin(int) {}

// looksAway marks it as blind.
func (s *orderRun) looksAway() {}

// Stepped makes the kernel ask even if there is no choice. A turn of the clock is over if the clock had to move.
func (s *orderRun) Stepped(t *Task, _ []Access) {
	if t.index == clockIndex && !s.early && s.at < len(s.turns) {
		if s.had[s.at] > 0 {
			s.had[s.at]--
		} else if s.turns[s.at].task == clockName {
			s.at++
		}
	}
	s.early = false
}

func (s *orderRun) Next(c *Choice) int {
	if s.left > 0 {
		s.left--
		return s.take(c)
	}
	s.asked = 0
	if s.at < len(s.turns) {
		s.at++
		s.left = s.turns[s.at-1].passed
		return s.take(c)
	}
	s.stuck = c.Enabled[c.Default].name
	return Abandon
}

// take lets the task of this turn go on.
func (s *orderRun) take(c *Choice) int {
	i := c.of(s.turns[s.at-1].task)
	if i == Abandon {
		s.stuck = s.turns[s.at-1].task
	} else {
		s.early = c.Enabled[i].index == clockIndex
	}
	return i
}

func (s *orderRun) Fault(*Task, Point, []string) int {
	s.asked++
	if s.at == 0 || s.asked > len(s.turns[s.at-1].faults) {
		return 0
	}
	return s.turns[s.at-1].faults[s.asked-1]
}
