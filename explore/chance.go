package explore

import "math/rand/v2"

// dice are the random numbers of one run; they depend on a seed and the run's number alone.
type dice struct {
	seed uint64
	src  *rand.PCG
}

func newDice(seed uint64) dice { return dice{seed: seed, src: rand.NewPCG(seed, 0)} }

func (d *dice) begin(n int) { d.src.Seed(d.seed, uint64(n)) }

func (d *dice) draw() uint64 { return d.src.Uint64() }

// below returns a number from 0 to n-1.
func (d *dice) below(n int) int { return int(uint32(d.src.Uint64()>>33) % uint32(n)) }

// chance lets faults happen at one opportunity in a power of two, which each run draws: where many faults are possible,
// a high rate would spend the budget at the first ones always.
type chance struct {
	mask uint64
}

// maxRarity is the power of two of the lowest rate.
const maxRarity = 6

func (f *chance) begin(d *dice) { f.mask = 1<<(1+d.below(maxRarity)) - 1 }

// happens decides one opportunity.
func (f *chance) happens(d *dice) bool { return d.draw()>>32&f.mask == 0 }

// fault is Strategy.Fault.
func (f *chance) fault(d *dice, faults []string) int {
	if !f.happens(d) {
		return 0
	}
	return 1 + d.below(len(faults))
}

// tasks returns how many of c.Enabled are tasks; 0 says that the clock, the last of them, goes first, which is a fault.
func (f *chance) tasks(d *dice, c *Choice) int {
	n := len(c.Enabled)
	if !c.Clock {
		return n
	}
	if n == 1 || f.happens(d) {
		return 0
	}
	return n - 1
}

// priorities are of the tasks of one run, by index.
type priorities struct {
	of []uint64 // 0: not drawn yet
}

// drawnPriority is set in every priority that was drawn, so that none is 0, and none as low as a lowered one.
const drawnPriority = 1 << 63

func (p *priorities) reset() { p.of = p.of[:0] }

// get returns the priority of a task and draws it if it is new.
func (p *priorities) get(d *dice, t *Task) uint64 {
	for len(p.of) <= t.index {
		p.of = append(p.of, 0)
	}
	if p.of[t.index] == 0 {
		p.of[t.index] = d.draw() | drawnPriority
	}
	return p.of[t.index]
}

// highest returns the index of the task with the highest priority.
func (p *priorities) highest(d *dice, tasks []*Task) int {
	best, top := 0, uint64(0)
	for i, t := range tasks {
		if v := p.get(d, t); v > top {
			best, top = i, v
		}
	}
	return best
}
