package explore

import "fmt"

// NondeterminismOracle objects when a schedule, run again, does something else.
const NondeterminismOracle = "nondeterminism"

// Search is a bounded hunt for a failing schedule.
type Search struct {
	Strategy  Strategy
	Schedules int // at most so many runs
	Options   Options
	// Progress, if set, is called now and then with the number of runs so far; false ends the search.
	Progress func(schedules int) bool

	// From is the number of the first run. Run n is the same in every search with the same strategy, unless InOrder
	// says that it goes on from the one before.
	From int
	// Only, if set, leaves the runs for which it is false to others.
	Only func(n int) bool
	// Shape is what is known of the program's size from the runs before From.
	Shape Shape
	// Coverage, if set, collects what the runs see; it costs a few per cent.
	Coverage *Coverage
}

// Report is what a search found.
type Report struct {
	Found     bool
	Schedules int // runs made, the failing one included
	Steps     int // of all runs
	Result    Result
	Run       int   // number of the last run, which is the failing one if there is one
	Complete  bool  // the strategy has no more schedules
	Shape     Shape // of all runs so far
}

// progressEvery is how many runs pass between two calls of Progress, and guardEvery how many between two that are run
// twice.
const (
	progressEvery = 256
	guardEvery    = 100
)

// Enumerator is a strategy that has an end, and goes on from run to run: More comes before every run.
type Enumerator interface {
	Strategy
	More() bool
}

// InOrder reports whether run n of a strategy goes on from its runs before, so that it is another in a search that does
// not make those.
func InOrder(s Strategy, n int) bool {
	if p, ok := s.(*Portfolio); ok {
		return p.inOrder(n)
	}
	_, ok := s.(Enumerator)
	return ok
}

// NextRound returns the number of the first run after n that is told the shape of all runs before it. Between such runs
// the order in which runs are made, and by whom, does not matter.
func NextRound(n int) int {
	const regular = 4096
	for r := 1; r < regular; r *= 8 {
		if n < r {
			return r
		}
	}
	return (n/regular + 1) * regular
}

// Search runs the program until an oracle objects, the strategy ends or the bound is reached. One run in a hundred is
// replayed from its deviations, and it is a failure if that gives other events.
func (r *Runner) Search(s Search, p Program) Report {
	rep := r.search(s, p)
	if r.k.log != nil && rep.Schedules > 0 {
		rep.Result.Hash = r.log.hash(r.k.tasks)
	}
	return rep
}

func (r *Runner) search(s Search, p Program) Report {
	rep := Report{Shape: s.Shape, Run: s.From}
	sized, _ := s.Strategy.(Sized)
	portfolio, _ := s.Strategy.(*Portfolio)
	probe := newProbe(s.Coverage)
	o := s.Options
	o.Observe = probe.observer(s.Options.Observe)
	unhashed := s.Coverage == nil && o.Observe == nil && !r.k.threads // nobody asks for the hash of a run but for that of the last
	next := s.From
	for n := s.From; n < s.From+s.Schedules; n++ {
		if sized != nil && n == next {
			sized.Size(rep.Shape)
			next = NextRound(n)
		}
		if s.Only != nil && !s.Only(n) {
			continue
		}
		strategy := s.Strategy
		if portfolio != nil {
			strategy = portfolio.of(n)
		} else if e, ok := strategy.(Enumerator); ok && !e.More() {
			rep.Complete = true
			return rep
		}
		guarded := n%guardEvery == 0
		o.Record, o.unhashed = s.Options.Record || guarded, unhashed && !guarded
		res := r.Run(p, probe.around(strategy), n, o)
		rep.Schedules++
		rep.Steps += res.Steps
		rep.Result, rep.Run = res, n
		probe.ran(&rep, strategy, &res, r.k.shape)
		if res.Failure == nil && !res.Abandoned && guarded {
			rep.Result.Failure = r.guard(p, s.Options, n, &res)
		}
		if rep.Result.Failure != nil {
			rep.Found = true
			return rep
		}
		if s.Progress != nil && rep.Schedules%progressEvery == 0 && !s.Progress(rep.Schedules) {
			return rep
		}
	}
	return rep
}

// guard runs a schedule again.
func (r *Runner) guard(p Program, o Options, n int, first *Result) *Failure {
	second := r.Run(p, NewReplay(first.Deviations), n, o)
	if second.Hash == first.Hash {
		return nil
	}
	return &Failure{NondeterminismOracle, fmt.Sprintf("schedule %d gave events of hash %v, and %v when it was run again", n, first.Hash, second.Hash)}
}

// probe stands between the kernel and a strategy and counts.
type probe struct {
	Strategy
	coverage *Coverage
	history  Hash
	watching watchingProbe
	denying  denyingProbe
}

type watchingProbe struct {
	*probe
	Watcher
}

// denyingProbe is for a watcher that wants to know more.
type denyingProbe struct {
	*probe
	Watcher
	denier
}

func newProbe(c *Coverage) *probe {
	p := &probe{coverage: c}
	p.watching.probe, p.denying.probe = p, p
	return p
}

// around returns what is the strategy of the next run: the probe, if it has something to count.
func (p *probe) around(s Strategy) Strategy {
	if p.coverage == nil {
		return s
	}
	p.Strategy, p.history = s, NewHash()
	w, ok := s.(Watcher)
	if d, denies := s.(denier); denies && ok {
		p.denying.Watcher, p.denying.denier = w, d
		return &p.denying
	}
	if ok {
		p.watching.Watcher = w
		return &p.watching
	}
	return p
}

func (p *probe) observer(outer func(Event)) func(Event) {
	if p.coverage == nil {
		return outer
	}
	return func(e Event) {
		if e.Kind == VisibleEvent {
			p.history = p.history.Add(e)
		}
		if outer != nil {
			outer(e)
		}
	}
}

func (p *probe) ran(rep *Report, s Strategy, res *Result, shape Shape) {
	rep.Shape.Add(shape)
	if p.coverage != nil && !res.Abandoned {
		p.coverage.add(s, res.Hash, p.history, shape)
	}
}

func (p *probe) Next(c *Choice) int {
	i := p.Strategy.Next(c)
	if last := len(c.Enabled) - 1; c.Clock && last > 0 {
		t := p.coverage.offer(clockName, earlyTimer)[0]
		t.met++
		if i == last {
			t.taken++
		}
	}
	return i
}

func (p *probe) Fault(t *Task, at Point, faults []string) int {
	i := p.Strategy.Fault(t, at, faults)
	for j, t := range p.coverage.offer(at.Op, faults) {
		t.met++
		if i == j+1 {
			t.taken++
		}
	}
	return i
}

func (p *probe) collects() bool { return true }

func (p *probe) sometimes(name string, ok bool) {
	t := p.coverage.sometime(name)
	t.met++
	if ok {
		t.taken++
	}
}
