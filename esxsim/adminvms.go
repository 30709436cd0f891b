package esxsim

import (
	"context"
	"slices"
	"strings"
)

// members finds VMs by their names. One that is unknown, or has a volume's disk in it, fails all.
func (a *Admin) members(ctx context.Context, names []string, doing string) ([]Member, error) {
	if i := slices.IndexFunc(names, func(n string) bool { return count(names, n) > 1 }); i >= 0 {
		return nil, refuse("VMs %s contain duplicates, they should be unique", strings.Join(names, ","))
	}
	var list []Member
	for _, name := range names {
		m, inUse := a.findVM(name)
		switch {
		case m == nil:
			return nil, refuse("Cannot find vm %s", name)
		case inUse:
			return nil, refuse("%sVM '%s' has volumes mounted.", doing, name)
		}
		list = append(list, Member{m.BIOSUUID, m.Name})
	}
	return list, ctx.Err()
}

func count(words []string, word string) (n int) {
	for _, w := range words {
		if w == word {
			n++
		}
	}
	return n
}

// findVM returns the VM with that name, or that BIOS uuid.
func (a *Admin) findVM(name string) (vm *VM, inUse bool) {
	a.esx.mu.lock()
	defer a.esx.mu.unlock()
	var ids []string
	for id, m := range a.esx.vms {
		if m.Name == name || m.BIOSUUID == name {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, false
	}
	m := a.esx.vms[slices.Min(ids)]
	return &m.VM, len(m.slots) > 0
}

// vmName is a member's name: today's if the VM is here.
func (a *Admin) vmName(m Member) string {
	if vm, _ := a.findVM(m.BIOSUUID); vm != nil {
		return vm.Name
	}
	return m.Name
}

// alone fails with that text if a VM is in a vmgroup already.
func (a *Admin) alone(ctx context.Context, members []Member, text string) error {
	all, err := a.db.Records(ctx)
	if err != nil {
		return err
	}
	for _, m := range members {
		for _, r := range all {
			if r.has(m) {
				return refuse(text, m.Name, r.Name)
			}
		}
	}
	return nil
}

// vmsOf is the start of all commands on the VMs of a vmgroup.
func (a *Admin) vmsOf(ctx context.Context, o options, doing, empty string) (r Record, members []Member, err error) {
	if r, err = a.record(ctx, o["name"]); err != nil {
		return r, nil, err
	}
	if r.UUID == DefaultVmgroupUUID {
		return r, nil, refuse("This feature is not supported for vmgroup %s.", DefaultVmgroup)
	}
	names := o.list("vm-list")
	if names == nil {
		return r, nil, refuse("%s", empty)
	}
	members, err = a.members(ctx, names, doing)
	return r, members, err
}

func (a *Admin) addVMs(ctx context.Context, o options) (Result, error) {
	r, members, err := a.vmsOf(ctx, o, "Cannot add VM to vmgroup ", "VM list cannot be empty")
	if err == nil {
		err = a.alone(ctx, members, "VM '%s' has already been associated with tenant '%s', cannot add it again")
	}
	if err != nil {
		return Result{}, err
	}
	r.VMs = append(r.VMs, members...)
	return a.changed(ctx, r, "VMs are added to vmgroup "+r.Name)
}

func (a *Admin) removeVMs(ctx context.Context, o options) (Result, error) {
	r, members, err := a.vmsOf(ctx, o, "Cannot remove VM from vmgroup ", "VM list cannot be empty")
	if err != nil {
		return Result{}, err
	}
	for _, m := range members {
		if !r.has(m) {
			return Result{}, refuse("VM '%s' has not been associated with tenant '%s', cannot remove it", m.Name, r.Name)
		}
		r.VMs = slices.DeleteFunc(r.VMs, func(o Member) bool { return o.BIOSUUID == m.BIOSUUID })
	}
	return a.changed(ctx, r, "VMs are taken out of vmgroup "+r.Name)
}

func (a *Admin) replaceVMs(ctx context.Context, o options) (Result, error) {
	r, members, err := a.vmsOf(ctx, o, "Cannot replace VM in vmgroup ", "Replace VM cannot be empty")
	if err == nil {
		err = a.alone(ctx, members, "VM '%s' has already been associated with tenant '%s', can't add it")
	}
	if err != nil {
		return Result{}, err
	}
	for _, m := range r.VMs {
		if vm, inUse := a.findVM(m.BIOSUUID); inUse {
			return Result{}, refuse("Cannot replace VM in vmgroup VM '%s' has volumes mounted.", vm.Name)
		}
	}
	r.VMs = members
	return a.changed(ctx, r, "vmgroup "+r.Name+" has other VMs")
}

func (a *Admin) listVMs(ctx context.Context, o options) (Result, error) {
	r, err := a.record(ctx, o["name"])
	if err != nil {
		return Result{}, err
	}
	if r.UUID == DefaultVmgroupUUID {
		return Result{Text: DefaultVmgroup + " has all VMs that are in no other vmgroup"}, nil
	}
	t := Result{Columns: []string{"uuid", "name"}}
	for _, m := range r.VMs {
		t.Rows = append(t.Rows, []string{m.BIOSUUID, a.vmName(m)})
	}
	return t, nil
}
