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
	Runs        int // of everything
}

// attemptRuns is how many schedules of a smaller program are tried, those with the fewest deviations first, when the
// schedule at hand does not fail there: enough for all that deviate once.
const attemptRuns = 300

// ErrPasses says that there is nothing to shrink.
var ErrPasses = errors.New("no oracle objects to the schedule: there is nothing to shrink")

// Search looks for a schedule that fails, as Explore does, and leaves it as it was found.
func (s *Stage) Search(search explore.Search) (explore.Report, error) {
	if search.Options.Faults == 0 {
		search.Options.Faults = s.theatre.script.Faults
	}
	search.Options.Locks, search.Options.Records = s.theatre.script.Locks, s.theatre.script.Fine
	rep := s.runner.Search(search, s.Program)
	return rep, s.err
}

// Shrink makes the script with this failing schedule small: workload first, then the schedule. The failure stays the
// same oracle's. Proof is how many runs may be spent on proving that the deviations are as few as can be. Options.Faults
// is how many faults a run may have; 0 means as many as the script says, or as the schedule has. Options.Stop ends it early:
// what is returned fails all the same, but may be larger than need be.
func Shrink(script *Script, ds []explore.Deviation, o explore.Options, proof int) (Shrunk, error) {
	o.Faults = max(o.Faults, script.Faults, faultsIn(ds))
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
	x.minimize(stage, attemptRuns)
	for !x.stopped() && x.smaller() {
	}
	if stage, err = newStageOn(x.script, x.runner, &x.opinions); err != nil {
		return Shrunk{}, err
	}
	m, res := x.minimize(stage, proof)
	out := Shrunk{Script: x.script.WithSchedule(m.Deviations), Minimized: m, Result: res, Runs: x.runs}
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
}

func (x *shrinking) minimize(stage *Stage, runs int) (explore.Minimized, explore.Result) {
	m, res := x.runner.MinimizeWithin(runs, stage.Program, x.schedule, x.options)
	x.schedule, x.runs = m.Deviations, x.runs+m.Runs
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
		x.runs++
		res := x.runner.Run(stage.Program, s, 0, x.options)
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
	for n := 0; n < attemptRuns && !x.stopped() && b.More(); n++ {
		if fails(b) {
			return true
		}
	}
	if c.operations() < large || x.stopped() {
		return false
	}
	random := explore.Random(0)
	for n := range attemptRuns {
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
