package esxsim

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

func accessCommands() []AdminCommand {
	name := Option{"name", "VMGROUP", true, "the vmgroup"}
	store := Option{"datastore", "DATASTORE", true, "a datastore, _VM_DS (home of a VM) or _ALL_DS (every one)"}
	create := Option{"allow-create", "", false, "it may create and remove volumes there"}
	setCreate := Option{"allow-create", "True|False", false, "whether it may create and remove volumes there"}
	maxSize := Option{"volume-maxsize", "SIZE", false, "of one volume, such as 1gb; 0: no limit"}
	total := Option{"volume-totalsize", "SIZE", false, "of all its volumes there; 0: no limit"}
	return []AdminCommand{
		{"vmgroup access add", "Let a vmgroup use a datastore", []Option{name, store, create, maxSize, total}, "--name app --datastore ds2 --allow-create --volume-totalsize 10gb", (*Admin).addAccess},
		{"vmgroup access ls", "List what a vmgroup may do", []Option{name}, "--name app", (*Admin).listAccess},
		{"vmgroup access rm", "Keep a vmgroup from a datastore", []Option{name, store}, "--name app --datastore ds2", (*Admin).removeAccess},
		{"vmgroup access set", "Change what a vmgroup may do on a datastore", []Option{name, store, setCreate, maxSize, total}, "--name app --datastore ds2 --allow-create False", (*Admin).setAccess},
	}
}

// accessOf is the start of all commands on a row; i is -1 if there is none.
func (a *Admin) accessOf(ctx context.Context, o options) (r Record, ds string, i int, err error) {
	if r, err = a.record(ctx, o["name"]); err != nil {
		return r, "", -1, err
	}
	if ds, err = a.datastore(ctx, o["datastore"]); err != nil {
		return r, "", -1, err
	}
	return r, ds, slices.IndexFunc(r.Access, func(p Privilege) bool { return p.Datastore == ds }), nil
}

func (a *Admin) addAccess(ctx context.Context, o options) (Result, error) {
	r, ds, i, err := a.accessOf(ctx, o)
	if err == nil && i >= 0 {
		err = refuse("Access privilege for (%s, %s) already exists", r.Name, ds)
	}
	p := Privilege{Datastore: ds, Create: o.on("allow-create")}
	if err == nil {
		err = p.limits(o)
	}
	if err != nil {
		return Result{}, err
	}
	r.Access = append(r.Access, p)
	return a.changed(ctx, r, "vmgroup "+r.Name+" may use "+ds)
}

func (a *Admin) setAccess(ctx context.Context, o options) (Result, error) {
	r, ds, i, err := a.accessOf(ctx, o)
	if err == nil && i < 0 {
		err = refuse("No access privilege exists for (%s, %s)", r.Name, ds)
	}
	if err != nil {
		return Result{}, err
	}
	p := &r.Access[i]
	if text, set := o["allow-create"]; set {
		if p.Create = strings.EqualFold(text, "true"); !p.Create && !strings.EqualFold(text, "false") {
			return Result{}, refuse("Invalid value %s for allow-create option", text)
		}
	}
	if err := p.limits(o); err != nil {
		return Result{}, err
	}
	return a.changed(ctx, r, "what vmgroup "+r.Name+" may do on "+ds+" is changed")
}

// limits reads the limits that are given.
func (p *Privilege) limits(o options) error {
	for _, limit := range []struct {
		name string
		mb   *int64
	}{{"volume-maxsize", &p.MaxSize}, {"volume-totalsize", &p.Quota}} {
		text, set := o[limit.name]
		if !set {
			continue
		}
		mb, ok := sizeInMB(text)
		if !ok && text != "0" || strings.HasSuffix(strings.ToLower(text), "pb") { // which only creates know
			return refuse("Invalid Argument(%s)", limit.name+": "+text)
		}
		*limit.mb = mb
	}
	if p.Quota != 0 && p.MaxSize > p.Quota {
		return refuse("Volume max size %dMB exceeds the total size %dMB", p.MaxSize, p.Quota)
	}
	return nil
}

func (a *Admin) removeAccess(ctx context.Context, o options) (Result, error) {
	r, ds, i, err := a.accessOf(ctx, o)
	switch {
	case err != nil:
		return Result{}, err
	case i < 0:
		return Result{}, refuse("No access privilege exists for (%s, %s)", r.Name, ds)
	case ds == r.DefaultDatastore:
		return Result{}, refuse("Removing of access privilege to 'default_datastore' is not supported")
	}
	r.Access = slices.Delete(r.Access, i, i+1)
	return a.changed(ctx, r, "vmgroup "+r.Name+" may not use "+ds+" by a privilege of its own")
}

func (a *Admin) listAccess(ctx context.Context, o options) (Result, error) {
	r, err := a.record(ctx, o["name"])
	if err != nil {
		return Result{}, err
	}
	limit := func(mb int64) string {
		if mb == 0 {
			return "Unset"
		}
		return humanSize(mb << 20)
	}
	t := Result{Columns: []string{"datastore", "allow-create", "max-volume-size", "total-size"}}
	for _, p := range r.Access {
		create := strconv.FormatBool(p.Create)
		t.Rows = append(t.Rows, []string{p.Datastore, strings.ToUpper(create[:1]) + create[1:], limit(p.MaxSize), limit(p.Quota)})
	}
	return t, nil
}
