package model

import "slices"

// Possible is a set of states of one volume: one of them is true. The zero value is the empty set, which says that what
// was seen cannot be. It is an immutable value.
//
// It suits a caller that does one operation after the other. It does not cover a lost Create or Remove that happens later;
// a Checker does.
type Possible struct {
	states []State // no two equal, in the order of their keys
}

// Only is the set of these states.
func Only(states ...State) Possible {
	var p Possible
	for _, s := range states {
		p.add(s)
	}
	return p
}

// add keeps the order; p must not be shared yet.
func (p *Possible) add(s State) {
	i, has := slices.BinarySearchFunc(p.states, s, compare)
	if !has {
		p.states = slices.Insert(p.states, i, s)
	}
}

// Empty reports whether nothing is possible.
func (p Possible) Empty() bool { return len(p.states) == 0 }

// Len is the number of states.
func (p Possible) Len() int { return len(p.states) }

// States returns the states in a fixed order. The slice is the caller's.
func (p Possible) States() []State { return slices.Clone(p.states) }

// Has reports whether s is possible.
func (p Possible) Has(s State) bool {
	return slices.ContainsFunc(p.states, s.Equal)
}

// Equal reports whether both are the same set.
func (p Possible) Equal(q Possible) bool { return slices.EqualFunc(p.states, q.states, State.Equal) }

// After is what is possible after op returned r: the states in which r is right, stepped; after Unknown, see there. It is
// empty if r was wrong in every state.
func (p Possible) After(op Op, r Result) Possible {
	var after Possible
	m := meaning(op.Kind, r.Kind, false)
	for _, s := range p.states {
		if m.free {
			after.add(s)
			continue
		}
		if m.optional {
			after.add(s)
		}
		next, right := Step(s, op)
		if m.blind || r.says(right) {
			after.add(next)
		}
		if m.half {
			half, _ := Step(s, Op{Kind: halfCreate})
			after.add(half)
		}
	}
	return after
}

// sense is what a result says. The zero value: it happened, with just this result.
type sense struct {
	free     bool // nothing: no effect and no constraint
	optional bool // it may have happened
	blind    bool // if it happened, any result was right
	half     bool // instead it may have left a volume without a file system
}

// meaning is the only place that decides what an outcome means; the texts at Unknown, Refused and Call say the same.
func meaning(op OpKind, r ResultKind, pending bool) sense {
	switch {
	case pending && op == Get:
		return sense{free: true}
	case pending:
		return sense{optional: true, blind: true, half: op == Create}
	case r == Refused:
		return sense{free: true}
	case r != Unknown:
		return sense{}
	}
	switch op {
	case Create, Remove:
		return sense{optional: true, blind: true, half: op == Create}
	case Unmount:
		return sense{blind: true}
	}
	return sense{free: true}
}

func compare(s, t State) int {
	switch {
	case s.exists != t.exists && t.exists:
		return -1
	case s.exists != t.exists:
		return 1
	case s.fstype < t.fstype:
		return -1
	case s.fstype > t.fstype:
		return 1
	}
	return slices.Compare(s.refs, t.refs)
}
