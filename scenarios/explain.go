package scenarios

import (
	"fmt"

	"vmdkvol/driver"
	"vmdkvol/model"
)

// explain asks the model, for each life of a host's plugin, for an order of the calls that gives their answers. It returns
// the oracle that objects and why, "" if none does, and leaves the last life's numbers of references for the end.
func (j *judge) explain(h *host) (oracle, why string) {
	t := j.w.t
	h.start = t.start
	for life := 0; life <= h.life; life++ {
		if why := j.history(h, life); why != "" {
			return OracleModel, why
		}
		calls := t.histories[h.index]
		h.counts = t.counts[h.index][:0]
		for i := range t.volumes {
			volume := &t.volumes[i]
			start := volume.start
			if life > 0 {
				start = beginningOf(h.start, volume.name)
			}
			v := t.opinions.of(volume.name, start, calls)
			if v.oracle != "" {
				return v.oracle, v.why
			}
			h.counts = append(h.counts, v.counts)
		}
		t.counts[h.index] = h.counts
		if life == h.life {
			break
		}
		if h.start = j.inherit(h.start, calls); h.start == nil {
			h.undecided = true
			return "", ""
		}
	}
	return "", ""
}

// inherit is what the next life may find: the volumes, without the references, which nobody remembers. It is nil if the
// checker cannot tell.
func (j *judge) inherit(start model.Start, calls []model.Call) model.Start {
	next := model.Start{}
	take := func(volume string) bool {
		if _, done := next[volume]; done {
			return true
		}
		possible, answer := j.w.t.opinions.checker.Final(start, calls, volume)
		var states []model.State
		for _, s := range possible.States() {
			if s.Exists() {
				s = model.Existing(s.FSType())
			}
			states = append(states, s)
		}
		next[volume] = model.Only(states...)
		return answer == model.Yes
	}
	for volume := range start {
		if !take(volume) {
			return nil
		}
	}
	for i := range calls {
		if !take(calls[i].Op.Volume) {
			return nil
		}
	}
	return next
}

// history collects what one life of a host's plugin has to do with: its own calls, and what other hosts and earlier
// lives do to the volumes. A call that a life's end cuts is pending in it; a Create or Remove whose request may still be
// under way is pending in every later life. It returns what no run of this kind can answer.
func (j *judge) history(h *host, life int) string {
	t := j.w.t
	calls := t.histories[h.index][:0]
	from, to := h.span(life)
	for _, c := range j.calls {
		op, known := modelOps[c.Op.Verb]
		if c.Op.Verb == "list" || c.Op.Verb == "path" {
			var ok bool
			if calls, ok = j.asks(calls, c, h, life); !ok {
				return wrongly(c)
			}
			continue
		}
		if !known || c.missed || t.foreign[volumePart(c.Op.Volume)] {
			continue
		}
		own := c.host == h && c.life == life
		changes := op == model.Create || op == model.Remove
		if !own && (!changes || c.invoked > to) {
			continue
		}
		result, ok := j.judged(c)
		if !ok {
			return wrongly(c)
		}
		call := model.Call{
			Op:     model.Op{Kind: op, Volume: t.volumes[c.volume].name, ID: c.Op.ID, FSType: fstypeOf(c.Op.Opts)},
			Result: result, Invoke: c.invoked, Return: c.returned,
		}
		open := c.kind == droppedAnswer || c.returned > to
		switch {
		case own && open:
			call.Return = model.Pending
		case own:
		case c.invoked >= from && !open:
			if c.host != h && result.Kind == model.InUse { // its references, not ours
				call.Result.Kind = model.Refused
			}
		case open || c.returned > from || result.Kind == model.Unknown:
			call.Invoke, call.Return = max(c.invoked, from), model.Pending
		default:
			continue // over before this life began, and its effect known
		}
		calls = append(calls, call)
	}
	t.histories[h.index] = calls
	return ""
}

func wrongly(c *Call) string {
	return fmt.Sprintf("%s %s -> %s, and nothing in this run can be the reason", c.Client, c.Op, c.Answer)
}

// asks appends what a List or a Path of a life was told of each volume that it speaks of; false if it failed for no reason.
func (j *judge) asks(to []model.Call, c *Call, h *host, life int) ([]model.Call, bool) {
	if c.host != h || c.life != life || c.missed || c.kind == droppedAnswer {
		return to, true
	}
	if c.kind != okAnswer {
		_, ok := j.judged(c)
		return to, ok
	}
	for i := range j.w.t.volumes {
		v := &j.w.t.volumes[i]
		if c.volume >= 0 && c.volume != i || j.w.t.foreign[v.name] {
			continue
		}
		if result, ok := j.saw(c, i); ok {
			to = append(to, model.Call{Op: model.Op{Kind: model.Get, Volume: v.name}, Result: result, Invoke: c.invoked, Return: c.returned})
		}
	}
	return to, true
}

// span is the time from the end of the life before to the end of this one.
func (h *host) span(life int) (from, to int64) {
	to = model.Pending
	if life > 0 {
		from = h.ends[life-1]
	}
	if life < len(h.ends) {
		to = h.ends[life]
	}
	return from, to
}

var modelOps = map[string]model.OpKind{
	"create": model.Create, "remove": model.Remove, "mount": model.Mount, "unmount": model.Unmount, "get": model.Get,
}

// judged is an answer as the model knows it; false if no run of this kind can have it. Faults and crashes excuse the errors
// of whom they concern; what such an error says of the effect is the driver's promise: a failed Mount is undone, so is a
// Create whose mkfs failed, a failed Unmount drops its reference all the same, and of the others nothing is known. Another
// host excuses what it can be the reason of.
//
//go:norace
func (j *judge) judged(c *Call) (model.Result, bool) {
	kind, ok := j.kind(c)
	r := model.Result{Kind: kind}
	if c.Op.Verb == "get" && ok && kind == model.OK && !j.excused(c) {
		r.Seen = model.SeenUnmounted
		if c.mountpoint != "" {
			r.Seen = model.SeenMounted
		}
	}
	return r, ok
}

//go:norace
func (j *judge) kind(c *Call) (model.ResultKind, bool) {
	switch c.kind {
	case okAnswer:
		return model.OK, true
	case droppedAnswer:
		return model.Unknown, true
	case driver.BadName.String(), driver.BadOption.String():
		return model.Refused, true
	}
	excused := j.excused(c)
	rivalled := j.rivalled(c)
	switch { // a Create hears "not found" if somebody else's Remove, or a late one, comes between
	case c.kind == driver.NotFound.String() && (c.Op.Verb != "create" || !excused && !rivalled):
		return model.NotFound, true
	case (excused || rivalled) && c.Op.Verb == "mount":
		return model.Refused, true
	case rivalled && !excused && c.Op.Verb == "remove":
		return model.Refused, true
	case excused && !rivalled && c.Op.Verb == "create" && c.kind == driver.Failed.String() && j.undoes(c.volume):
		return model.Refused, true
	case excused || rivalled && c.Op.Verb == "create":
		return model.Unknown, true
	case c.kind == driver.Exists.String():
		return model.Exists, true
	case c.kind == driver.InUse.String() && c.Op.Verb == "remove":
		return model.InUse, true
	}
	return 0, false
}

// rivalled reports whether another host had to do with the volume of a call before that ended.
//
//go:norace
func (j *judge) rivalled(of *Call) bool {
	if len(j.w.hosts) == 1 {
		return false
	}
	for _, c := range j.calls {
		if c.host != of.host && c.invoked < of.returned && c.volume == of.volume &&
			(c.Op.Verb == "mount" || c.Op.Verb == "create" || c.Op.Verb == "remove") {
			return true
		}
	}
	return false
}

func fstypeOf(opts map[string]string) string {
	if fs := opts["fstype"]; fs != "" {
		return fs
	}
	return defaultFstype
}
