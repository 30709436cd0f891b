package scenarios

import (
	"fmt"

	"vmdkvol/driver"
	"vmdkvol/model"
)

// explain asks the model for an order of the calls that gives their answers; "" if there is one.
func (j *judge) explain() string {
	t := j.w.t
	faulty := j.w.k.FaultsSpent() > 0
	t.history = t.history[:0]
	for _, c := range j.calls {
		kind, ok := judged(c, faulty)
		if !ok {
			return fmt.Sprintf("%s %s -> %s, and nothing in this run can be the reason", c.Client, c.Op, c.Answer)
		}
		t.history = append(t.history, model.Call{
			Op:     model.Op{Kind: modelOps[c.Op.Verb], Volume: volumePart(c.Op.Volume), ID: c.Op.ID, FSType: fstypeOf(c.Op.Opts)},
			Result: model.Result{Kind: kind}, Invoke: c.invoked, Return: c.returned,
		})
	}
	if v := t.checker.Linearizable(t.start, t.history); v.Answer == model.No {
		return v.String()
	}
	return ""
}

var modelOps = map[string]model.OpKind{
	"create": model.Create, "remove": model.Remove, "mount": model.Mount, "unmount": model.Unmount, "get": model.Get,
}

// judged is an answer as the model knows it; false if no run of this kind can have it. Faults excuse every error; what
// such an error says of the effect is the driver's promise: a failed Mount is undone, a failed Unmount drops its
// reference all the same, and of the others nothing is known.
func judged(c *Call, faulty bool) (model.ResultKind, bool) {
	switch c.Answer {
	case okAnswer:
		return model.OK, true
	case driver.NotFound.String():
		return model.NotFound, true
	case driver.BadName.String(), driver.BadOption.String():
		return model.Refused, true
	}
	switch {
	case faulty && c.Op.Verb == "mount":
		return model.Refused, true
	case faulty:
		return model.Unknown, true
	case c.Answer == driver.Exists.String():
		return model.Exists, true
	case c.Answer == driver.InUse.String() && c.Op.Verb == "remove":
		return model.InUse, true
	}
	return 0, false
}

func fstypeOf(opts map[string]string) string {
	if fs := opts["fstype"]; fs != "" {
		return fs
	}
	return defaultFstype
}
