package explore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounded is iterative deviation bounding: every schedule with exactly 0 deviations, then with 1, then with 2, and so
// on, so that the first failure has as few as can be. It goes on from run to run by itself:
//
//	for b.More() { runner.Run(program, b, 0, options) }
//
// The program must do the same at every run.
type Bounded struct {
	max       int
	shard, of int

	at     []int // the run deviates at the at[i]-th alternative that it meets after deviation i-1
	made   int   // deviations, in this run
	met    int   // alternatives since the last one
	began  bool
	done   bool
	deeper bool // there are schedules with this many deviations
	bound  int  // completed; -1 if none is
}

// NewBounded begins with the schedules of exactly from deviations and ends with those of exactly to; to < 0 means when
// all are done.
func NewBounded(from, to int) *Bounded {
	if to < 0 {
		to = int(^uint(0) >> 1)
	}
	return &Bounded{max: to, of: 1, at: make([]int, from), bound: from - 1}
}

// Shard leaves only every n-th schedule to this search, of which there are n, numbered from 1. Call it first.
func (b *Bounded) Shard(i, n int) {
	b.shard, b.of = i-1, n
	b.align()
}

// More prepares the next run; false means that all is explored.
func (b *Bounded) More() bool {
	if b.done || len(b.at) > b.max {
		b.done = true
		return false
	}
	if !b.began {
		b.began = true
		return true
	}
	if b.made > 0 && b.made == len(b.at) {
		b.at[b.made-1] += b.of
		return true
	}
	b.deeper = b.deeper || b.made == len(b.at)-1 && b.met > 0
	if b.made > 0 { // after the deviations made there are no more alternatives: the last of them moves on
		b.at[b.made-1]++
		clear(b.at[b.made:])
		b.align()
		return true
	}
	b.bound = len(b.at)
	if len(b.at) > 0 && !b.deeper || b.bound >= b.max {
		b.done = true
		return false
	}
	b.at = append(b.at, 0)
	clear(b.at)
	b.align()
	b.deeper = false
	return true
}

// align moves the last alternative to this shard's first one. The schedule without deviations is every shard's.
func (b *Bounded) align() {
	if l := len(b.at); l > 0 {
		sum := 0
		for _, x := range b.at[:l-1] {
			sum += x
		}
		b.at[l-1] = ((b.shard-sum)%b.of + b.of) % b.of
	}
}

// Bound is the number of deviations up to which all schedules were run (of this shard); -1 if not even the empty one.
func (b *Bounded) Bound() int { return b.bound }

// Exhausted reports whether there is no schedule with more deviations than Bound.
func (b *Bounded) Exhausted() bool { return b.done && len(b.at) > 0 && !b.deeper }

// Repeated reports whether the last run was one of the bound before: there was no alternative left to take.
func (b *Bounded) Repeated() bool { return b.made < len(b.at) }

// Position says which schedule is next: the number of deviations, and where each is.
func (b *Bounded) Position() string {
	var s strings.Builder
	s.WriteString(strconv.Itoa(len(b.at)))
	for i, x := range b.at {
		s.WriteByte(":."[min(i, 1)])
		s.WriteString(strconv.Itoa(x))
	}
	return s.String()
}

// Resume goes to a position that Position gave, of the same program and shard. Call it before the first run.
func (b *Bounded) Resume(position string) error {
	bound, rest, ok := strings.Cut(position, ":")
	n, err := strconv.Atoi(bound)
	if err != nil || n < 0 || n > 0 != ok {
		return fmt.Errorf("malformed position %q: want one like 2:17.4", position)
	}
	var at []int
	if ok {
		for _, word := range strings.Split(rest, ".") {
			x, err := strconv.Atoi(word)
			if err != nil || x < 0 {
				return fmt.Errorf("malformed position %q: want one like 2:17.4", position)
			}
			at = append(at, x)
		}
	}
	if len(at) != n {
		return fmt.Errorf("malformed position %q: %d deviations need %d places", position, n, n)
	}
	sum := 0
	for _, x := range at {
		sum += x
	}
	if n > 0 && sum%b.of != b.shard {
		return errors.New("the position " + position + " is another shard's")
	}
	b.at, b.bound, b.deeper = at, n-1, true
	return nil
}

// Before reports whether the schedule under way comes before another search's in the order of the whole.
func (b *Bounded) Before(o *Bounded) bool {
	if len(b.at) != len(o.at) {
		return len(b.at) < len(o.at)
	}
	for i := range b.at {
		if b.at[i] != o.at[i] {
			return b.at[i] < o.at[i]
		}
	}
	return false
}

// Begin is called by the runner.
func (b *Bounded) Begin(int) { b.made, b.met = 0, 0 }

// among returns which of n alternatives (from 0) is to be taken, -1 if none.
func (b *Bounded) among(n int) int {
	if b.made == len(b.at) {
		return -1
	}
	i := b.at[b.made] - b.met
	if i < n {
		b.made, b.met = b.made+1, 0
		return i
	}
	b.met += n
	return -1
}

// Next takes the default, or the alternative whose turn it is.
func (b *Bounded) Next(c *Choice) int {
	i := b.among(len(c.Enabled) - 1)
	switch {
	case i < 0:
		return c.Default
	case i >= c.Default:
		return i + 1
	}
	return i
}

// Fault takes none, or the one whose turn it is.
func (b *Bounded) Fault(_ *Task, _ Point, faults []string) int { return b.among(len(faults)) + 1 }
