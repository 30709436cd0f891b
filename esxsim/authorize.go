package esxsim

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"vmdkvol/driver/wire"
)

const (
	noPrivilege = "No access privilege exists"
	noCreate    = "No create privilege"
	noDelete    = "No delete privilege"
	overMaxSize = "Volume size exceeds the max volume size limit"
	overQuota   = "The total volume size exceeds the usage quota"
	faultNoSize = "Invalid volume size specified."
)

// permit is the privilege check of a request (docs/original.md §2.2 (8), §2.12), before any lock.
func (s *Service) permit(ctx context.Context, g *group, r *request, m *machine, v Volume) (fault string) {
	if g.db == nil {
		return ""
	}
	size, given := r.opts[optSize]
	if !given {
		size = defaultSize // a clone's, too: what it copies is looked at later
	}
	_, named, _ := cutLast(r.name)
	switch named {
	case "":
		return s.authorize(ctx, g, r.cmd, size, v.Datastore, g.DefaultDatastore)
	case HomeDatastore:
		return s.authorize(ctx, g, r.cmd, size, v.Datastore, HomeDatastore, AllDatastores)
	}
	return s.authorize(ctx, g, r.cmd, size, v.Datastore, explicitRows(v.Datastore, m.Home)...)
}

// explicitRows are the datastores whose privileges count for a volume that is named with its datastore, best first.
func explicitRows(datastore, home string) []string {
	if datastore == home {
		return []string{datastore, HomeDatastore, AllDatastores}
	}
	return []string{datastore, AllDatastores}
}

// authorize asks the first row that exists; what it says is final. The size is of a create.
func (s *Service) authorize(ctx context.Context, g *group, cmd wire.Command, size, datastore string, rows ...string) (fault string) {
	var p Privilege
	found := false
	s.env.Touch(configLabel, false)
	for _, row := range rows {
		var err error
		if p, found, err = g.db.Privilege(ctx, g.UUID, row); err != nil {
			return err.Error()
		}
		if found {
			break
		}
	}
	switch {
	case !found:
		return noPrivilege
	case cmd == wire.Remove && !p.Create:
		return noDelete
	case cmd != wire.Create:
		return ""
	case !p.Create:
		return noCreate
	}
	mb, ok := sizeInMB(size)
	switch {
	case !ok:
		return faultNoSize
	case p.MaxSize != 0 && mb > p.MaxSize:
		return overMaxSize
	}
	g.quota = p.Quota
	if p.Quota == 0 {
		return ""
	}
	used, err := g.db.Used(ctx, g.UUID, datastore)
	switch {
	case err != nil:
		return err.Error()
	case used+mb > p.Quota:
		return overQuota
	}
	return ""
}

// sizeInMB is the conversion of the privilege check, which knows other units than option size does
// (docs/original.md §2.6). It knows nothing below a megabyte, and no size of 0.
func sizeInMB(text string) (mb int64, ok bool) {
	if len(text) < len("1mb") {
		return 0, false
	}
	shift, known := map[string]uint{"mb": 0, "gb": 10, "tb": 20, "pb": 30}[strings.ToLower(text[len(text)-2:])]
	n, err := strconv.ParseUint(text[:len(text)-2], 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange), n > mostMB>>shift: // as large as any limit
		n, err = mostMB>>shift, nil
	case n == 0:
		return 0, false
	}
	return int64(n) << shift, err == nil && known
}

// mostMB is a size beyond all others. The original's sizes have no end; these can be added.
const mostMB = 1 << 52

// permitClone is the privilege check on a clone's source, and the second one on the clone, now that its size is known
// (docs/original.md §2.6). The source is known to exist.
func (s *Service) permitClone(ctx context.Context, c *call) (fault string) {
	if c.group.db == nil {
		return ""
	}
	_, named, _ := cutLast(c.name)
	rows := explicitRows(c.target.Datastore, c.vm.Home)
	switch named {
	case "":
		rows = []string{c.group.DefaultDatastore}
	case HomeDatastore:
		rows = []string{HomeDatastore, AllDatastores}
	}
	return s.authorize(ctx, c.group, wire.Create, humanSize(c.size), c.target.Datastore, rows...)
}

// permitSource is the privilege check on a clone's source.
func (s *Service) permitSource(ctx context.Context, c *call, src Volume) (fault string) {
	if c.group.db == nil {
		return ""
	}
	fault = s.authorize(ctx, c.group, wire.Attach, "", src.Datastore, explicitRows(src.Datastore, c.vm.Home)...)
	if fault != "" {
		fault = "Failed to authorize VM: " + fault + ", datastore: " + src.Datastore
	}
	return fault
}

// reserve charges a volume to its vmgroup before it is made, so that two creates cannot both find room for themselves
// alone. The original charges it afterwards (quirk quota-race).
func (s *Service) reserve(ctx context.Context, c *call) (fault string) {
	if c.group.db == nil || s.quirk.has(quotaRace) || !s.counts(c) {
		return ""
	}
	s.env.Touch(configLabel, true)
	if err := c.group.db.Charge(ctx, c.target, c.size>>20, c.group.quota); err != nil {
		if errors.Is(err, ErrQuota) {
			return overQuota
		}
		return err.Error()
	}
	c.group.charged = true
	return ""
}

// counts reports whether the volume that c makes is charged: a clone is not (docs/original.md D10).
func (s *Service) counts(c *call) bool {
	_, clone := c.opts[optCloneFrom]
	return !clone || !s.quirk.has(clonesUncounted)
}

// settle charges a volume that has been made, or gives back what was charged for one that has not. In the original a
// failure is ignored (docs/original.md §2.6 (7)).
func (s *Service) settle(ctx context.Context, c *call, fault string) {
	var err error
	switch {
	case c.group.db == nil:
		return
	case fault != "" && c.group.charged:
		s.env.Touch(configLabel, true)
		err = c.group.db.Discharge(ctx, c.target)
	case fault == "" && !c.group.charged && s.counts(c):
		if s.fails("esx.create.quota", c.volume) {
			return
		}
		s.env.Touch(configLabel, true)
		err = c.group.db.Charge(ctx, c.target, c.size>>20, 0)
	}
	if err != nil {
		s.log.Warn("quota is not up to date", "host", s.cfg.Host, "volume", c.target.Name, "err", err)
	}
}
