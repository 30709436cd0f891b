package explore

// Delay departs from the default schedule at a few random places (Emmi, Qadeer, Rakamarić, "Delay-bounded scheduling",
// POPL 2011): there the task that would go on lets the next one go first, in the order of their creation. It suits
// programs in which messages, background tasks and clients take turns, where few delays reach far.
func Delay(seed uint64, delays int) Strategy {
	return &delay{dice: newDice(seed), points: make([]int, 0, delays), delays: max(0, delays)}
}

type delay struct {
	dice   dice
	chance chance
	delays int
	room   int // of places, that the points are drawn from; 0: a guess per run
	points []int
	at     int
}

// Size is part of Sized.
func (d *delay) Size(s Shape) { d.room = max(d.room, s.Choices) }

func (d *delay) Begin(n int) {
	d.dice.begin(n)
	d.chance.begin(&d.dice)
	d.at = 0
	room := d.room
	if room == 0 {
		room = leastGuess << d.dice.below(guesses)
	}
	d.points = d.points[:0]
	for range d.delays {
		d.points = append(d.points, d.dice.below(room))
	}
}

func (d *delay) Next(c *Choice) int {
	n := d.chance.tasks(&d.dice, c)
	if n == 0 {
		return len(c.Enabled) - 1
	}
	i := c.Default
	for _, point := range d.points {
		if point == d.at {
			i = (i + 1) % n
		}
	}
	d.at++
	return i
}

func (d *delay) Fault(_ *Task, _ Point, faults []string) int { return d.chance.fault(&d.dice, faults) }
