package model

import (
	"slices"
	"strconv"
)

// State is one volume, as it is when nothing runs. It is an immutable value; the zero State is an absent volume.
type State struct {
	exists bool
	fstype string   // "" if it was never formatted
	refs   []string // mount IDs, sorted, one entry per reference; never modified, shared between states
}

// Existing is a volume with a file system ("": never formatted) and one reference per ID; an ID may be repeated.
func Existing(fstype string, ids ...string) State {
	refs := slices.Clone(ids)
	slices.Sort(refs)
	return State{exists: true, fstype: fstype, refs: refs}
}

// Exists reports whether there is a volume.
func (s State) Exists() bool { return s.exists }

// FSType is the file system on the volume, "" if there is none.
func (s State) FSType() string { return s.fstype }

// Refs returns the IDs that hold the volume, sorted, one entry per reference. The slice is the caller's.
func (s State) Refs() []string { return slices.Clone(s.refs) }

// RefCount is the number of references of all IDs.
func (s State) RefCount() int { return len(s.refs) }

// Clone returns a copy that shares nothing with s. States are immutable, so an assignment copies as well.
func (s State) Clone() State {
	s.refs = slices.Clone(s.refs)
	return s
}

// Equal reports whether both are the same state.
func (s State) Equal(t State) bool {
	return s.exists == t.exists && s.fstype == t.fstype && slices.Equal(s.refs, t.refs)
}

// Key is a string that is equal for equal states and different for different ones.
func (s State) Key() string { return string(s.appendKey(nil)) }

// appendKey writes lengths before strings, so that no ID can look like two.
func (s State) appendKey(b []byte) []byte {
	if !s.exists {
		return append(b, '-')
	}
	b = strconv.AppendInt(b, int64(len(s.fstype)), 10)
	b = append(append(b, ':'), s.fstype...)
	for _, id := range s.refs {
		b = strconv.AppendInt(append(b, ' '), int64(len(id)), 10)
		b = append(append(b, ':'), id...)
	}
	return b
}

// Step is what a correct driver does without faults: the state after op and the only right answer. It is pure: the volume
// of op is not looked at, since s is that volume.
func Step(s State, op Op) (State, Result) {
	switch op.Kind {
	case Create:
		switch {
		case !s.exists:
			return State{exists: true, fstype: op.FSType}, Result{Kind: OK}
		case s.fstype != op.FSType || s.fstype == "":
			return s, Result{Kind: Exists}
		}
		return s, Result{Kind: OK}
	case Remove:
		if len(s.refs) > 0 {
			return s, Result{Kind: InUse}
		}
		return State{}, Result{Kind: OK}
	case Mount:
		switch {
		case !s.exists:
			return s, Result{Kind: NotFound}
		case s.fstype == "":
			return s, Result{Kind: Refused}
		}
		return s.with(op.ID), Result{Kind: OK}
	case Unmount:
		return s.without(op.ID), Result{Kind: OK}
	case Get:
		if !s.exists {
			return s, Result{Kind: NotFound}
		}
		if len(s.refs) > 0 {
			return s, Result{OK, SeenMounted}
		}
		return s, Result{OK, SeenUnmounted}
	case halfCreate:
		if s.exists {
			return s, Result{Kind: Exists}
		}
		return State{exists: true}, Result{Kind: Unknown}
	}
	return s, Result{Kind: Refused}
}

func (s State) with(id string) State {
	i, _ := slices.BinarySearch(s.refs, id)
	refs := make([]string, 0, len(s.refs)+1)
	refs = append(append(append(refs, s.refs[:i]...), id), s.refs[i:]...)
	s.refs = refs
	return s
}

func (s State) without(id string) State {
	i, held := slices.BinarySearch(s.refs, id)
	if !held {
		return s
	}
	refs := make([]string, 0, len(s.refs)-1)
	s.refs = append(append(refs, s.refs[:i]...), s.refs[i+1:]...)
	return s
}
