package scenarios

import (
	"fmt"

	"vmdkvol/esxsim"
)

// records says what is wrong with the metadata of a volume on which nobody works, "" if nothing is: they are there, and name
// who has it, and where, and what it was made with. The volume is attached to vm.
//
//go:norace
func (j *judge) records(s *subject, vm string) string {
	w := j.w
	meta := w.meta(s.name)
	if meta == nil {
		if _, there := w.disk(s.name); there && !w.t.foreign[s.name] {
			return "is there, but its metadata are lost"
		}
		return ""
	}
	if says := meta.Status == statusAttached; says != (vm != "") {
		return fmt.Sprintf("has metadata that say %q, but is attached to %q", meta.Status, vm)
	}
	if w.t.foreign[s.name] {
		return ""
	}
	if why := j.places(s, meta, vm); why != "" {
		return why
	}
	return j.differs(s, meta)
}

// places compares what metadata say of the VM that has the volume with how it is.
//
//go:norace
func (j *judge) places(s *subject, meta *esxsim.Meta, vm string) string {
	if vm == "" {
		if meta.AttachedUUID+meta.AttachedName != "" || meta.Device != nil {
			return fmt.Sprintf("is detached, but its metadata still name VM %q", meta.AttachedName)
		}
		return ""
	}
	h := j.w.host(vm)
	at, there := h.site().service.Place(vm, inStore(s.name))
	switch {
	case !there:
		return "" // it is, with nobody working on it, unless another oracle objects
	case meta.Device == nil || *meta.Device != at:
		return fmt.Sprintf("is in VM %s at %v, but its metadata say %v", vm, at, meta.Device)
	case meta.AttachedName != vm && !j.renamed:
		return fmt.Sprintf("is attached to %s, but its metadata name VM %q", vm, meta.AttachedName)
	}
	return ""
}
