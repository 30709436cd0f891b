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
		case t.on != nil && t.on.holder != nil:
			b.WriteString(" waits for " + t.point.String() + " held by " + t.on.holder.name)
		case t.state == waiting:
			b.WriteString(" waits for a wake of " + t.on.name)
		default:
			b.WriteString(" is at " + t.point.String())
		}
		if held := k.heldBy(t); held != "" {
			b.WriteString(", holds " + held)
		}
	}
	return b.String()
}

// heldBy lists the monitors of t that others want.
//
//go:norace
func (k *Kernel) heldBy(t *Task) string {
	var names []string
	for _, o := range k.live {
		if o.on != nil && o.on.holder == t && (o.state == locking || o.state == waiting) {
			names = append(names, o.on.name)
		}
	}
	return strings.Join(names, ", ")
}
