package explore

import (
	"strconv"
	"strings"
)

//go:norace
func itoa(n int) string { return strconv.Itoa(n) }

//go:norace
func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// waitsFor says of every task what it waits for and who holds that: the wait-for graph of a deadlock.
//
//go:norace
func (k *Kernel) waitsFor() string {
	var b strings.Builder
	for i, t := range k.live {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(t.name)
		switch {
		case !t.wants():
			b.WriteString(" is at " + t.point.String())
		case (t.state == waiting || t.state == parked) && !t.woken:
			b.WriteString(" waits for a wake of " + t.on.name)
		default:
			b.WriteString(" waits for " + t.point.String())
		}
		if holder := blocker(t); holder != nil {
			b.WriteString(" held by " + holder.name)
			if holder.state == done {
				b.WriteString(", which has ended")
			}
		}
		if held := k.heldBy(t); held != "" {
			b.WriteString(", holds " + held)
		}
	}
	k.cycle(&b)
	return b.String()
}

// cycle adds the first tasks that wait for each other in a ring, if there are any.
//
//go:norace
func (k *Kernel) cycle(b *strings.Builder) {
	for _, first := range k.live {
		t := first
		for range k.live {
			if t = blocker(t); t == nil || t == first {
				break
			}
		}
		if t != first {
			continue
		}
		b.WriteString("; cycle: " + first.name)
		for t = blocker(first); t != first; t = blocker(t) {
			b.WriteString(" -> " + t.name)
		}
		b.WriteString(" -> " + first.name)
		return
	}
}

// blocker is the task that t waits for; nil if there is none.
//
//go:norace
func blocker(t *Task) *Task {
	if !t.wants() {
		return nil
	}
	return t.on.holder
}

// heldBy lists the monitors of t that others want.
//
//go:norace
func (k *Kernel) heldBy(t *Task) string {
	var names []string
	for _, o := range k.live {
		if o.wants() && o.on.holder == t {
			names = append(names, o.on.name)
		}
	}
	return strings.Join(names, ", ")
}
