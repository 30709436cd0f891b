package esxsim

import (
	"context"
	"errors"
	"slices"
	"strings"

	"vmdkvol/seam"
)

// Mode is what an ESX host has for a config database (docs/original.md §2.12).
type Mode string

// The modes.
const (
	NotConfigured Mode = "NotConfigured" // none
	SingleNode    Mode = "SingleNode"    // a file of this host
	MultiNode     Mode = "MultiNode"     // a link to one on a datastore
	BrokenLink    Mode = "BrokenLink"    // a link that leads nowhere, or to something else
)

// MemConfig is a [ConfigDB] in memory. Its errors are those of mode [BrokenLink]; contexts do not matter to it.
type MemConfig struct {
	mu      guard
	mode    Mode
	records []Record // sorted by name
	charges map[Volume]int64
}

// NewMemConfig makes a database of that mode with vmgroup _DEFAULT, see [FirstRecord]. Serial is as in [Config].
func NewMemConfig(env seam.Env, serial bool, mode Mode) *MemConfig {
	return &MemConfig{
		mu: newGuard(env, serial, "esx.config"), mode: mode,
		records: []Record{FirstRecord()}, charges: make(map[Volume]int64),
	}
}

// SetMode changes the mode; what is in the database stays.
func (c *MemConfig) SetMode(m Mode) {
	c.mu.lock()
	defer c.mu.unlock()
	c.mode = m
}

// Mode returns the mode.
func (c *MemConfig) Mode() Mode {
	c.mu.lock()
	defer c.mu.unlock()
	return c.mode
}

// open fails if there is no database that can be asked; c.mu is held.
func (c *MemConfig) open() error {
	switch c.mode {
	case SingleNode, MultiNode:
		return nil
	case NotConfigured:
		return &DBError{AuthDBPath, errors.New("not configured")}
	}
	return &DBError{Path: AuthDBPath}
}

func (c *MemConfig) find(uuid string) *Record {
	for i := range c.records {
		if c.records[i].UUID == uuid {
			return &c.records[i]
		}
	}
	return nil
}

// Configured implements [Authority].
func (c *MemConfig) Configured(context.Context) (bool, error) {
	c.mu.lock()
	defer c.mu.unlock()
	if c.mode == NotConfigured {
		return false, nil
	}
	err := c.open()
	return err == nil, err
}

// GroupOf implements [Authority].
func (c *MemConfig) GroupOf(_ context.Context, bios string) (Vmgroup, bool, error) {
	c.mu.lock()
	defer c.mu.unlock()
	if err := c.open(); err != nil {
		return Vmgroup{}, false, err
	}
	for _, r := range c.records {
		if slices.ContainsFunc(r.VMs, func(m Member) bool { return m.BIOSUUID == bios }) {
			return r.Vmgroup, true, nil
		}
	}
	if r := c.find(DefaultVmgroupUUID); r != nil {
		return r.Vmgroup, true, nil
	}
	return Vmgroup{}, false, nil
}

// Group implements [Authority].
func (c *MemConfig) Group(_ context.Context, uuid string) (Vmgroup, bool, error) {
	c.mu.lock()
	defer c.mu.unlock()
	if err := c.open(); err != nil {
		return Vmgroup{}, false, err
	}
	if r := c.find(uuid); r != nil {
		return r.Vmgroup, true, nil
	}
	return Vmgroup{}, false, nil
}

// Privilege implements [Authority].
func (c *MemConfig) Privilege(_ context.Context, uuid, datastore string) (Privilege, bool, error) {
	c.mu.lock()
	defer c.mu.unlock()
	if err := c.open(); err != nil {
		return Privilege{}, false, err
	}
	if r := c.find(uuid); r != nil {
		for _, p := range r.Access {
			if p.Datastore == datastore {
				return p, true, nil
			}
		}
	}
	return Privilege{}, false, nil
}

func (c *MemConfig) used(uuid, datastore string) (mb int64) {
	for v, size := range c.charges {
		if v.Vmgroup == uuid && v.Datastore == datastore {
			mb += size
		}
	}
	return mb
}

// Used implements [Authority].
func (c *MemConfig) Used(_ context.Context, uuid, datastore string) (int64, error) {
	c.mu.lock()
	defer c.mu.unlock()
	if err := c.open(); err != nil {
		return 0, err
	}
	return c.used(uuid, datastore), nil
}

// Charge implements [Authority].
func (c *MemConfig) Charge(_ context.Context, v Volume, size, limit int64) error {
	c.mu.lock()
	defer c.mu.unlock()
	if err := c.open(); err != nil {
		return err
	}
	if c.find(v.Vmgroup) == nil {
		return &DBError{AuthDBPath, errors.New("there is no vmgroup " + v.Vmgroup)}
	}
	if limit != 0 && c.used(v.Vmgroup, v.Datastore)-c.charges[v]+size > limit {
		return ErrQuota
	}
	c.charges[v] = size
	return nil
}

// Discharge implements [Authority].
func (c *MemConfig) Discharge(_ context.Context, v Volume) error {
	c.mu.lock()
	defer c.mu.unlock()
	if err := c.open(); err != nil {
		return err
	}
	delete(c.charges, v)
	return nil
}

// Records implements [ConfigDB].
func (c *MemConfig) Records(context.Context) ([]Record, error) {
	c.mu.lock()
	defer c.mu.unlock()
	if err := c.open(); err != nil {
		return nil, err
	}
	list := make([]Record, 0, len(c.records))
	for _, r := range c.records {
		list = append(list, r.clone())
	}
	return list, nil
}

func (r Record) clone() Record {
	r.VMs, r.Access = slices.Clone(r.VMs), slices.Clone(r.Access)
	return r
}

// Put implements [ConfigDB].
func (c *MemConfig) Put(_ context.Context, r Record) error {
	c.mu.lock()
	defer c.mu.unlock()
	if err := c.open(); err != nil {
		return err
	}
	var others []Record
	for _, o := range c.records {
		if o.UUID == r.UUID {
			continue
		}
		if o.Name == r.Name || slices.ContainsFunc(o.VMs, r.has) {
			return ErrTaken
		}
		others = append(others, o)
	}
	c.records = append(others, r.Sorted())
	slices.SortFunc(c.records, func(a, b Record) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

func (r *Record) has(m Member) bool {
	return slices.ContainsFunc(r.VMs, func(o Member) bool { return o.BIOSUUID == m.BIOSUUID })
}

// Sorted returns a copy with VMs and privileges in their order.
func (r Record) Sorted() Record {
	r = r.clone()
	slices.SortFunc(r.VMs, func(a, b Member) int {
		if n := strings.Compare(a.Name, b.Name); n != 0 {
			return n
		}
		return strings.Compare(a.BIOSUUID, b.BIOSUUID)
	})
	slices.SortFunc(r.Access, func(a, b Privilege) int { return strings.Compare(a.Datastore, b.Datastore) })
	return r
}

// Drop implements [ConfigDB].
func (c *MemConfig) Drop(_ context.Context, uuid string) error {
	c.mu.lock()
	defer c.mu.unlock()
	if err := c.open(); err != nil {
		return err
	}
	c.records = slices.DeleteFunc(c.records, func(r Record) bool { return r.UUID == uuid })
	for v := range c.charges {
		if v.Vmgroup == uuid {
			delete(c.charges, v)
		}
	}
	return nil
}
