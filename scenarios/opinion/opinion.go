package opinion

import (
	"github.com/anishathalye/porcupine"

	"vmdkvol/model"
)

// DefaultLimit is how many steps a question may take: some hundredths of a second.
const DefaultLimit = 1 << 15

// Second says whether some order of the calls, all of one volume, explains their results. Its work ends after limit
// steps of the rules (0: DefaultLimit); the answer is then Undecided. The calls are only read.
func Second(start model.Possible, calls []model.Call, limit int) model.Answer {
	if limit <= 0 {
		limit = DefaultLimit
	}
	var ops []porcupine.Operation
	for i := range calls {
		c := &calls[i]
		if silent(c) || c.Op.Kind == model.Get && glimpse(calls, c) {
			continue
		}
		end := c.Return
		if late(c) {
			end = model.Pending
		}
		ops = append(ops, porcupine.Operation{ClientId: i, Input: c, Call: c.Invoke, Return: end})
	}
	left := limit
	m := porcupine.NondeterministicModel{
		Init: func() []any { return beginnings(start) },
		Step: func(state, call, _ any) []any {
			if left--; left < 0 {
				return nil // nothing fits any more, so Porcupine gives up at once
			}
			return after(state.(volume), call.(*model.Call))
		},
		Equal: func(a, b any) bool { return a.(volume) == b.(volume) },
	}
	ok := porcupine.CheckOperations(m.ToModel(), ops)
	switch {
	case ok:
		return model.Yes
	case left < 0:
		return model.Undecided
	}
	return model.No
}

// silent reports whether a call says nothing about its volume, and does nothing to it.
func silent(c *model.Call) bool {
	if c.Return == model.Pending {
		return c.Op.Kind == model.Get
	}
	switch c.Result.Kind {
	case model.Refused:
		return true
	case model.Unknown:
		return c.Op.Kind == model.Get || c.Op.Kind == model.Mount
	}
	return false
}

// late reports whether the effect of a call may come after its answer, or never.
func late(c *model.Call) bool {
	return c.Result.Kind == model.Unknown && (c.Op.Kind == model.Create || c.Op.Kind == model.Remove)
}

// glimpse reports whether a Get may have seen a volume that a Create took back.
func glimpse(calls []model.Call, get *model.Call) bool {
	if get.Result.Kind != model.OK {
		return false
	}
	for i := range calls {
		c := &calls[i]
		taken := c.Return == model.Pending || c.Result.Kind == model.Unknown || c.Result.Kind == model.Refused
		if c.Op.Kind == model.Create && taken && c.Invoke <= get.Return && get.Invoke <= c.Return {
			return true
		}
	}
	return false
}
