package explore

import "slices"

// Order is an order of the steps of a trace, as the outside sees it: for each call of the run, in the order in which the run made
// them, the times of the call and of its answer, which is -1 if there was none. Times are those of the order's steps.
type Order struct{ Calls, Answers []int }

// Before reports whether call a was answered before call b was made.
func (o Order) Before(a, b int) bool { return o.Answers[a] >= 0 && o.Answers[a] < o.Calls[b] }

// Overlap reports whether neither of two calls was answered before the other was made.
func (o Order) Overlap(a, b int) bool { return !o.Before(a, b) && !o.Before(b, a) }

// seen is what the outside sees of an order of the last run's steps; nil is that of the run.
func (d *Exhaustive) seen(order []int) Order {
	place, n := d.places(order), len(d.ops)
	times := make([]int, 2*n)
	o := Order{Calls: times[:n:n], Answers: times[n:]}
	for i, op := range d.ops {
		if o.Calls[i], o.Answers[i] = place[op.called], -1; op.returned != none {
			o.Answers[i] = place[op.returned]
		}
	}
	return o
}

// places says for each step of the last run where it is in an order; nil is that of the run. It is valid until the next call.
func (d *Exhaustive) places(order []int) []int {
	d.place = slices.Grow(d.place[:0], len(d.trace.steps))[:len(d.trace.steps)]
	for i := range d.place {
		if order == nil {
			d.place[i] = i
		} else {
			d.place[order[i]] = i
		}
	}
	return d.place
}

// alike reports whether the program's state looks the same to whoever calls or is answered in an order as it does to him in the run: of
// the steps that come before his call, or his answer, in one of them, and after it in the other, none writes anything.
func (d *Exhaustive) alike(order []int) bool {
	place := d.places(order)
	for _, op := range d.ops {
		if op.returned == none {
			return false
		}
	}
	for i := range place {
		if !d.trace.steps[i].writes {
			continue
		}
		for _, op := range d.ops {
			answer := (i < op.returned) != (place[i] < place[op.returned])
			call := (i < op.called) != (place[i] < place[op.called])
			if answer || call {
				return false
			}
		}
	}
	return true
}
