package explore

import "math/rand/v2"

// Choice is a place where the schedule can go more than one way.
type Choice struct {
	// Current is the task that came here; it is among Enabled if it could go on, and otherwise waits or has ended.
	Current *Task
	// Enabled are the tasks that could go on, in the order of their creation; then the clock, if the run's fault
	// budget allows an early timer.
	Enabled []*Task
	// Default is the index in Enabled that the default schedule takes.
	Default int
	// Clock says that the last of Enabled is the clock.
	Clock bool
	// Spent says that the run's fault budget is.
	Spent bool

	clock ticker // only if Clock
}

// ticker knows what the clock's next step would access; the slice is valid until the next call. Few strategies ask for that, and it
// takes time to find out.
type ticker interface{ nextTick() []Access }

// Site is where the current task is; a task that has ended has no point.
func (c *Choice) Site() Site {
	if c.Current.state == done {
		return Site{Task: c.Current.name}
	}
	return c.Current.site()
}

// of is the index in Enabled of the task with a name, Abandon if it cannot go on.
func (c *Choice) of(name string) int {
	for i, t := range c.Enabled {
		if t.name == name {
			return i
		}
	}
	return Abandon
}

// Strategy decides a run's schedule. One value serves many runs, one after another.
type Strategy interface {
	// Begin starts run number n, from 0.
	Begin(n int)
	// Next returns the index in c.Enabled of the task that goes on, or Abandon. Unless the strategy is a Watcher, it is
	// asked only if there is more than one.
	Next(c *Choice) int
	// Fault returns 0 for no fault, or i for faults[i-1]. The kernel asks only while the budget lasts.
	Fault(t *Task, p Point, faults []string) int
}

// Abandon, from Strategy.Next, gives a run up: it is neither passed nor failed.
const Abandon = -1

// Sequential is the default schedule.
type Sequential struct{}

// Begin does nothing.
func (Sequential) Begin(int) {}

// Next takes the default.
func (Sequential) Next(c *Choice) int { return c.Default }

// Fault lets nothing fail.
func (Sequential) Fault(*Task, Point, []string) int { return 0 }

// Random picks evenly among the enabled tasks. A run's choices depend on seed and the run's number alone. Faults
// happen at one fault point in faultOneIn.
func Random(seed uint64) Strategy { return &random{seed: seed, src: rand.NewPCG(seed, 0)} }

const faultOneIn = 8

type random struct {
	seed uint64
	src  *rand.PCG
}

func (r *random) Begin(n int) { r.src.Seed(r.seed, uint64(n)) }

func (r *random) below(n int) int { return int(uint32(r.src.Uint64()>>33) % uint32(n)) }

func (r *random) Next(c *Choice) int {
	n := len(c.Enabled)
	if c.Clock && n > 1 && r.below(faultOneIn) != 0 {
		n-- // an early timer is a fault, and as rare
	}
	return r.below(n)
}

func (r *random) Fault(_ *Task, _ Point, faults []string) int {
	if r.below(faultOneIn) != 0 {
		return 0
	}
	return 1 + r.below(len(faults))
}

// Replay follows recorded deviations and is the default everywhere else. A deviation whose place never comes, or whose
// task cannot go on there, is skipped and listed in Unused.
type Replay struct {
	deviations []Deviation
	used       []bool
	done       int // so many from the first on are used, or faults
}

// NewReplay makes a strategy of the given schedule.
func NewReplay(ds []Deviation) *Replay {
	return &Replay{deviations: ds, used: make([]bool, len(ds))}
}

// Unused returns the deviations that the last run did not come to.
func (r *Replay) Unused() []Deviation {
	var ds []Deviation
	for i, d := range r.deviations {
		if !r.used[i] {
			ds = append(ds, d)
		}
	}
	return ds
}

// Begin forgets the last run.
func (r *Replay) Begin(int) {
	clear(r.used)
	r.done = 0
}

// Next takes the first unused deviation that names this place.
func (r *Replay) Next(c *Choice) int {
	for r.done < len(r.used) && (r.used[r.done] || r.deviations[r.done].Kind == Fault) {
		r.done++
	}
	for i := r.done; i < len(r.deviations); i++ {
		d := &r.deviations[i]
		if r.used[i] || d.Kind == Fault || d.Site.Task != c.Current.name {
			continue
		}
		// An ended task has no point; comparing points first keeps the counting of visits rare.
		if ended := c.Current.state == done; ended != (d.Site.Op == "") || !ended && d.Site.Point != c.Current.point {
			continue
		}
		if d.Site != c.Site() {
			continue
		}
		for j, t := range c.Enabled {
			if t.name == d.To {
				r.used[i] = true
				return j
			}
		}
	}
	return c.Default
}

// Fault lets fail what the schedule names.
func (r *Replay) Fault(t *Task, p Point, faults []string) int {
	for i, d := range r.deviations {
		if r.used[i] || d.Kind != Fault || d.Site.Task != t.name || d.Site.Point != p {
			continue
		}
		if t.choices(p) != d.Site.N {
			continue
		}
		for j, f := range faults {
			if f == d.Fault {
				r.used[i] = true
				return j + 1
			}
		}
	}
	return 0
}
