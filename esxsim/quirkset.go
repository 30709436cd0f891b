package esxsim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Quirks sets switches that differ from their default.
type Quirks map[Quirk]bool

// The presets of [ParseQuirks].
const (
	Faithful = "faithful" // as the last release; the default
	Fixed    = "fixed"    // every quirk off
)

// Without returns the quirks that differ from the default in a service that has none.
func Without() Quirks {
	q := make(Quirks)
	for _, f := range quirkTable() {
		if f.Default {
			q[f.Name] = false
		}
	}
	return q
}

// ParseQuirks reads a preset, single quirks, or both, the later word overruling the earlier, for example
// "fixed,null-get=on". An empty text is [Faithful].
func ParseQuirks(text string) (Quirks, error) {
	q := make(Quirks)
	if text == "" {
		return q, nil
	}
	for word := range strings.SplitSeq(text, ",") {
		name, value, single := strings.Cut(strings.TrimSpace(word), "=")
		switch {
		case !single && name == Faithful:
			clear(q)
		case !single && name == Fixed:
			q = Without()
		case !single || value != "on" && value != "off":
			return nil, fmt.Errorf("quirk %q: want %s, %s, NAME=on or NAME=off", word, Faithful, Fixed)
		default:
			q[Quirk(name)] = value == "on"
		}
	}
	_, err := q.resolve()
	return q, err
}

// switches are the quirks that are on, a bit for each.
type switches uint64

func (s switches) has(q switches) bool { return s&q != 0 }

// resolve is on the way of every world that an explorer builds; the default costs nothing.
func (q Quirks) resolve() (switches, error) {
	s := faithful
	if len(q) == 0 {
		return s, nil
	}
	table := quirkTable()
	known := 0
	for i := range table {
		on, set := q[table[i].Name]
		switch {
		case !set:
			continue
		case on:
			s |= 1 << i
		default:
			s &^= 1 << i
		}
		known++
	}
	if known < len(q) {
		return s, q.unknown()
	}
	return s, nil
}

func (q Quirks) unknown() error {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.ContainsFunc(QuirkList(), func(f QuirkFact) bool { return f.Name == name }) {
			names = append(names, fmt.Sprintf("%q", string(name)))
		}
	}
	return errors.New("esxsim: unknown quirk " + strings.Join(names, ", ") + "; see vmdksim quirks")
}
