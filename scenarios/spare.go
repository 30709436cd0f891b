package scenarios

import "vmdkvol/explore"

// spares reports whether another order of the last run's steps tells the judge nothing new, so that it need not be run (see
// [explore.Runner.Strict]): it differs only in when clients asked for a volume, whom nobody kept company while they did, and some order
// of the operations explains the answers as they come there, and the references that are left. All other oracles look at what an
// answer or the end leaves, and at who overlaps whom, and both are as in the run.
func (j *judge) spares(run, order explore.Order) bool {
	if len(run.Calls) != len(j.calls) || len(j.w.hosts) > 1 || len(j.mishaps) > 0 || j.troubled > 0 || j.replaced || j.backgrounds {
		return false
	}
	for a := range j.calls {
		for b := range j.calls {
			if a != b && !j.sparesPair(run, order, a, b) {
				return false
			}
		}
	}
	return j.explained(order)
}

func (j *judge) sparesPair(run, order explore.Order, a, b int) bool {
	const asks = "get"
	switch {
	case j.calls[a].Op.Verb == asks:
		return !run.Overlap(a, b)
	case j.calls[b].Op.Verb == asks:
		return true // as seen from there
	default:
		return run.Before(a, b) == order.Before(a, b)
	}
}

// explained reports whether the model explains the answers of the last run if they come in another order, and allows what is left.
func (j *judge) explained(order explore.Order) bool {
	type span struct{ invoked, returned int64 }
	was := make([]span, len(j.calls))
	for i, c := range j.calls {
		was[i] = span{c.invoked, c.returned}
		c.invoked, c.returned = 2*int64(order.Calls[i]), 2*int64(order.Answers[i])+1 // a call may be answered in the step that makes it
	}
	h := j.w.hosts[0]
	oracle, _ := j.explain(h)
	for i, c := range j.calls {
		c.invoked, c.returned = was[i].invoked, was[i].returned
	}
	if oracle != "" {
		return false
	}
	for i := range j.w.t.volumes {
		v := &j.w.t.volumes[i]
		if _, there := j.w.disk(v.name); there && !j.allowed(h, v.name, h.refs[v.full]) {
			return false
		}
	}
	return true
}
