package explore

// Swarm lets only some kinds of faults happen in a run: each kind, and early timers, in half of the runs, so that one
// frequent kind does not hide what another one does (Groce, Zhang, Eide, Chen, Regehr, "Swarm testing", ISSTA 2012).
// The order of tasks is the other strategy's business.
func Swarm(seed uint64, s Strategy) Strategy {
	w := swarm{Strategy: s, seed: seed}
	if inner, ok := s.(Watcher); ok {
		return &watchingSwarm{w, inner}
	}
	return &w
}

type swarm struct {
	Strategy
	seed   uint64
	run    Hash
	clock  bool // early timers may happen
	choice Choice

	faults []string // scratch
	index  []int
}

type watchingSwarm struct {
	swarm
	watcher Watcher
}

func (s *watchingSwarm) Stepped(t *Task, footprint []Access) { s.watcher.Stepped(t, footprint) }

// Size is part of Sized.
func (s *swarm) Size(shape Shape) {
	if inner, ok := s.Strategy.(Sized); ok {
		inner.Size(shape)
	}
}

func (s *swarm) guarantee() (depth, room int) {
	if inner, ok := s.Strategy.(guaranteer); ok {
		return inner.guarantee()
	}
	return 0, 0
}

func (s *swarm) Begin(n int) {
	s.run = NewHash().mix(s.seed).mix(uint64(n))
	s.clock = s.enabled("", clockName)
	s.Strategy.Begin(n)
}

// enabled reports whether a kind of fault may happen in this run.
func (s *swarm) enabled(op, fault string) bool {
	h := s.run.str(op).str(fault)
	return h>>32&1 == 0
}

func (s *swarm) Next(c *Choice) int {
	if !c.Clock || s.clock || len(c.Enabled) == 1 {
		return s.Strategy.Next(c)
	}
	s.choice = Choice{Current: c.Current, Enabled: c.Enabled[:len(c.Enabled)-1], Default: c.Default}
	if _, watches := s.Strategy.(Watcher); !watches && len(s.choice.Enabled) == 1 {
		return 0
	}
	return s.Strategy.Next(&s.choice)
}

func (s *swarm) Fault(t *Task, p Point, faults []string) int {
	s.faults, s.index = s.faults[:0], s.index[:0]
	for i, f := range faults {
		if s.enabled(p.Op, f) {
			s.faults, s.index = append(s.faults, f), append(s.index, i+1)
		}
	}
	if len(s.faults) == 0 {
		return 0
	}
	if i := s.Strategy.Fault(t, p, s.faults); i > 0 {
		return s.index[i-1]
	}
	return 0
}
