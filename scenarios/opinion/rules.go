package opinion

import (
	"slices"
	"strings"

	"vmdkvol/model"
)

// volume is what there is to know of one. It is comparable: refs are the mount IDs, sorted, each with a zero behind it.
type volume struct {
	made   bool
	fstype string // "" if it was never formatted
	refs   string
}

const idEnd = "\x00"

func beginnings(p model.Possible) []any {
	var all []any
	for _, s := range p.States() {
		v := volume{made: s.Exists(), fstype: s.FSType()}
		for _, id := range s.Refs() {
			v.refs += id + idEnd
		}
		all = append(all, v)
	}
	return all
}

func (v volume) ids() []string   { return strings.SplitAfter(v.refs, idEnd) }
func (v volume) mountable() bool { return v.made && v.fstype != "" }
func (v volume) with(id string) volume {
	ids := append(v.ids(), id+idEnd)
	slices.Sort(ids)
	v.refs = strings.Join(ids, "")
	return v
}

func (v volume) without(id string) volume {
	ids := v.ids()
	if i := slices.Index(ids, id+idEnd); i >= 0 {
		v.refs = strings.Join(slices.Delete(ids, i, i+1), "")
	}
	return v
}

// after is what a call can make of a volume, given its answer: nothing if that answer cannot be.
func after(v volume, c *model.Call) []any {
	open := c.Return == model.Pending || late(c)
	switch c.Op.Kind {
	case model.Create:
		return created(v, c, open)
	case model.Remove:
		return removed(v, c, open)
	case model.Mount:
		return mounted(v, c, open)
	case model.Unmount:
		if open {
			return []any{v, v.without(c.Op.ID)}
		}
		return only(c.Result.Kind == model.OK || c.Result.Kind == model.Unknown, v.without(c.Op.ID))
	case model.Get:
		return only(got(v, c), v)
	}
	return nil
}

func only(fits bool, v volume) []any {
	if fits {
		return []any{v}
	}
	return nil
}

func created(v volume, c *model.Call, open bool) []any {
	made := volume{made: true, fstype: c.Op.FSType}
	there := v.made && v.fstype == c.Op.FSType && v.fstype != ""
	switch {
	case open && v.made:
		return []any{v}
	case open:
		return []any{v, made, volume{made: true}}
	case c.Result.Kind == model.OK && there:
		return []any{v}
	case c.Result.Kind == model.OK:
		return only(!v.made, made)
	}
	return only(c.Result.Kind == model.Exists && v.made && !there, v)
}

func removed(v volume, c *model.Call, open bool) []any {
	held := v.refs != ""
	switch {
	case open && held:
		return []any{v}
	case open:
		return []any{v, volume{}}
	case c.Result.Kind == model.OK:
		return only(!held, volume{})
	}
	return only(c.Result.Kind == model.InUse && held, v)
}

func mounted(v volume, c *model.Call, open bool) []any {
	switch {
	case open && v.mountable():
		return []any{v, v.with(c.Op.ID)}
	case open:
		return []any{v}
	case c.Result.Kind == model.OK:
		return only(v.mountable(), v.with(c.Op.ID))
	}
	return only(c.Result.Kind == model.NotFound && !v.made, v)
}

// got reports whether a Get's answer describes the volume.
func got(v volume, c *model.Call) bool {
	if c.Result.Kind != model.OK {
		return c.Result.Kind == model.NotFound && !v.made
	}
	switch c.Result.Seen {
	case model.SeenMounted:
		return v.made && v.refs != ""
	case model.SeenUnmounted:
		return v.made && v.refs == ""
	case model.SeenNowhere:
		return v.refs == ""
	}
	return v.made
}
