package scenarios

import (
	"encoding/binary"
	"fmt"

	"vmdkvol/model"
	"vmdkvol/scenarios/opinion"
)

// opinions judges the histories of volumes, each different one once, and with two judges: the model's own checker, and
// Porcupine with other rules. The zero value is ready.
type opinions struct {
	checker model.Checker
	limit   int // of Porcupine's steps; 0 means opinion.DefaultLimit

	known     map[string]*opinionOf
	judged    int // different histories
	undecided int // of these, at least one judge gave up

	key   []byte       // scratch
	calls []model.Call // scratch
}

// opinionOf is what is known of one history.
type opinionOf struct {
	oracle, why string // "" if nobody objects
	counts      uint64 // bit n: the history can leave n references
}

// mostRefs stands for that many references and all above.
const mostRefs = 63

// mostKnown is how many histories are remembered before all are forgotten.
const mostKnown = 1 << 15

// of judges the calls of one volume. Different starts have different names.
func (o *opinions) of(volume, startName string, start model.Start, calls []model.Call) *opinionOf {
	o.calls, o.key = o.calls[:0], append(append(append(append(o.key[:0], volume...), 0), startName...), 0)
	for i := range calls {
		if calls[i].Op.Volume == volume {
			o.calls = append(o.calls, calls[i])
		}
	}
	for i := range o.calls {
		o.key = o.append(o.key, &o.calls[i])
	}
	if known := o.known[string(o.key)]; known != nil {
		return known
	}
	if o.known == nil || len(o.known) == mostKnown {
		o.known = map[string]*opinionOf{}
	}
	of := o.form(volume, start)
	o.known[string(o.key)] = of
	return of
}

// append writes down what matters of a call: of its times only their order among those of this history.
func (o *opinions) append(b []byte, c *model.Call) []byte {
	b = append(b, byte(c.Op.Kind), byte(c.Result.Kind), byte(c.Result.Seen))
	b = append(append(append(append(b, c.Op.ID...), 0), c.Op.FSType...), 0)
	return binary.AppendUvarint(binary.AppendUvarint(b, o.rank(c.Invoke)), o.rank(c.Return))
}

// rank is how many times of the history are earlier; of a call that has not returned it is one more than there are.
func (o *opinions) rank(at int64) uint64 {
	if at == model.Pending {
		return uint64(2*len(o.calls) + 1)
	}
	n := uint64(0)
	for i := range o.calls {
		c := &o.calls[i]
		if c.Invoke < at {
			n++
		}
		if c.Return < at {
			n++
		}
	}
	return n
}

// form asks both judges.
func (o *opinions) form(volume string, start model.Start) *opinionOf {
	o.judged++
	first := o.checker.Linearizable(start, o.calls)
	possible, given := start[volume]
	if !given {
		possible = model.Only(model.State{})
	}
	second := opinion.Second(possible, o.calls, o.limit)
	of := &opinionOf{}
	switch {
	case first.Answer == model.Undecided || second == model.Undecided:
		o.undecided++
		if first.Answer == model.No || second == model.No {
			of.oracle, of.why = OracleModel, fmt.Sprintf("%v: %v", first, o.calls)
		}
	case first.Answer != second:
		of.oracle = OracleAgree
		of.why = fmt.Sprintf("the model says %v; Porcupine, with its own rules, says %v; from %v: %v", first, second, possible, o.calls)
	case second == model.No:
		of.oracle, of.why = OracleModel, first.String()
	}
	final, answer := o.checker.Final(start, o.calls, volume)
	if answer == model.Undecided {
		of.counts = ^uint64(0)
	}
	for _, s := range final.States() {
		of.counts |= 1 << min(s.RefCount(), mostRefs)
	}
	return of
}
