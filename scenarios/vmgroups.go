package scenarios

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

// A world with a vmgroup has a config database. Volumes of vmgroups are not those of the same name that the driver's model
// and the oracles know, so VMs that are in one only send.

// givenVmgroup reads NAME vms=VM,...; its default datastore is ds1.
func (p *parser) givenVmgroup(rest string) error {
	name, opts, err := named(strings.Fields(rest), "vms")
	switch {
	case err != nil:
		return fmt.Errorf("want NAME vms=VM,...: %w", err)
	case !plainName(name) || name == esxsim.DefaultVmgroup:
		return fmt.Errorf("%s cannot be the name of a vmgroup: want letters, digits, - and _", shown(name))
	case !p.first("vmgroup " + name):
		return fmt.Errorf("vmgroup %s is given twice", name)
	}
	r := esxsim.Record{
		Vmgroup: esxsim.Vmgroup{UUID: "uuid-" + name, Name: name, DefaultDatastore: datastore},
		Access:  []esxsim.Privilege{{Datastore: datastore, Create: true}},
	}
	for vm := range strings.SplitSeq(opts["vms"], ",") {
		if vm != "" && !p.first("vmgroup of "+vm) {
			return fmt.Errorf("VM %s is in two vmgroups", shown(vm))
		}
		r.VMs = append(r.VMs, esxsim.Member{BIOSUUID: vm, Name: vm})
	}
	if opts["vms"] == "" {
		r.VMs = nil
	}
	p.s.Vmgroups = append(p.s.Vmgroups, r)
	p.row.text = "given " + Op{Verb: "vmgroup", Volume: name, Opts: opts}.String()
	return nil
}

// givenAccess reads VMGROUP datastore=NAME [create=no] [max=SIZE] [quota=SIZE].
func (p *parser) givenAccess(rest string) error {
	name, opts, err := named(strings.Fields(rest), "create", "datastore", "max", "quota")
	if err != nil {
		return fmt.Errorf("want VMGROUP datastore=NAME [create=no] [max=SIZE] [quota=SIZE]: %w", err)
	}
	i := slices.IndexFunc(p.s.Vmgroups, func(r esxsim.Record) bool { return r.Name == name })
	if i < 0 {
		return fmt.Errorf("there is no vmgroup %s above this line", shown(name))
	}
	row := esxsim.Privilege{Datastore: opts["datastore"], Create: opts["create"] != "no"}
	switch {
	case row.Datastore == "":
		return errors.New("datastore= is missing")
	case opts["create"] != "" && opts["create"] != "no" && opts["create"] != "yes":
		return unknown("create", opts["create"], "yes", "no")
	case !p.first("access " + name + " " + row.Datastore):
		return fmt.Errorf("what %s may do on %s is given twice", name, row.Datastore)
	}
	for _, limit := range []struct {
		key string
		mb  *int64
	}{{"max", &row.MaxSize}, {"quota", &row.Quota}} {
		if text := opts[limit.key]; text != "" {
			size, err := sizeOf(text)
			if err != nil {
				return err
			}
			*limit.mb = size >> 20
		}
	}
	r := &p.s.Vmgroups[i]
	r.Access = slices.DeleteFunc(r.Access, func(a esxsim.Privilege) bool { return a.Datastore == row.Datastore })
	r.Access = append(r.Access, row)
	p.row.text = "given " + Op{Verb: "access", Volume: name, Opts: opts}.String()
	return nil
}

// vmgroupText is the lines that give a vmgroup.
func vmgroupText(r esxsim.Record) string {
	var b strings.Builder
	b.WriteString("given vmgroup " + r.Name)
	for i, m := range r.VMs {
		b.WriteString(map[bool]string{true: " vms=", false: ","}[i == 0] + m.Name)
	}
	b.WriteString("\n")
	for _, a := range r.Access {
		if a == (esxsim.Privilege{Datastore: datastore, Create: true}) {
			continue // without a line, too
		}
		opts := map[string]string{"datastore": a.Datastore}
		if !a.Create {
			opts["create"] = "no"
		}
		if a.MaxSize > 0 {
			opts["max"] = fmt.Sprint(a.MaxSize, "mb")
		}
		if a.Quota > 0 {
			opts["quota"] = fmt.Sprint(a.Quota, "mb")
		}
		b.WriteString("given " + Op{Verb: "access", Volume: r.Name, Opts: opts}.String() + "\n")
	}
	return b.String()
}

// vmgroups checks what can only be known at the end of the file. On an error, what is the statement that is wrong.
func (x *index) vmgroups(s *Script) (what string, err error) {
	stores := append([]string{datastore, esxsim.HomeDatastore, esxsim.AllDatastores}, s.Stores...)
	for _, r := range s.Vmgroups {
		for _, m := range r.VMs {
			if err := x.vm(m.Name); err != nil {
				return "vmgroup " + r.Name, fmt.Errorf("vmgroup %s: %w", r.Name, err)
			}
			if s.BIOS[m.Name] != "" {
				return "vmgroup " + r.Name, fmt.Errorf("vmgroup %s: VM %s has the BIOS uuid of another, by which a vmgroup knows its VMs", r.Name, m.Name)
			}
		}
		for _, a := range r.Access {
			if !slices.Contains(stores, a.Datastore) {
				return "access " + r.Name + " " + a.Datastore, fmt.Errorf("access of %s: %w", r.Name, unknown("datastore", a.Datastore, stores...))
			}
		}
	}
	return "", nil
}

// sends checks that a client of a vmgroup's VM uses volumes by send alone.
func (s *Script) sends(c Client) error {
	vm := c.VM
	if vm == "" {
		vm = vmName
	}
	for _, r := range s.Vmgroups {
		if !slices.ContainsFunc(r.VMs, func(m esxsim.Member) bool { return m.Name == vm }) {
			continue
		}
		for _, op := range c.Ops {
			if op.Volume != "" && op.Verb != "send" {
				return fmt.Errorf("%s: VM %s is in vmgroup %s, whose volumes no oracle knows: use send", op.Verb, vm, r.Name)
			}
		}
	}
	return nil
}

// adminActions are what admin can do to a vmgroup.
var adminActions = map[string]struct {
	command string
	keys    map[string]string // the options of the command by the keys of the scenario
}{
	"config": {"", nil}, // init or rm
	"add":    {"vmgroup vm add", map[string]string{"vms": "vm-list"}},
	"drop":   {"vmgroup vm rm", map[string]string{"vms": "vm-list"}},
	"limit":  {"vmgroup access set", map[string]string{"datastore": "datastore", "max": "volume-maxsize", "quota": "volume-totalsize"}},
	"remove": {"vmgroup rm", nil},
	"set":    {"volume set", map[string]string{"access": "access", "attach-as": "attach-as"}},
	"rename": {"vmgroup update", map[string]string{"to": "new-name"}},
}

var adminKeys = []string{"access", "attach-as", "datastore", "max", "quota", "to", "vms"}

// administration reads what follows admin.
func (o *Op) administration(verb Verb, words []string) (err error) {
	if len(words) == 0 {
		return errors.New("want an action and a vmgroup")
	}
	o.Command = words[0]
	action, known := adminActions[o.Command]
	if !known {
		return unknown("action", o.Command, "add", "config", "drop", "limit", "remove", "rename", "set")
	}
	if o.Command == "config" {
		o.Text, err = single(words[1:], "init or rm")
		if err == nil && o.Text != "init" && o.Text != "rm" {
			return unknown("change of the configuration", o.Text, "init", "rm")
		}
		return err
	}
	if o.Text, o.Opts, err = named(words[1:], verb.Keys...); err != nil {
		return errors.New(strings.Replace(err.Error(), "the volume's name", "the vmgroup's name", 1))
	}
	for _, key := range sortedKeys(o.Opts) {
		if action.keys[key] == "" {
			return fmt.Errorf("%s takes no %s", o.Command, key)
		}
	}
	return nil
}

// administer does what the administrator of the ESX host does, in one step.
func (w *World) administer(ctx context.Context, op *Op) (answer string, err error) {
	w.disrupt("esx.admin", op.Text)
	var db esxsim.ConfigDB // not a nil one of another type
	if w.config != nil {
		db = sharedConfig{w.config}
	}
	admin := esxsim.NewAdmin(w.esxs[0].service, db, func() string { return "" }) // makes no vmgroups
	if _, err := admin.Do(ctx, op.adminCommand()); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return first, nil
	}
	return okAnswer, nil
}

func (o *Op) adminCommand() esxsim.Command {
	if o.Command == "config" {
		options := map[string]string{"datastore": datastore}
		if o.Text == "rm" {
			options = map[string]string{"unlink": "true", "confirm": "true"}
		}
		return esxsim.Command{Name: "config " + o.Text, Options: options}
	}
	action := adminActions[o.Command]
	c := esxsim.Command{Name: action.command, Options: map[string]string{}}
	if o.Command == "set" {
		var words []string
		for _, key := range sortedKeys(o.Opts) {
			words = append(words, key+"="+o.Opts[key])
		}
		c.Options["options"] = strings.Join(words, ",")
		c.Options["volume"] = volumePart(o.Text) + "@" + datastore
		c.Options["vmgroup"] = esxsim.DefaultVmgroup
		return c
	}
	c.Options["name"] = o.Text
	if o.Command == "remove" {
		c.Options["force"] = "true"
	}
	for _, key := range sortedKeys(o.Opts) {
		c.Options[action.keys[key]] = o.Opts[key]
	}
	return c
}

// configure makes the config database, if there are vmgroups.
func (w *World) configure(env seam.Env) error {
	t := w.t
	mode := esxsim.MultiNode
	if len(t.script.Vmgroups) == 0 {
		if mode = esxsim.NotConfigured; !t.script.administers("config") {
			return nil
		}
	}
	w.config = esxsim.NewMemConfig(env, !t.threads, mode)
	for _, r := range t.script.Vmgroups {
		if err := w.config.Put(context.Background(), r); err != nil {
			return fmt.Errorf("%s: vmgroup %s: %w", t.script.File, r.Name, err)
		}
	}
	return nil
}

// sharedConfig is a config database on ds1, to which a host has a link or not.
type sharedConfig struct{ *esxsim.MemConfig }

// Where implements [esxsim.Configurable].
func (c sharedConfig) Where() (mode esxsim.Mode, local, shared string) {
	return c.Mode(), esxsim.AuthDBPath, ""
}

// Init implements [esxsim.Configurable].
func (c sharedConfig) Init(context.Context, string, bool) error {
	if c.Mode() != esxsim.NotConfigured {
		return &esxsim.Refusal{Text: "Error: there is a configuration already"}
	}
	c.SetMode(esxsim.MultiNode)
	return nil
}

// Remove implements [esxsim.Configurable].
func (c sharedConfig) Remove(context.Context, bool) (string, error) {
	c.SetMode(esxsim.NotConfigured)
	return "", nil
}

// administers reports whether a client does that action of admin.
func (s *Script) administers(action string) bool {
	for _, c := range s.Clients {
		for _, op := range c.Ops {
			if op.Verb == "admin" && op.Command == action {
				return true
			}
		}
	}
	return false
}

// overQuota says which vmgroup has more than its quota of a datastore, "" if none has.
func (w *World) overQuota() string {
	if w.t.script.administers("limit") || w.config.Mode() != esxsim.MultiNode {
		return ""
	}
	for _, r := range w.t.script.Vmgroups {
		for _, a := range r.Access {
			var mb int64
			for _, d := range w.store.Disks() {
				if d.Vmgroup == r.UUID && d.Datastore == a.Datastore {
					mb += d.Size >> 20
				}
			}
			if a.Quota > 0 && mb > a.Quota {
				return fmt.Sprintf("vmgroup %s has %d MB on %s, and a quota of %d MB", r.Name, mb, a.Datastore, a.Quota)
			}
		}
	}
	return ""
}
