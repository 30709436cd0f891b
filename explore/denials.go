package explore

import "slices"

// denial is a task that could have gone on after a step if a monitor had been free; or, if the object is everything, what that
// step took away from it.
type denial struct{ after, task, cause, object int }

// refusal is what trace.refused was of a task.
type refusal struct{ task, before int }

// deny notes one, after the last step.
func (t *trace) deny(task, cause int, object string) {
	last := len(t.steps) - 1
	if last < t.same {
		return // as in the run before
	}
	t.denials = append(t.denials, denial{last, task, cause, t.id(object)})
}

// recorded notes what step j has done, and who was denied a monitor after it. It returns the denials that are left.
func (t *trace) recorded(j int, denials []denial, isNew bool) []denial {
	t.record(j)
	t.wakes(j)
	for ; len(denials) > 0 && denials[0].after == j; denials = denials[1:] {
		t.blocked(&denials[0], isNew)
	}
	return denials
}

// blocked does for a task that waits for a monitor what races does for a step: to take the monitor races with the
// acquisition that keeps it away. The task may never get it in this run, or only after a step that the run is given up
// for, because it has been seen elsewhere.
//
// What a step took away from a task races with that step. If the task could not do it then, somebody had to go on first, and
// that races with the step as well.
func (t *trace) blocked(d *denial, isNew bool) {
	i := d.after
	if d.object != starID {
		i = t.objects[d.object].acquired
	}
	if i < 0 || t.refused[d.task+1] == i || t.steps[i].task == d.task {
		return
	}
	t.refusals = append(t.refusals, refusal{d.task, t.refused[d.task+1]})
	t.refused[d.task+1] = i
	if !isNew || d.object == starID && (t.steps[i].node == nil || !slices.Contains(t.steps[i].node.enabled, d.task)) {
		return
	}
	s := &t.pending
	s.task, s.past = d.task, append(s.past[:0], make([]uint64, t.words)...)
	if p := t.last[d.task+1]; p >= 0 {
		t.follow(s, p)
	}
	if d.cause >= 0 {
		t.follow(s, d.cause)
	}
	if !t.happened(i, s) {
		t.reverse(i, d.after+1, s)
	}
}
