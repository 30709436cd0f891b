package explore

// Shape is how large a program is, as far as runs have shown.
type Shape struct {
	Choices int // the most places in one run where the schedule could go more than one way
	Tasks   int // the most tasks in one run
}

// Add widens the shape to hold another.
func (s *Shape) Add(o Shape) {
	s.Choices, s.Tasks = max(s.Choices, o.Choices), max(s.Tasks, o.Tasks)
}

// Sized is a strategy that works better if it knows how large the program is. A [Search] tells it before certain runs,
// see [NextRound]; until then it guesses.
type Sized interface {
	Strategy
	Size(Shape)
}

// PCT is probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with
// probabilistic guarantees of finding bugs", ASPLOS 2010): every task has a random priority, the highest that can goes
// on, and at depth-1 random places the highest becomes one of the lowest. In a program of n tasks and k places with a
// choice, one run finds a bug of that depth with a probability of at least 1/(n k^(depth-1)). Depth counts from 1.
//
// Faults happen at random beside that; the guarantee is for the faults that a run has.
func PCT(seed uint64, depth int) Strategy {
	return &pct{dice: newDice(seed), points: make([]int, 0, depth), depth: max(1, depth)}
}

type pct struct {
	dice   dice
	chance chance
	depth  int
	room   int // of places, that the points are drawn from; 0: a guess per run

	priorities priorities
	points     []int // the i-th lowers to the priority i+1
	at         int
	drew       int // from so many places, in this run
}

// Size leaves some room to spare, so that the runs before one that is a little longer still count. What was told before does not
// matter: not every part of a search is told everything.
func (p *pct) Size(s Shape) { p.room = s.Choices + s.Choices/8 }

// guarantee is what the last run was made for.
func (p *pct) guarantee() (depth, room int) { return p.depth, p.drew }

// leastGuess and guesses say which numbers of places a run guesses: powers of two from 8 to 1,024.
const (
	leastGuess = 8
	guesses    = 8
)

func (p *pct) Begin(n int) {
	p.dice.begin(n)
	p.chance.begin(&p.dice)
	p.priorities.reset()
	p.at = 0
	room := p.room
	if room == 0 {
		room = leastGuess << p.dice.below(guesses)
	}
	p.drew, p.points = room, p.points[:0]
	for range p.depth - 1 {
		p.points = append(p.points, p.dice.below(room))
	}
}

func (p *pct) Next(c *Choice) int {
	n := p.chance.tasks(&p.dice, c)
	if n == 0 {
		return len(c.Enabled) - 1
	}
	tasks := c.Enabled[:n]
	best := p.priorities.highest(&p.dice, tasks)
	for i, point := range p.points {
		if point == p.at {
			p.priorities.of[tasks[best].index] = uint64(i) + 1
			best = p.priorities.highest(&p.dice, tasks)
		}
	}
	p.at++
	return best
}

func (p *pct) Fault(_ *Task, _ Point, faults []string) int { return p.chance.fault(&p.dice, faults) }
