package explore

// single departs from the default schedule exactly once, at the target-th alternative that it meets.
type single struct {
	target, met int
}

func (s *single) Begin(int) { s.met = 0 }

// among returns which of n alternatives (from 0) is the target, -1 if none.
func (s *single) among(n int) int {
	i := s.target - s.met
	s.met += n
	if i < 0 || i >= n {
		return -1
	}
	return i
}

func (s *single) Next(c *Choice) int {
	i := s.among(len(c.Enabled) - 1)
	switch {
	case i < 0:
		return c.Default
	case i >= c.Default:
		return i + 1
	}
	return i
}

func (s *single) Fault(_ *Task, _ Point, faults []string) int { return s.among(len(faults)) + 1 }

// single tries every schedule with exactly one deviation and returns the first whose failure is the oracle's.
func (r *Runner) single(p Program, oracle string, o Options) (Result, bool) {
	for s := (&single{}); ; s.target++ {
		res := r.Run(p, s, 0, o)
		if s.target >= s.met {
			return Result{}, false
		}
		if res.Failure != nil && res.Failure.Oracle == oracle {
			return res, true
		}
	}
}
