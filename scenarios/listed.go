package scenarios

import (
	"fmt"
	"regexp"
	"strings"

	"vmdkvol/driver"
	"vmdkvol/model"
)

// sights is what a List says of the theatre's volumes, a bit for each.
type sights struct{ there, mounted uint64 }

// mostListed is how many volumes fit into sights; more are not judged.
const mostListed = 64

// isListed reports whether a volume of that name is listed under it: ESX takes some for parts of others (docs/original.md §2.3).
func isListed(name string) bool {
	if !strings.ContainsAny(name, ".-") {
		return true // as most are
	}
	return !strings.Contains(name, ".vmdk") && !regexp.MustCompile(`-(flat|delta|ctk|digest|\d{6})$`).MatchString(name)
}

// listing reports whether a List names all volumes of the world, and no others.
//
//go:norace
func (j *judge) listing() bool { return j.w.config == nil && len(j.w.t.stores) == 1 }

// listed notes what a List says, and judges what does not depend on the time: that each volume is named once, and where it is
// mounted. Whether it is there, and mounted, is for the model.
//
//go:norace
func (j *judge) listed(c *Call, list []driver.Volume) {
	if !j.listing() {
		return
	}
	for i := range list {
		v := &list[i]
		n := j.w.t.index(v.Name)
		if n < 0 || n >= mostListed || !j.w.t.volumes[n].listed {
			continue
		}
		known := &j.w.t.volumes[n]
		bit := uint64(1) << n
		switch {
		case c.seen.there&bit != 0:
			j.w.k.Fail(OracleGet, fmt.Sprintf("%s was told of %s twice", c.Client, v.Name))
		case v.Mountpoint != "" && v.Mountpoint != known.mountpoint:
			j.w.k.Fail(OracleGet, fmt.Sprintf("%s was told that %s is mounted at %s, not %s", c.Client, v.Name, v.Mountpoint, known.mountpoint))
		case v.Mountpoint != "":
			c.seen.mounted |= bit
		}
		c.seen.there |= bit
	}
}

// saw is what a List or a Path, which is over, says of one volume, as a Get would; false if it says nothing that can be judged.
//
//go:norace
func (j *judge) saw(c *Call, volume int) (model.Result, bool) {
	excused := j.excusedOf(volume, c.returned)
	r := model.Result{Kind: model.OK}
	switch {
	case c.Op.Verb == "path" && (excused || c.mountpoint == "" && j.otherwise(c)):
		return r, false
	case c.Op.Verb == "path" && c.mountpoint == "":
		r.Seen = model.SeenNowhere
	case c.Op.Verb == "path":
		r.Seen = model.SeenMounted
	case !j.listing() || volume >= mostListed || !j.w.t.volumes[volume].listed:
		return r, false
	case c.seen.there>>volume&1 == 0:
		r.Kind = model.NotFound
	case excused:
	case c.seen.mounted>>volume&1 == 0:
		r.Seen = model.SeenUnmounted
	default:
		r.Seen = model.SeenMounted
	}
	return r, true
}

// otherwise reports whether something is done with the volume of a call under another name, which a driver that has not
// heard of that one need not know.
//
//go:norace
func (j *judge) otherwise(of *Call) bool {
	for _, c := range j.calls {
		if c.volume == of.volume && c.Op.Verb == "mount" && c.Op.Volume != of.Op.Volume {
			return strings.IndexByte(of.Op.Volume, '@') < 0
		}
	}
	return false
}
