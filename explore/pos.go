package explore

// POS is partial order sampling (Yuan, Yang, Gu, "Partial order aware concurrency sampling", CAV 2018): every pending
// step has a random priority, and the highest goes on. Then the priorities are drawn again of the task that went, and of
// every task whose pending step conflicts with the step that was done, so that it is a matter of chance again who comes
// first.
func POS(seed uint64) Strategy { return &pos{dice: newDice(seed)} }

type pos struct {
	dice       dice
	chance     chance
	priorities priorities

	stepped []*Task  // since the last choice
	touched []string // by them
	all     bool     // they conflict with everything
}

func (p *pos) Begin(n int) {
	p.dice.begin(n)
	p.chance.begin(&p.dice)
	p.priorities.reset()
	p.forget()
}

func (p *pos) forget() { p.stepped, p.touched, p.all = p.stepped[:0], p.touched[:0], false }

// Stepped is called by the kernel.
func (p *pos) Stepped(t *Task, footprint []Access) {
	if t.index != clockIndex {
		p.stepped = append(p.stepped, t)
	}
	for _, a := range footprint {
		if a.Object == everything {
			p.all = true
		}
		p.touched = append(p.touched, a.Object)
	}
}

func (p *pos) Next(c *Choice) int {
	for _, t := range p.stepped {
		p.redraw(t)
	}
	for _, t := range c.Enabled {
		if t.index != clockIndex && (p.all || p.conflicts(t)) {
			p.redraw(t)
		}
	}
	p.forget()
	n := p.chance.tasks(&p.dice, c)
	if n == 0 {
		return len(c.Enabled) - 1
	}
	return p.priorities.highest(&p.dice, c.Enabled[:n])
}

func (p *pos) redraw(t *Task) {
	if t.index < len(p.priorities.of) {
		p.priorities.of[t.index] = 0
	}
}

// conflicts guesses from the name of what the task is about to do; what it will really touch is known only afterwards.
// Of one that has not begun the name says nothing.
func (p *pos) conflicts(t *Task) bool {
	if t.worker == nil {
		return len(p.touched) > 0
	}
	for _, object := range p.touched {
		if object == t.point.Object {
			return true
		}
	}
	return false
}

func (p *pos) Fault(_ *Task, _ Point, faults []string) int { return p.chance.fault(&p.dice, faults) }
