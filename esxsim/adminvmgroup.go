package esxsim

import (
	"context"
	"errors"
	"slices"
	"strings"
)

const (
	vmgroupNameRule = "[a-zA-Z0-9_][a-zA-Z0-9_.-]*"
	maxVmgroupName  = 64  // characters
	maxDescription  = 256 // characters
)

func vmgroupCommands() []AdminCommand {
	name := Option{"name", "VMGROUP", true, "the vmgroup"}
	store := Option{"default-datastore", "DATASTORE", true, "where volumes without \"@datastore\" are; _VM_DS: at home with their VM"}
	about := Option{"description", "TEXT", false, "for people"}
	vms := Option{"vm-list", "VM,...", true, "names of VMs"}
	maybe := func(o Option) Option { o.Required = false; return o }
	return []AdminCommand{
		{"vmgroup create", "Make a vmgroup", []Option{name, store, about, maybe(vms)}, "--name app --default-datastore ds1 --vm-list vm1,vm2", (*Admin).createGroup},
		{"vmgroup ls", "List the vmgroups", nil, "", (*Admin).listGroups},
		{"vmgroup rm", "Remove a vmgroup", []Option{
			name,
			{"remove-volumes", "", false, "remove its volumes, too"},
			{"force", "", false, "although it has VMs, and leave its volumes to nobody"},
		}, "--name app --force", (*Admin).removeGroup},
		{"vmgroup update", "Change or rename a vmgroup", []Option{
			name, {"new-name", "NAME", false, "rename it"}, about, maybe(store),
		}, "--name app --new-name web", (*Admin).updateGroup},
		{"vmgroup vm add", "Put VMs into a vmgroup", []Option{name, vms}, "--name app --vm-list vm3", (*Admin).addVMs},
		{"vmgroup vm ls", "List the VMs of a vmgroup", []Option{name}, "--name app", (*Admin).listVMs},
		{"vmgroup vm replace", "Put VMs into a vmgroup in the place of those that are there", []Option{name, vms}, "--name app --vm-list vm2", (*Admin).replaceVMs},
		{"vmgroup vm rm", "Take VMs out of a vmgroup", []Option{name, vms}, "--name app --vm-list vm3", (*Admin).removeVMs},
	}
}

// goodVmgroupName is the rule of names; letters are ASCII.
func goodVmgroupName(name string) bool {
	for i, c := range []byte(name) {
		word := c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !word && (i == 0 || c != '.' && c != '-') {
			return false
		}
	}
	return name != ""
}

// checkReserved refuses the names of what is beside the directories of vmgroups on a datastore (docs/original.md §2.5). The
// original has no such rule: a vmgroup called "policies" would get the directory of the vSAN policies.
func checkReserved(name string) error {
	if name == "policies" || strings.Contains(name, "_config.db") || strings.HasPrefix(name, ".") || uuidLike(name) {
		return reserved(name)
	}
	return nil
}

func reserved(name string) error {
	return refuse("Vmgroup name %s cannot be used: datastores keep something else under it", name)
}

// uuidLike reports whether a name could be that of a vmgroup's directory.
func uuidLike(name string) bool {
	if len(name) != len(DefaultVmgroupUUID) {
		return false
	}
	for i, c := range []byte(name) {
		dash := DefaultVmgroupUUID[i] == '-'
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if dash && c != '-' || !dash && !hex {
			return false
		}
	}
	return true
}

func checkVmgroup(name, description string) error {
	switch {
	case len(name) > maxVmgroupName:
		return refuse("Vmgroup name exceeds %d characters: %s", maxVmgroupName, name)
	case !goodVmgroupName(name):
		return refuse("Vmgroup name %s is invalid, only %s is allowed", name, vmgroupNameRule)
	case len([]rune(description)) > maxDescription:
		return refuse("Vmgroup description exceeds %d characters: %s", maxDescription, description)
	}
	return nil
}

func (a *Admin) createGroup(ctx context.Context, o options) (Result, error) {
	name := o["name"]
	if err := a.configured(ctx); err != nil {
		return Result{}, err
	}
	if err := checkVmgroup(name, o["description"]); err != nil {
		return Result{}, err
	}
	if err := checkReserved(name); err != nil {
		return Result{}, err
	}
	if _, err := a.record(ctx, name); err == nil {
		return Result{}, refuse("Vmgroup %s already exists", name)
	} else if _, refused := errors.AsType[*Refusal](err); !refused {
		return Result{}, err
	}
	r := Record{Vmgroup: Vmgroup{Name: name, Description: o["description"]}}
	words := o.list("vm-list")
	if name == DefaultVmgroup && words != nil {
		return Result{}, refuse("Invalid Argument(%s)", "vm_list: "+DefaultVmgroup+" has all VMs that are in no other vmgroup")
	}
	if err := a.setDefault(ctx, &r, o["default-datastore"]); err != nil {
		return Result{}, err
	}
	members, err := a.members(ctx, words, "Cannot add VM to vmgroup ")
	if err != nil {
		return Result{}, err
	}
	if err := a.alone(ctx, members, "VM '%s' has already been associated with tenant '%s', cannot add it again"); err != nil {
		return Result{}, err
	}
	r.VMs, r.UUID = members, DefaultVmgroupUUID
	if name != DefaultVmgroup {
		r.UUID = a.newUUID()
	}
	if err := a.name(ctx, r.UUID, "", name); err != nil {
		return Result{}, refuse("Vmgroup %s create failed with err: %v", name, err)
	}
	text := "vmgroup " + name + " is made"
	if len(members) == 0 && name != DefaultVmgroup {
		text += "; it has no VMs yet, see 'vmgroup vm add'"
	}
	return a.changed(ctx, r, text)
}

// name gives the directories of a vmgroup another name, if the datastores have directories.
func (a *Admin) name(ctx context.Context, uuid, old, now string) error {
	if d, ok := a.esx.store.(Directories); ok {
		return d.NameVmgroup(ctx, uuid, old, now)
	}
	return nil
}

// setDefault sets the default datastore, which brings a privilege with it.
func (a *Admin) setDefault(ctx context.Context, r *Record, name string) error {
	if name == AllDatastores {
		return refuse("Cannot use %s as default datastore. Please use specific datastore name or %s special datastore", AllDatastores, HomeDatastore)
	}
	ds, err := a.datastore(ctx, name)
	if _, unknown := errors.AsType[*Refusal](err); unknown {
		return refuse("Default datastore name %s is invalid", name)
	}
	if err != nil {
		return err
	}
	r.DefaultDatastore = ds
	if !slices.ContainsFunc(r.Access, func(p Privilege) bool { return p.Datastore == ds }) {
		r.Access = append(r.Access, Privilege{Datastore: ds, Create: true})
	}
	return nil
}

func (a *Admin) listGroups(ctx context.Context, _ options) (Result, error) {
	if err := a.configured(ctx); err != nil {
		return Result{}, err
	}
	all, err := a.db.Records(ctx)
	t := Result{Columns: []string{"uuid", "name", "description", "default-datastore", "vms"}}
	for _, r := range all {
		var vms []string
		for _, m := range r.VMs {
			vms = append(vms, a.vmName(m))
		}
		t.Rows = append(t.Rows, []string{r.UUID, r.Name, r.Description, r.DefaultDatastore, strings.Join(vms, ",")})
	}
	return t, err
}

func (a *Admin) updateGroup(ctx context.Context, o options) (Result, error) {
	r, err := a.record(ctx, o["name"])
	if err != nil {
		return Result{}, err
	}
	now, rename := o["new-name"]
	switch {
	case rename && r.UUID == DefaultVmgroupUUID:
		return Result{}, refuse("This feature is not supported for vmgroup %s.", DefaultVmgroup)
	case rename && now == "" || strings.ContainsAny(now, "/\x00") || now == "." || now == "..":
		// The original would accept it, and look for its volumes elsewhere.
		return Result{}, refuse("Vmgroup name %s is invalid, only %s is allowed", now, vmgroupNameRule)
	case len(now) > maxVmgroupName:
		return Result{}, refuse("Vmgroup name exceeds %d characters: %s", maxVmgroupName, now)
	}
	if text, set := o["description"]; set {
		if err := checkVmgroup(r.Name, text); err != nil {
			return Result{}, err
		}
		r.Description = text
	}
	if ds, set := o["default-datastore"]; set {
		if err := a.setDefault(ctx, &r, ds); err != nil {
			return Result{}, err
		}
	}
	if rename && now != r.Name {
		// The rule of names is asked of the old one, by mistake, so this is all that is asked of the new one.
		if _, err := a.record(ctx, now); err == nil {
			return Result{}, refuse("Vmgroup %s already exists", now)
		}
		if now == DefaultVmgroup { // it was removed, and comes back with its own uuid
			return Result{}, reserved(now)
		}
		if err := checkReserved(now); err != nil {
			return Result{}, err
		}
		// The links first, then the database: who comes between has the old name, and a link of that name again.
		a.esx.stage.Before("esx.admin.relink", r.Name)
		a.esx.env.Touch(everything, true)
		if err := a.name(ctx, r.UUID, r.Name, now); err != nil {
			return Result{}, err
		}
		a.esx.stage.Before("esx.admin.rename", r.Name)
		a.esx.env.Touch(everything, true)
		r.Name = now
	}
	return a.changed(ctx, r, "vmgroup "+o["name"]+" is changed")
}

func (a *Admin) removeGroup(ctx context.Context, o options) (Result, error) {
	r, err := a.record(ctx, o["name"])
	if err != nil {
		return Result{}, err
	}
	if len(r.VMs) > 0 && !o.on("force") {
		return Result{}, refuse("Cannot delete non-empty vmgroup %s. Remove VMs from the vmgroup before deleting it.", r.Name)
	}
	volumes, err := a.volumesOf(ctx, r.UUID)
	if err != nil {
		return Result{}, err
	}
	text := "vmgroup " + r.Name + " is removed"
	switch {
	case o.on("remove-volumes"):
		if err := a.empty(ctx, r); err != nil {
			return Result{}, err
		}
		text += ", and so are its volumes"
	case len(volumes) > 0 && !o.on("force"):
		return Result{}, refuse("The vmgroup has volumes in it, these must be removed/migrated before deleting the vmgroup.")
	}
	return Result{Text: text}, a.db.Drop(ctx, r.UUID)
}
