package opinion

import (
	"math/bits"

	"vmdkvol/model"
)

// mostLeaving is how many calls Leaves looks at; more are too many orders.
const mostLeaving = 8

// Leaves reports whether calls, all of one volume and answered, leave just these states, whatever order explains their results. It is
// false, too, if there are too many of them to say so. The calls are only read.
func Leaves(start model.Possible, calls []model.Call, left model.Possible) bool {
	l := leaving{found: map[volume]bool{}, been: map[leftAt]bool{}}
	for i := range calls {
		c := &calls[i]
		if silent(c) || c.Op.Kind == model.Get && glimpse(calls, c) {
			continue
		}
		l.calls = append(l.calls, c)
	}
	if len(l.calls) > mostLeaving {
		return false
	}
	for _, v := range beginnings(start) {
		l.from(v.(volume), 0)
	}
	for _, v := range beginnings(left) {
		if !l.found[v.(volume)] {
			return false
		}
	}
	return len(l.found) == left.Len()
}

// leaving finds what calls leave.
type leaving struct {
	calls []*model.Call
	found map[volume]bool
	been  map[leftAt]bool
}

// leftAt is a volume after some of the calls.
type leftAt struct {
	v    volume
	done uint
}

func (l *leaving) from(v volume, done uint) {
	at := leftAt{v, done}
	if l.been[at] {
		return
	}
	l.been[at] = true
	if bits.OnesCount(done) == len(l.calls) {
		l.found[v] = true
		return
	}
	for i, c := range l.calls {
		if done>>i&1 == 0 && l.next(c, done) {
			for _, after := range after(v, c) {
				l.from(after.(volume), done|1<<i)
			}
		}
	}
}

// next reports whether no other call that is left was answered before this one was made.
func (l *leaving) next(c *model.Call, done uint) bool {
	for i, other := range l.calls {
		if done>>i&1 == 0 && other.Return < c.Invoke {
			return false
		}
	}
	return true
}
