package model

import (
	"fmt"
	"strings"
)

var opNames = [...]string{
	Create: "create", Remove: "remove", Mount: "mount", Unmount: "unmount", Get: "get", halfCreate: "half a create",
}

var resultNames = [...]string{
	OK: "ok", NotFound: "not found", InUse: "in use", Exists: "exists", Unknown: "unknown", Refused: "refused",
}

var answerNames = [...]string{Undecided: "undecided", Yes: "yes", No: "no"}

func name[T ~uint8](names []string, v T) string {
	if int(v) < len(names) && names[v] != "" {
		return names[v]
	}
	return fmt.Sprintf("invalid(%d)", v)
}

func (k OpKind) String() string { return name(opNames[:], k) }

func (k ResultKind) String() string { return name(resultNames[:], k) }

var sights = [...]string{Unsaid: "", SeenMounted: ", mounted", SeenUnmounted: ", not mounted", SeenNowhere: ", mounted nowhere"}

func (r Result) String() string {
	if int(r.Seen) < len(sights) {
		return r.Kind.String() + sights[r.Seen]
	}
	return fmt.Sprintf("%v, invalid(%d)", r.Kind, r.Seen)
}

func (a Answer) String() string { return name(answerNames[:], a) }

// String is such as "mount data id=c1".
func (o Op) String() string {
	s := o.Kind.String() + " " + o.Volume
	switch o.Kind {
	case Mount, Unmount:
		s += " id=" + o.ID
	case Create:
		s += " fstype=" + o.FSType
	}
	return s
}

// String is such as "mount data id=c1 -> ok".
func (c Call) String() string {
	if c.Return == Pending {
		return c.Op.String() + " -> pending"
	}
	return c.Op.String() + " -> " + c.Result.String()
}

// String is such as "absent" or "ext4 refs=c1,c1,c2".
func (s State) String() string {
	switch {
	case !s.exists:
		return "absent"
	case s.fstype == "":
		return "unformatted"
	case len(s.refs) == 0:
		return s.fstype
	}
	return s.fstype + " refs=" + strings.Join(s.refs, ",")
}

// String is such as "{absent; ext4}".
func (p Possible) String() string {
	parts := make([]string, len(p.states))
	for i, s := range p.states {
		parts[i] = s.String()
	}
	return "{" + strings.Join(parts, "; ") + "}"
}

// String is one line: the answer and, unless it is yes, why.
func (v Verdict) String() string {
	switch {
	case v.Answer == Yes:
		return "yes"
	case v.Answer == Undecided:
		return "undecided: the calls of volume " + v.Volume + " overlap too much"
	case len(v.Order) == 0 && v.Stuck == (Call{}):
		return "no: volume " + v.Volume + " has no possible state to begin with"
	}
	order := make([]string, len(v.Order))
	for i, c := range v.Order {
		order[i] = c.String()
	}
	before := "at first"
	if len(order) > 0 {
		before = "after [" + strings.Join(order, "; ") + "]"
	}
	return fmt.Sprintf("no: %q fits nowhere: %s the volume is %q and the answer would be %q",
		v.Stuck, before, v.State, v.Want)
}
