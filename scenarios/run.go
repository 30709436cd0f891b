package scenarios

import (
	"fmt"

	"vmdkvol/explore"
)

// Outcome is what one run of a script did.
type Outcome struct {
	Result explore.Result
	Calls  []Call
	Counts []int               // of the script's counts
	Events []explore.Event     // only if asked for
	Unused []explore.Deviation // of the schedule: their place never came
	// Astray says that something is unused and the script expects something: whoever does must come to the schedule that
	// leads there.
	Astray bool
	// Wrong are the expectations that were not met, as FILE:LINE: text.
	Wrong []string
}

// Failed reports whether an oracle objected, or an expectation was not met or not come to.
func (o *Outcome) Failed() bool {
	return o.Result.Failure != nil || len(o.Wrong) > 0 || o.Astray
}

// Stage runs one script, again and again. Use from one goroutine; Close it.
type Stage struct {
	theatre *theatre
	runner  *explore.Runner
	world   *World // of the last run
	err     error
}

// NewStage prepares to run a script.
func NewStage(s *Script) (*Stage, error) {
	return newStageOn(s, explore.NewRunner(), &opinions{})
}

// NewThreads prepares to run a script on goroutines, for the race detector: the driver's data races are then reported
// with their lines. It takes the same steps as NewStage, several times slower.
func NewThreads(s *Script) (*Stage, error) {
	return newStageOn(s, explore.NewThreads(), &opinions{})
}

// Opinions is how many different histories of volumes the runs had so far, and of how many of them one judge at least
// could not say whether they are linearizable.
func (s *Stage) Opinions() (histories, undecided int) {
	o := s.theatre.opinions
	return o.judged, o.undecided
}

// newStageOn prepares to run a script on a runner, and with a memory of histories, that others may use too; then it is not
// to be closed.
func newStageOn(s *Script, r *explore.Runner, o *opinions) (*Stage, error) {
	t, err := newTheatre(s, o)
	if err != nil {
		return nil, err
	}
	t.threads = r.Threads()
	return &Stage{theatre: t, runner: r}, nil
}

// Close frees what runs have in common.
func (s *Stage) Close() { s.runner.Close() }

// Program is the script as the explorer runs it.
func (s *Stage) Program(k *explore.Kernel) {
	w, err := s.theatre.build(k)
	if err != nil {
		s.err = err
		k.Fail("set-up", err.Error())
		return
	}
	s.world = w
}

// Replay runs the script under its own schedule and checks what it expects. It fails only if the world cannot be built.
func (s *Stage) Replay(observe bool) (Outcome, error) {
	script := s.theatre.script
	var out Outcome
	counts := make([]int, len(script.Counts))
	options := explore.Options{Record: true, Faults: faultsIn(script.Schedule), Locks: script.Locks, Records: script.Fine}
	options.Observe = func(e explore.Event) {
		for i, c := range script.Counts {
			if e.Kind == explore.StepEvent && e.Point == c.Point {
				counts[i]++
			}
		}
		if observe {
			out.Events = append(out.Events, e)
		}
	}
	replay := explore.NewReplay(script.Schedule)
	out.Result = s.runner.Run(s.Program, replay, 0, options)
	if s.err != nil {
		return out, s.err
	}
	out.Unused = replay.Unused()
	out.Astray = len(out.Unused) > 0 && len(script.Expect) > 0
	for _, c := range s.world.judge.calls {
		out.Calls = append(out.Calls, *c)
	}
	out.Counts = counts
	out.Wrong = s.compare(&out, counts)
	return out, nil
}

func faultsIn(ds []explore.Deviation) int {
	n := 0
	for _, d := range ds {
		if d.Costs() {
			n++
		}
	}
	return n
}

// compare lists what the script expects and did not get.
func (s *Stage) compare(out *Outcome, counts []int) []string {
	script := s.theatre.script
	var wrong []string
	add := func(line int, format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("%s:%d: ", script.File, line)+fmt.Sprintf(format, args...))
	}
	wrong = append(wrong, s.world.judge.wrong...)
	if script.Exactly {
		script.exactly(out.Calls, add)
	} else {
		script.answered(out.Calls, add)
	}
	for i, c := range script.Counts {
		if counts[i] != c.Want {
			add(c.Line, "count %s: want %d, got %d", c.Point, c.Want, counts[i])
		}
	}
	if out.Result.Failure == nil {
		for _, c := range script.End {
			h := s.world.hosts[0]
			if c.VM != "" {
				h = s.world.host(c.VM)
			}
			if got := s.world.fact(h, c); got != c.Want {
				add(c.Line, "%s, but it is %s", c, got)
			}
		}
	}
	return wrong
}

// Explore searches for a schedule that fails and shrinks it. The script's own schedule and expectations do not count:
// the oracles judge.
func (s *Stage) Explore(search explore.Search) (explore.Report, error) {
	if search.Options.Faults == 0 {
		search.Options.Faults = s.theatre.script.Faults
	}
	if err := s.theatre.script.bears(search.Options.Faults); err != nil {
		return explore.Report{}, err
	}
	search.Options.Locks, search.Options.Records = s.theatre.script.Locks, s.theatre.script.Fine
	rep := s.runner.Search(search, s.Program)
	if s.err != nil {
		return rep, s.err
	}
	if rep.Found {
		_, rep.Result = s.runner.Minimize(s.Program, rep.Result.Deviations, search.Options)
	}
	return rep, s.err
}

// WithSchedule returns the script with another schedule, and without what its old one led to.
func (s *Script) WithSchedule(ds []explore.Deviation) *Script {
	c := *s
	c.Schedule, c.Exactly, c.Expect, c.Counts, c.End = ds, false, nil, nil, nil
	return &c
}
