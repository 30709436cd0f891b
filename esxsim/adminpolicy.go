package esxsim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

func policyCommands() []AdminCommand {
	name := Option{"name", "NAME", true, "of the policy"}
	content := Option{"content", "TEXT", true, "of the policy; nobody looks at it"}
	return []AdminCommand{
		{"policy create", "Make a vSAN policy", []Option{name, content}, "--name gold --content '((\"hostFailuresToTolerate\" i1))'", (*Admin).createPolicy},
		{"policy ls", "List the vSAN policies", nil, "", (*Admin).listPolicies},
		{"policy rm", "Remove a vSAN policy that no volume has", []Option{name}, "--name gold", (*Admin).removePolicy},
		{"policy update", "Change a vSAN policy", []Option{name, content}, "--name gold --content '((\"hostFailuresToTolerate\" i2))'", (*Admin).updatePolicy},
	}
}

// vsan returns the vSAN datastore, the first one if there are several, and its policies.
func (a *Admin) vsan(ctx context.Context) (datastore string, policies map[string]string, err error) {
	if a.esx.policies == nil {
		return "", nil, refuse("Error: VSAN datastore does not exist")
	}
	datastores, err := a.esx.store.Datastores(ctx)
	if err != nil {
		return "", nil, err
	}
	for _, ds := range datastores {
		if found, vsan, err := a.esx.policies.Policies(ctx, ds); err != nil || vsan {
			return ds, found, err
		}
	}
	return "", nil, refuse("Error: VSAN datastore does not exist")
}

func (a *Admin) createPolicy(ctx context.Context, o options) (Result, error) {
	ds, known, err := a.vsan(ctx)
	if err != nil {
		return Result{}, err
	}
	if _, there := known[o["name"]]; there {
		return Result{}, refuse("Error: Policy already exists")
	}
	if !goodVmgroupName(o["name"]) || len(o["name"]) > maxNameLen { // ours: it is the name of a file
		return Result{}, refuse("Policy name %s is invalid, only %s is allowed", o["name"], vmgroupNameRule)
	}
	return Result{Text: "policy " + o["name"] + " is made"}, a.esx.policies.SetPolicy(ctx, ds, o["name"], o["content"])
}

func (a *Admin) updatePolicy(ctx context.Context, o options) (Result, error) {
	ds, known, err := a.vsan(ctx)
	if err != nil {
		return Result{}, err
	}
	switch now, there := known[o["name"]]; {
	case !there:
		return Result{}, refuse("Policy %s does not exist", o["name"])
	case now == o["content"]:
		return Result{}, refuse("Error: New policy is identical to old policy. Ignoring.")
	}
	return Result{Text: "policy " + o["name"] + " is changed"}, a.esx.policies.SetPolicy(ctx, ds, o["name"], o["content"])
}

func (a *Admin) removePolicy(ctx context.Context, o options) (Result, error) {
	ds, known, err := a.vsan(ctx)
	if err != nil {
		return Result{}, err
	}
	if _, there := known[o["name"]]; !there {
		return Result{}, refuse("Policy %s does not exist", o["name"])
	}
	users, err := a.usersOf(ctx, ds, o["name"])
	switch {
	case err != nil:
		return Result{}, err
	case users != nil:
		return Result{}, refuse("Cannot remove. Policy is in use by %s", strings.Join(users, ", "))
	}
	return Result{Text: "policy " + o["name"] + " is removed"}, a.esx.policies.DropPolicy(ctx, ds, o["name"])
}

func (a *Admin) listPolicies(ctx context.Context, _ options) (Result, error) {
	ds, known, err := a.vsan(ctx)
	if err != nil {
		return Result{}, err
	}
	t := Result{Columns: []string{"name", "content", "active"}}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		users, err := a.usersOf(ctx, ds, name)
		if err != nil {
			return t, err
		}
		active := "Unused"
		if users != nil {
			active = fmt.Sprintf("In use by %d volumes", len(users))
		}
		t.Rows = append(t.Rows, []string{name, known[name], active})
	}
	return t, nil
}

// usersOf returns the volumes on a datastore that have a policy, whatever their vmgroup, sorted.
func (a *Admin) usersOf(ctx context.Context, datastore, policy string) (users []string, err error) {
	groups, err := a.vmgroups(ctx)
	if err != nil {
		return nil, err
	}
	for _, uuid := range slices.Sorted(maps.Keys(groups)) {
		volumes, err := a.volumesOf(ctx, uuid)
		if err != nil {
			return nil, err
		}
		for _, v := range volumes {
			if meta, err := a.readMeta(ctx, v); err == nil && v.Datastore == datastore && meta.VolOpts[optPolicy] == policy {
				users = append(users, v.Name)
			}
		}
	}
	slices.Sort(users)
	return users, nil
}
