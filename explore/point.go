package explore

import "strconv"

// Point is a yield point: what a task is about to do, and to what. "lock", "queue", "wait", "late", "sleep" and "start" are the
// kernel's own operations; the others are those that simulators announce.
type Point struct {
	Op     string
	Object string
}

// String is the form used in schedules: op(object).
func (p Point) String() string { return p.Op + "(" + p.Object + ")" }

// Site is the Nth time (from 1) that a task came to a point. Unlike a step number it survives edits of the program.
type Site struct {
	Task string
	Point
	N int
}

func (s Site) at() string { return s.Point.String() + "#" + strconv.Itoa(s.N) }
