package explore

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// differs says how the two orders differ, "" if they do not.
func (s *pairRun) differs(o *pairRun) string {
	if o.stuck() {
		return "the first cannot go on after the second"
	}
	if !maps.Equal(s.state, o.state) {
		return s.changes(o)
	}
	if s.history() != o.history() {
		return "their order shows outside" + s.forgot(historyObject)
	}
	for i := range min(len(s.tail), len(o.tail)) {
		if a, b := s.tail[i], o.tail[i]; a != b {
			return fmt.Sprintf("what one of them has read depends on their order: later %s comes to %v %s, or else %s to %v %s%s",
				a.Task, a.Point, a.Text, b.Task, b.Point, b.Text, s.undeclared())
		}
	}
	if len(s.tail) != len(o.tail) {
		return "one order goes on for longer" + s.undeclared()
	}
	return ""
}

// changes says which object is another one, or is not there, in another order.
func (s *pairRun) changes(o *pairRun) string {
	for _, object := range slices.Sorted(maps.Keys(s.state)) {
		if other, there := o.state[object]; !there || other != s.state[object] {
			return "their order decides what becomes of " + object + s.forgot(object)
		}
	}
	for _, object := range slices.Sorted(maps.Keys(o.state)) {
		if _, there := s.state[object]; !there {
			return "their order decides whether there is " + object + s.forgot(object)
		}
	}
	return ""
}

// forgot says who did not declare an object.
func (s *pairRun) forgot(object string) string {
	var who []string
	for i := range s.steps {
		mode := Mode(0)
		declared := false
		for _, a := range s.steps[i].footprint {
			if a.Object == object {
				mode, declared = max(mode, a.Mode), true
			}
		}
		switch {
		case !declared:
			who = append(who, s.steps[i].name+" does not declare it")
		case mode != Write:
			who = append(who, s.steps[i].name+" declares it as "+mode.String())
		}
	}
	if len(who) == 0 {
		return ""
	}
	return ": " + strings.Join(who, "; ") + s.undeclared()
}

// undeclared lists what one step wrote and the other does not mention.
func (s *pairRun) undeclared() string {
	var objects []string
	for i := range s.steps {
		for _, a := range s.steps[i].footprint {
			declared := slices.ContainsFunc(s.steps[1-i].footprint, func(b Access) bool { return a.Object == b.Object })
			if a.Mode == Write && !declared && !slices.Contains(objects, a.Object) {
				objects = append(objects, a.Object)
			}
		}
	}
	if len(objects) == 0 {
		return ""
	}
	return "; written by one and not declared by the other: " + strings.Join(objects, ", ")
}

// history is a hash of what the outside saw, in which the order within a run of calls, or of answers, does not count.
func (s *pairRun) history() Hash {
	h, block := NewHash(), Hash(0)
	for i, e := range s.seen {
		if i > 0 && (s.modes[i] != s.modes[i-1] || s.modes[i] == Write) {
			h, block = h.mix(uint64(block)), 0
		}
		block += NewHash().mix(uint64(s.modes[i])).Add(e)
	}
	return h.mix(uint64(block))
}
