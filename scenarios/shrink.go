package scenarios

import (
	"errors"
	"slices"

	"vmdkvol/explore"
)

// Shrunk is a failing scenario made small: no client, operation or given volume can be left out without losing the
// failure, as far as the tries allow, and the schedule is minimal for what remains.
type Shrunk struct {
	Script      *Script // with the minimal schedule, and no expectations
	Minimized   explore.Minimized
	Result      explore.Result // of the minimal run
	Explanation *explore.Explanation
	Runs        int  // of everything
	Stopped     bool // Options.Stop ended it: the result may be larger than need be
	Exhausted   bool // the bound on steps ended it, see Shrink; the same
}

// attemptRuns is how many schedules of a smaller program are tried, those with the fewest deviations first, when the
// schedule at hand does not fail there: enough for all that deviate once.
const attemptRuns = 300

// Of how many runs of usual length shrinking the program has the steps.
const programRuns = 20_000

// How long a run of a program usually is, at least and at most, in steps.
const (
	shortRun = 100
	longRun  = 2000
)

// ErrPasses says that there is nothing to shrink.
var ErrPasses = errors.New("no oracle objects to the schedule: there is nothing to shrink")

// Search looks for a schedule that fails, as Explore does, and leaves it as it was found.
func (s *Stage) Search(search explore.Search) (explore.Report, error) {
	if search.Options.Faults == 0 {
		search.Options.Faults = s.theatre.script.Faults
	}
	if err := s.theatre.script.bears(search.Options.Faults); err != nil {
		return explore.Report{}, err
	}
	search.Options.Locks, search.Options.Records = s.theatre.script.Locks, s.theatre.script.Fine
	rep := s.runner.Search(search, s.Program)
	return rep, s.err
}

// Shrink makes the script with this failing schedule small: workload first, then the schedule. The failure stays the
// same oracle's. Proof is how many runs may be spent on proving that the deviations are as few as can be. Options.Faults
// is how many faults a run may have; 0 means as many as the script says, or as the schedule has. Options.Stop ends it early:
// what is returned fails all the same, but may be larger than need be. So does a bound on steps, because a run that is a livelock
// takes as many as thousands of others: the proof may take twice as many as proof runs of the length of the sequential one.
func Shrink(script *Script, ds []explore.Deviation, o explore.Options, proof int) (Shrunk, error) {
	o.Faults = max(o.Faults, script.Faults, faultsIn(ds))
	if err := script.bears(o.Faults); err != nil {
		return Shrunk{}, err
	}
	o.Locks, o.Records = script.Locks, script.Fine
	x := shrinking{runner: explore.NewRunner(), options: o, script: script.WithSchedule(ds)}
	defer x.runner.Close()
	stage, err := newStageOn(script, x.runner, &x.opinions)
	if err != nil {
		return Shrunk{}, err
	}
	first := x.runner.Run(stage.Program, explore.NewReplay(ds), 0, o)
	if stage.err != nil {
		return Shrunk{}, stage.err
	}
	if first.Failure == nil {
		return Shrunk{Runs: 1}, ErrPasses
	}
	x.oracle, x.schedule, x.runs = first.Failure.Oracle, first.Deviations, 1
	usual := x.usual(stage)
	x.bound = programRuns * usual
	x.minimize(stage, attemptRuns)
	for !x.spent() && x.smaller() {
	}
	exhausted := x.steps >= x.bound
	if stage, err = newStageOn(x.script, x.runner, &x.opinions); err != nil {
		return Shrunk{}, err
	}
	x.bound = x.steps + max(1, proof*usual)
	m, res := x.minimize(stage, proof)
	out := Shrunk{
		Script: x.script.WithSchedule(m.Deviations), Minimized: m, Result: res, Runs: x.runs,
		Stopped: x.stopped(), Exhausted: exhausted || !m.Proved && x.steps >= x.bound,
	}
	if faults := faultsIn(m.Deviations); faults > 0 || x.script.Faults > 0 {
		out.Script.Faults = o.Faults
	}
	out.Explanation = x.runner.Explain(stage.Program, m.Deviations, o)
	return out, nil
}

type shrinking struct {
	runner   *explore.Runner
	opinions opinions
	options  explore.Options
	oracle   string
	script   *Script // the smallest so far
	schedule []explore.Deviation
	runs     int
	steps    int // of all runs
	bound    int // of steps
}

// usual is twice the length of the sequential run, in steps. One that fails may be endless, and says nothing.
func (x *shrinking) usual(stage *Stage) int {
	res := x.runner.Run(stage.Program, explore.NewReplay(nil), 0, x.options)
	if res.Failure != nil {
		return shortRun
	}
	return min(max(2*res.Steps, shortRun), longRun)
}

func (x *shrinking) minimize(stage *Stage, runs int) (explore.Minimized, explore.Result) {
	e := explore.Effort{Runs: runs, Steps: max(1, x.bound-x.steps)}
	m, res := x.runner.MinimizeWithin(e, stage.Program, x.schedule, x.options)
	x.schedule, x.runs, x.steps = m.Deviations, x.runs+m.Runs, x.steps+m.Steps
	return m, res
}

// smaller takes one thing away, the largest first, or gives what is created; false if none can be spared.
func (x *shrinking) smaller() bool {
	for i := range x.script.Clients {
		if len(x.script.Clients) > 1 && x.try(func(s *Script) { s.Clients = slices.Delete(s.Clients, i, i+1) }) {
			return true
		}
	}
	for i, c := range x.script.Clients {
		for j := range c.Ops {
			if len(c.Ops) > 1 && x.try(func(s *Script) { s.Clients[i].Ops = slices.Delete(s.Clients[i].Ops, j, j+1) }) {
				return true
			}
		}
	}
	for i, c := range x.script.Clients {
		for j, o := range c.Ops {
			if o.Verb == "create" && x.try(func(s *Script) { s.give(i, j) }) {
				return true
			}
		}
	}
	for i := range x.script.Volumes {
		if x.try(func(s *Script) { s.Volumes = slices.Delete(s.Volumes, i, i+1) }) {
			return true
		}
	}
	for i := range x.script.Vmgroups {
		if x.try(func(s *Script) { s.Vmgroups = slices.Delete(s.Vmgroups, i, i+1) }) {
			return true
		}
	}
	for i := range x.script.VMs {
		if x.try(func(s *Script) { s.VMs = slices.Delete(s.VMs, i, i+1) }) {
			return true
		}
	}
	return false
}

// give lets a volume be there from the start instead of being created.
func (s *Script) give(client, op int) {
	c := &s.Clients[client]
	s.Volumes = append(s.Volumes, Given{Name: volumePart(c.Ops[op].Volume), Opts: c.Ops[op].Opts})
	if c.Ops = slices.Delete(c.Ops, op, op+1); len(c.Ops) == 0 {
		s.Clients = slices.Delete(s.Clients, client, client+1)
	}
}

// spent reports whether no run is to be begun any more.
func (x *shrinking) spent() bool { return x.steps >= x.bound || x.stopped() }

func (x *shrinking) stopped() bool { return x.options.Stop != nil && x.options.Stop() }

// try keeps a smaller script if it is still a script, and fails in the same way under some schedule.
func (x *shrinking) try(change func(*Script)) bool {
	c := x.script.copied()
	change(c)
	if _, err := Parse(c.File, c.WithSchedule(nil).Text()); err != nil {
		return false
	}
	stage, err := newStageOn(c, x.runner, &x.opinions)
	if err != nil {
		return false
	}
	fails := func(s explore.Strategy) bool {
		if x.spent() {
			return false
		}
		x.runs++
		res := x.runner.Run(stage.Program, s, 0, x.options)
		x.steps += res.Steps
		if stage.err != nil || res.Failure == nil || res.Failure.Oracle != x.oracle {
			return false
		}
		x.script, x.schedule = c, res.Deviations
		return true
	}
	if fails(explore.NewReplay(x.schedule)) {
		return true
	}
	b := explore.NewBounded(0, len(x.schedule))
	for n := 0; n < attemptRuns && !x.spent() && b.More(); n++ {
		if fails(b) {
			return true
		}
	}
	if c.operations() < large || x.spent() {
		return false
	}
	random := explore.Random(0)
	for n := range attemptRuns {
		if x.spent() {
			return false
		}
		if fails(numbered{random, n}) {
			x.minimize(stage, attemptRuns)
			return true
		}
	}
	return false
}

// large is how many operations a program must have for random schedules to be worth trying, too: most of its schedules with
// few deviations do not come to the place of the failure.
const large = 4

// numbered is run n of a strategy, whatever number the runner gives it.
type numbered struct {
	explore.Strategy
	n int
}

func (s numbered) Begin(int) { s.Strategy.Begin(s.n) }

func (s *Script) operations() int {
	n := 0
	for _, c := range s.Clients {
		n += len(c.Ops)
	}
	return n
}

// copied is the script with lists of its own.
func (s *Script) copied() *Script {
	c := *s
	c.VMs, c.Volumes, c.Clients = slices.Clone(s.VMs), slices.Clone(s.Volumes), slices.Clone(s.Clients)
	c.Vmgroups = slices.Clone(s.Vmgroups)
	for i := range c.Clients {
		c.Clients[i].Ops = slices.Clone(c.Clients[i].Ops)
	}
	return &c
}
