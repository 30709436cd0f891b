package explore

import "slices"

// Minimized is a failing schedule with as few deviations as were found.
type Minimized struct {
	Deviations []Deviation
	// Proved says that every schedule with fewer deviations was run, and none of them failed the same oracle.
	Proved bool
	Runs   int // that it took
	Steps  int // of all these runs
}

// Effort bounds Minimize: a run can be as long as thousands of others, as a livelock is.
type Effort struct {
	Runs  int
	Steps int // of all runs; 0 means no bound
}

// spent reports whether a minimization has to end with what it has.
func (m *Minimized) spent(e Effort, o *Options) bool {
	return m.Runs >= e.Runs || e.Steps > 0 && m.Steps >= e.Steps || o.stopped()
}

// ProofRuns is how many runs Minimize may use up.
const ProofRuns = 20_000

// Minimize is MinimizeWithin a usual number of runs.
func (r *Runner) Minimize(p Program, ds []Deviation, o Options) (Minimized, Result) {
	return r.MinimizeWithin(Effort{Runs: ProofRuns}, p, ds, o)
}

// MinimizeWithin returns a failing schedule with fewer deviations, and the result of its run. First it takes away what
// the failure does not need; then it tries every schedule with 0 deviations, with 1, and so on, until one fails or no
// number is left that would be less. The failure stays the same oracle's. The deviations must fail to begin with; if
// they do not, they are returned as they came. What the effort bounds is begun no more; a run that has begun is ended.
func (r *Runner) MinimizeWithin(e Effort, p Program, ds []Deviation, o Options) (Minimized, Result) {
	best := r.Run(p, NewReplay(ds), 0, o)
	m := Minimized{Deviations: ds, Runs: 1, Steps: best.Steps}
	if best.Failure == nil {
		return m, best
	}
	m.Deviations = best.Deviations
	r.delta(e, p, o, &m, &best)
	r.prove(e, p, o, &m, &best)
	return m, best
}

// delta takes deviations away, many at a time as long as that works (Zeller, Hildebrandt, "Simplifying and isolating
// failure-inducing input", IEEE TSE 2002), until no single one can be spared. The last one is left to prove.
func (r *Runner) delta(e Effort, p Program, o Options, m *Minimized, best *Result) {
	try := func(part []Deviation) bool {
		m.Runs++
		res := r.Run(p, NewReplay(part), 0, o)
		m.Steps += res.Steps
		// A run may deviate in fewer places than it was asked to, never in more.
		if res.Failure == nil || res.Failure.Oracle != best.Failure.Oracle || len(res.Deviations) >= len(m.Deviations) {
			return false
		}
		*best, m.Deviations = res, res.Deviations
		return true
	}
	for size := len(m.Deviations) / 2; size > 0; {
		shrunk := false
		for from := 0; from < len(m.Deviations) && !m.spent(e, &o); {
			ds := m.Deviations
			part := slices.Concat(ds[:from], ds[min(from+size, len(ds)):])
			if try(part) {
				shrunk = true
			} else {
				from += size
			}
		}
		switch {
		case size > 1:
			size = min(size/2, max(1, len(m.Deviations)/2))
		case !shrunk || m.spent(e, &o):
			size = 0
		}
	}
}

// prove runs every schedule with fewer deviations than m, those with the fewest first.
func (r *Runner) prove(e Effort, p Program, o Options, m *Minimized, best *Result) {
	b := NewBounded(0, len(m.Deviations)-1)
	for len(m.Deviations) > 0 && b.More() {
		if m.spent(e, &o) {
			return
		}
		m.Runs++
		res := r.Run(p, b, 0, o)
		m.Steps += res.Steps
		if res.Failure != nil && res.Failure.Oracle == best.Failure.Oracle && !b.Repeated() {
			*best, m.Deviations = res, res.Deviations
			break
		}
	}
	m.Proved = true
}

// Explanation sets a failing schedule beside the nearest one that passes.
type Explanation struct {
	// Passing is a schedule that does not fail this oracle and differs from the failing one by a single deviation, and
	// does so as late as possible.
	Passing []Deviation
	Flipped Deviation // by this one
	Added   bool      // only the passing schedule has it; otherwise only the failing one
	// Common is how many events the two runs share. Then come the two whose order decides.
	Common  int
	Failing Event
	Instead Event // in the passing run
}

// explainedSteps bounds an explanation: many schedules are tried for it, and each can be as long as a run may be.
const explainedSteps = 2_000_000

// Explain looks for the nearest schedule that passes; nil if none was found within some million steps.
func (r *Runner) Explain(p Program, ds []Deviation, o Options) *Explanation {
	var failing, other []Event
	record := func(into *[]Event) Options {
		x := o
		*into = (*into)[:0]
		x.Observe = func(e Event) { *into = append(*into, e) }
		return x
	}
	bad := r.Run(p, NewReplay(ds), 0, record(&failing))
	if bad.Failure == nil {
		return nil
	}
	var best *Explanation
	steps := bad.Steps
	goOn := func() bool { return steps < explainedSteps && !o.stopped() }
	compare := func(s Strategy, passing []Deviation, flipped Deviation, added bool) {
		x := record(&other)
		x.Record = added
		res := r.Run(p, s, 0, x)
		steps += res.Steps
		if res.Failure != nil && res.Failure.Oracle == bad.Failure.Oracle {
			return
		}
		if added {
			if len(res.Deviations) != 1 {
				return
			}
			passing, flipped = res.Deviations, res.Deviations[0]
		}
		e := Explanation{Passing: passing, Flipped: flipped, Added: added}
		for e.Common < len(failing) && e.Common < len(other) && same(failing[e.Common], other[e.Common]) {
			e.Common++
		}
		if e.Common < len(failing) {
			e.Failing = failing[e.Common]
		}
		if e.Common < len(other) {
			e.Instead = other[e.Common]
		}
		if best == nil || e.Common > best.Common {
			best = &e
		}
	}
	for i := 0; i < len(ds) && goOn(); i++ {
		compare(NewReplay(slices.Delete(slices.Clone(ds), i, i+1)), slices.Delete(slices.Clone(ds), i, i+1), ds[i], false)
	}
	if len(ds) == 0 {
		for b := NewBounded(1, 1); goOn() && b.More(); {
			compare(b, nil, Deviation{}, true)
		}
	}
	return best
}

// same compares what happened, not why.
func same(a, b Event) bool {
	a.Deviation, b.Deviation = false, false
	return a == b
}
