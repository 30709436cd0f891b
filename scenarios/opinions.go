package scenarios

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

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
	all   []model.Call // of the volume; scratch
	calls []model.Call // of all, those that are judged
}

// beginning is what a volume may be before a history. Different ones have different names.
type beginning struct {
	name     string
	possible model.Possible
}

func beginningOf(start model.Start, volume string) beginning {
	possible, given := start[volume]
	if !given {
		possible = model.Only(model.State{})
	}
	return beginning{possible.String(), possible}
}

// opinionOf is what is known of one history.
type opinionOf struct {
	oracle, why string // "" if nobody objects
	undecided   bool   // at least one judge gave up
	counts      uint64 // bit n: the history can leave n references

	leaves  beginning // of the next piece
	partial bool      // that is not all, or the other judge takes something else for it
}

// ofPiece begins the names of what pieces leave, and no text of a model.Possible.
const ofPiece = 1

// mostRefs stands for that many references and all above.
const mostRefs = 63

// mostKnown is how many histories are remembered before all are forgotten.
const mostKnown = 1 << 15

// of judges the calls of one volume.
func (o *opinions) of(volume string, start beginning, calls []model.Call) *opinionOf {
	o.all = o.all[:0]
	for i := range calls {
		if calls[i].Op.Volume == volume {
			o.all = append(o.all, calls[i])
		}
	}
	if of := o.piecewise(volume, start, o.all); of != nil {
		return of
	}
	o.calls = o.all
	of, known := o.judge(volume, start)
	if of.undecided && !known {
		o.undecided++
	}
	return of
}

// piecewise judges a history piece by piece, where nobody was called before all had been answered: what one piece leaves, the next
// begins with, and pieces are met again more often than histories. It returns nil if that cannot be done, because the effect of
// a call may come late, or a judge objects, or gives up.
func (o *opinions) piecewise(volume string, start beginning, calls []model.Call) *opinionOf {
	for i := range calls {
		if calls[i].Return == model.Pending || calls[i].Result.Kind == model.Unknown {
			return nil
		}
	}
	slices.SortFunc(calls, func(a, b model.Call) int { return cmp.Compare(a.Invoke, b.Invoke) })
	var of *opinionOf
	for len(calls) > 0 {
		n := piece(calls)
		o.calls, calls = calls[:n], calls[n:]
		if of, _ = o.judge(volume, start); of.oracle != "" || of.undecided || of.partial {
			return nil
		}
		start = of.leaves
	}
	return of
}

// piece is how many calls come before the first that was made when all before it had been answered.
func piece(calls []model.Call) int {
	last := calls[0].Return
	for i := 1; i < len(calls); i++ {
		if calls[i].Invoke > last {
			return i
		}
		last = max(last, calls[i].Return)
	}
	return len(calls)
}

// judge judges o.calls, unless that has been done.
func (o *opinions) judge(volume string, start beginning) (of *opinionOf, known bool) {
	o.key = append(append(append(append(o.key[:0], volume...), 0), start.name...), 0)
	for i := range o.calls {
		o.key = o.append(o.key, &o.calls[i])
	}
	if of := o.known[string(o.key)]; of != nil {
		return of, true
	}
	if o.known == nil || len(o.known) == mostKnown {
		o.known = map[string]*opinionOf{}
	}
	of = o.form(volume, start.possible)
	o.known[string(o.key)] = of
	return of, false
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
func (o *opinions) form(volume string, possible model.Possible) *opinionOf {
	o.judged++
	start := model.Start{volume: possible}
	first := o.checker.Linearizable(start, o.calls)
	second := opinion.Second(possible, o.calls, o.limit)
	of := &opinionOf{}
	switch {
	case first.Answer == model.Undecided || second == model.Undecided:
		of.undecided = true
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
		of.counts, of.partial = ^uint64(0), true
	}
	// The next piece has one start for both judges: only what both take it for keeps them apart.
	of.partial = of.partial || of.oracle != "" || !opinion.Leaves(possible, o.calls, final)
	name := []byte{ofPiece}
	for _, s := range final.States() {
		of.counts |= 1 << min(s.RefCount(), mostRefs)
		name = append(append(name, s.Key()...), ofPiece)
	}
	of.leaves = beginning{string(name), final}
	return of
}
