package explore

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
)

// Coverage is what a search has seen, and so how much can be said of what it has not. The zero value is empty; one
// serves one search after another, and those of searches on several goroutines are merged.
type Coverage struct {
	Schedules int
	Shape     Shape
	// Exceeded is how many runs had more places with a choice than their PCT strategy was told of. What was told less
	// than the most that any run had counts for no guarantee.
	Exceeded int

	traces    sample
	histories sample
	pct       map[promise]int // runs
	faults    map[faultKind]*tally
	offers    []offer
	sometimes map[string]*tally
}

// promise is what a PCT run was made for: a bug of this depth in a program of at most so many places with a choice.
type promise struct{ depth, room int }

type faultKind struct{ op, fault string }

// tally counts opportunities and how many of them were taken.
type tally struct{ met, taken int }

// offer is what a fault point offers; a list of them is faster than a map, and there are few.
type offer struct {
	op      string
	faults  []string
	tallies []*tally
}

// EarlyTimer is the name of the clock's own fault among those of a Coverage: the next timer fires early.
const EarlyTimer = clockName + ":early"

// earlyTimer is what the clock offers.
var earlyTimer = []string{"early"}

// guaranteer is a strategy whose runs find bugs with a known probability.
type guaranteer interface {
	guarantee() (depth, room int)
}

// Sometimes tells a search that the program came to a place where something may hold, and whether it did. What never
// held in any run is in the search's report: either it is impossible, or the search is too weak to reach it. It costs a
// comparison when no coverage is collected.
//
//go:norace
func (k *Kernel) Sometimes(name string, ok bool) {
	if k.collector == nil || k.current != nil && k.current.dying {
		return
	}
	k.collector.sometimes(name, ok)
}

// Collects reports whether anybody wants to hear of Sometimes, for a program that has to look for what it would say.
//
//go:norace
func (k *Kernel) Collects() bool { return k.collector != nil }

// Where is the point before which a task stands; ok is false if no task of that name is left.
//
//go:norace
func (k *Kernel) Where(task string) (p Point, ok bool) {
	for _, t := range k.live {
		if t.name == task {
			return t.point, true
		}
	}
	return Point{}, false
}

// Standing is how many tasks are about to do op to object, or wait to: those before lock(object), for example.
//
//go:norace
func (k *Kernel) Standing(op, object string) int {
	n := 0
	for _, t := range k.live {
		if t.point.Op == op && t.point.Object == object && t.state != done {
			n++
		}
	}
	return n
}

// collector is a strategy that counts what Sometimes says.
type collector interface {
	collects() bool
	sometimes(name string, ok bool)
}

// add counts a run that went to its end.
func (c *Coverage) add(s Strategy, trace, history Hash, shape Shape) {
	c.Schedules++
	c.Shape.Add(shape)
	c.traces.add(trace)
	c.histories.add(history)
	g, ok := s.(guaranteer)
	if !ok {
		return
	}
	depth, room := g.guarantee()
	if depth == 0 {
		return
	}
	if shape.Choices > room {
		c.Exceeded++
	}
	if c.pct == nil {
		c.pct = map[promise]int{}
	}
	c.pct[promise{depth, room}]++
}

// Merge adds what another search of the same program has seen.
func (c *Coverage) Merge(o *Coverage) {
	c.Schedules += o.Schedules
	c.Exceeded += o.Exceeded
	c.Shape.Add(o.Shape)
	c.traces.merge(&o.traces)
	c.histories.merge(&o.histories)
	if c.pct == nil {
		c.pct = map[promise]int{}
	}
	for p, n := range o.pct {
		c.pct[p] += n
	}
	for kind, t := range o.faults {
		c.fault(kind).add(t)
	}
	for name, t := range o.sometimes {
		c.sometime(name).add(t)
	}
}

func (t *tally) add(o *tally) { t.met, t.taken = t.met+o.met, t.taken+o.taken }

// offer returns the tallies of a fault point.
func (c *Coverage) offer(op string, faults []string) []*tally {
	for i := range c.offers {
		if o := &c.offers[i]; o.op == op && slices.Equal(o.faults, faults) {
			return o.tallies
		}
	}
	o := offer{op: op, faults: slices.Clone(faults)}
	for _, f := range faults {
		o.tallies = append(o.tallies, c.fault(faultKind{op, f}))
	}
	c.offers = append(c.offers, o)
	return o.tallies
}

func (c *Coverage) fault(kind faultKind) *tally {
	t := c.faults[kind]
	if t == nil {
		if c.faults == nil {
			c.faults = map[faultKind]*tally{}
		}
		t = &tally{}
		c.faults[kind] = t
	}
	return t
}

func (c *Coverage) sometime(name string) *tally {
	t := c.sometimes[name]
	if t == nil {
		if c.sometimes == nil {
			c.sometimes = map[string]*tally{}
		}
		t = &tally{}
		c.sometimes[name] = t
	}
	return t
}

// Traces is how many different lists of events the runs had. Beyond some million it is an estimate.
func (c *Coverage) Traces() int { return c.traces.distinct() }

// Histories is how many different lists of visible events they had.
func (c *Coverage) Histories() int { return c.histories.distinct() }

// Unseen estimates how many more traces there are, from those that were seen once and twice (Chao's lower bound, in the
// form without bias). It supposes that runs are drawn independently, which only holds for random strategies.
func (c *Coverage) Unseen() float64 {
	once, twice := c.traces.frequencies()
	return max(0, once*(once-1)/(2*(twice+1)))
}

// Novelty estimates the probability that one more run has a trace that was not seen yet (Good and Turing).
func (c *Coverage) Novelty() float64 {
	if c.Schedules == 0 {
		return 1
	}
	once, _ := c.traces.frequencies()
	return min(1, once/float64(c.Schedules))
}

// Miss bounds the probability that a bug of the given depth would have stayed hidden from the runs under PCT; 1 says
// that none of them speaks of that depth. It holds for the program with the faults that these runs had, if no run is
// longer than the longest one seen.
func (c *Coverage) Miss(depth int) float64 {
	n, log := float64(max(1, c.Shape.Tasks)), 0.0
	promises := slices.SortedFunc(maps.Keys(c.pct), func(a, b promise) int {
		return cmp.Or(a.depth-b.depth, a.room-b.room) // adding up in another order would change the last digits
	})
	for _, p := range promises {
		if p.depth >= depth && p.room >= c.Shape.Choices { // a bug of a lower depth is one of a higher
			log += float64(c.pct[p]) * math.Log1p(-1/(n*math.Pow(float64(max(1, p.room)), float64(p.depth-1)))) // no room: one schedule
		}
	}
	return math.Exp(log)
}

// FaultsNeverFired lists the kinds of faults that runs came to, and that never happened; sorted.
func (c *Coverage) FaultsNeverFired() []string {
	var names []string
	for kind, t := range c.faults {
		if t.taken == 0 {
			names = append(names, kind.String())
		}
	}
	slices.Sort(names)
	return names
}

// FaultsFired is how often each kind of fault happened, those that never did included.
func (c *Coverage) FaultsFired() map[string]int {
	fired := map[string]int{}
	for kind, t := range c.faults {
		fired[kind.String()] = t.taken
	}
	return fired
}

// NeverReached lists those of the given fault points, as op or op:fault, that no run came to; sorted.
func (c *Coverage) NeverReached(points []string) []string {
	var names []string
	for _, p := range points {
		op, fault, one := strings.Cut(p, ":")
		reached := false
		for kind := range c.faults {
			reached = reached || kind.op == op && (!one || kind.fault == fault)
		}
		if !reached {
			names = append(names, p)
		}
	}
	slices.Sort(names)
	return names
}

// NeverTrue lists the names given to Kernel.Sometimes that never held, and those of the known ones that it never heard of;
// sorted.
func (c *Coverage) NeverTrue(known ...string) []string {
	var names []string
	for _, name := range known {
		if c.sometimes[name] == nil {
			names = append(names, name)
		}
	}
	for name, t := range c.sometimes {
		if t.taken == 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Held is how often each name given to Kernel.Sometimes held, those that never did included.
func (c *Coverage) Held() map[string]int {
	held := map[string]int{}
	for name, t := range c.sometimes {
		held[name] = t.taken
	}
	return held
}

func (f faultKind) String() string { return f.op + ":" + f.fault }
