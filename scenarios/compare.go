package scenarios

import (
	"cmp"
	"slices"
)

// answered compares the answers that a script expects with those that came, whatever their order was. Of what is neither
// Docker's nor a container's, a script need say nothing.
func (s *Script) answered(calls []Call, wrong func(line int, format string, args ...any)) {
	used := make([]bool, len(calls))
	for _, e := range s.Expect {
		found := false
		for i, c := range calls {
			if used[i] || c.Client != e.Client || c.Op.String() != e.Op {
				continue
			}
			used[i], found = true, true
			if c.Answer != e.Answer {
				wrong(e.Line, "%s %s -> want %s, got %s", e.Client, e.Op, e.Answer, c.Answer)
			}
			break
		}
		if !found {
			wrong(e.Line, "%s %s was not done so often", e.Client, e.Op)
		}
	}
	for i, c := range calls {
		if !used[i] && len(s.Expect) > 0 && !optional(&c) {
			wrong(0, "the expect block says nothing of: %s %s -> %s", c.Client, c.Op, c.Answer)
		}
	}
}

// optional reports whether an expect block may be silent about a call.
func optional(c *Call) bool {
	_, asked := modelOps[c.Op.Verb]
	return !asked && c.Op.Volume == "" && c.Op.Verb != "list" && (c.Answer == okAnswer || c.Op.Verb == "check")
}

// exactly compares every visible event, in order, and reports the first difference: what follows it is noise.
func (s *Script) exactly(calls []Call, wrong func(line int, format string, args ...any)) {
	events := visible(calls)
	for i, e := range s.Expect {
		if i == len(events) {
			wrong(e.Line, "want %s, but nothing more happened", e)
			return
		}
		if got := events[i].String(); got != e.String() {
			wrong(e.Line, "want %s, got %s", e, got)
			return
		}
	}
	if len(events) > len(s.Expect) {
		wrong(0, "the expect block ends before: %s", events[len(s.Expect)])
	}
}

// visible lists calls and answers in the order in which they happened.
func visible(calls []Call) []Expectation {
	type event struct {
		at int64
		Expectation
	}
	var events []event
	for _, c := range calls {
		op := c.Op.String()
		events = append(events, event{c.invoked, Expectation{Client: c.Client, Op: op}})
		if c.Answer != "" {
			events = append(events, event{c.returned, Expectation{Client: c.Client, Op: op, Answer: c.Answer}})
		}
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	list := make([]Expectation, len(events))
	for i, e := range events {
		list[i] = e.Expectation
	}
	return list
}
