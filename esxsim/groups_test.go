package esxsim_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

// grouped gives a service a config database as a new one is: everybody in _DEFAULT, which may do everything.
func grouped(c *esxsim.Config) {
	c.Groups = esxsim.NewMemConfig(seam.Real(), false, esxsim.SingleNode)
}

// tenants is a host with a config database and its administrator.
type tenants struct {
	*host
	db    *esxsim.MemConfig
	admin *esxsim.Admin
}

func newTenants(t *testing.T, change ...func(*esxsim.Config)) *tenants {
	t.Helper()
	h := &tenants{db: esxsim.NewMemConfig(seam.Real(), false, esxsim.SingleNode)}
	h.host = newHost(t, append([]func(*esxsim.Config){func(c *esxsim.Config) { c.Groups = h.db }}, change...)...)
	n := 0
	h.admin = esxsim.NewAdmin(h.Service, h.db, func() string { n++; return fmt.Sprint("uuid-", n) })
	return h
}

// run is a command as one types it, without blanks in values.
func (h *tenants) run(line string) (esxsim.Result, error) {
	c := esxsim.Command{Options: map[string]string{}}
	var name []string
	words := strings.Fields(line)
	for i := 0; i < len(words); i++ {
		option, is := strings.CutPrefix(words[i], "--")
		switch {
		case !is:
			name = append(name, words[i])
		case i+1 == len(words) || strings.HasPrefix(words[i+1], "--"):
			c.Options[option] = "true"
		default:
			c.Options[option] = words[i+1]
			i++
		}
	}
	c.Name = strings.Join(name, " ")
	return h.admin.Do(h.t.Context(), c)
}

func (h *tenants) must(line string) esxsim.Result {
	h.t.Helper()
	r, err := h.run(line)
	require.NoError(h.t, err, line)
	return r
}

func (h *tenants) refuses(text, line string) {
	h.t.Helper()
	_, err := h.run(line)
	var refusal *esxsim.Refusal
	require.ErrorAs(h.t, err, &refusal, line)
	require.Equal(h.t, text, refusal.Text, line)
}

const appPath = "/vmfs/volumes/ds1/dockvols/app/v.vmdk"

// TestModes: what each mode of the config database means for requests (docs/original.md §2.12).
func TestModes(t *testing.T) {
	h := newTenants(t)
	for _, mode := range []esxsim.Mode{esxsim.NotConfigured, esxsim.SingleNode, esxsim.MultiNode} {
		h.db.SetMode(mode)
		h.want(null, "vm1", "create", "v", "")
		h.want(`[{"Name": "v@ds1", "Attributes": {}}]`, "vm1", "list", "", "")
		h.want(null, "vm1", "remove", "v", "")
	}
	h.want(null, "vm1", "create", "v", "")
	h.want(place0, "vm1", "attach", "v", "")
	h.db.SetMode(esxsim.BrokenLink)
	broken := errorText("DB connection error at /etc/vmware/vmdkops/auth-db")
	for _, cmd := range []string{"create", "remove", "get", "attach", "fly"} {
		h.want(broken, "vm1", cmd, "v", "")
	}
	h.want(`[]`, "vm1", "list", "", "")
	h.want(errorText(`Server returned an error: UnboundLocalError(\"local variable 'datastore' referenced before assignment\")`),
		"vm1", "detach", "v@ds1", "")
	require.Len(t, h.Plugged("vm1"), 1)

	// In configured mode the size is looked at first, and by other rules.
	const format = `Invalid format for size. \nValid sizes must be of form X[mMgGtT]b where X is an integer. Default = 100mb`
	h.db.SetMode(esxsim.SingleNode)
	for size, want := range map[string]string{
		"0mb": "Invalid volume size specified.", "10kb": "Invalid volume size specified.", "big": "Invalid volume size specified.",
		"1pb": format, "": "Invalid volume size specified.", "-5mb": "Invalid volume size specified.",
	} {
		h.want(errorText(want), "vm1", "create", "w", `{"size":"`+size+`"}`)
	}
	h.db.SetMode(esxsim.NotConfigured)
	h.want(errorText("Failed to create volume: A specified parameter was not correct: capacityKb"), "vm1", "create", "w", `{"size":"0mb"}`)
	h.want(errorText(format), "vm1", "create", "w", `{"size":"big"}`)
}

// TestForceDetach: a VM whose vmgroup is gone gets its disk out, or, in the original, does not (D17, S25).
func TestForceDetach(t *testing.T) {
	both(t, esxsim.ForceDetachBroken, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newTenants(t, set)
		h.must("vmgroup create --name app --default-datastore ds1 --vm-list vm2")
		h.want(null, "vm2", "create", "v", "")
		h.want(place0, "vm2", "attach", "v", "")
		h.must("vmgroup rm --name app --force")
		h.must("vmgroup rm --name _DEFAULT --force")
		gone := "VM vm2 does not belong to any vmgroup"
		h.want(errorText(gone), "vm2", "get", "v", "")
		h.want(`[]`, "vm2", "list", "", "")
		failed := errorText(`Server returned an error: UnboundLocalError(\"local variable 'datastore' referenced before assignment\")`)
		h.want(choose(on, failed, errorText(gone)), "vm2", "detach", "v", "")
		h.want(choose(on, failed, null), "vm2", "detach", "v@DS1", "")
		require.Len(t, h.Plugged("vm2"), map[bool]int{true: 1, false: 0}[on])
		h.want(choose(on, failed, null), "vm2", "detach", "v@DS1", "")
		require.True(t, h.Idle())
	})
}

// TestPrivileges: which row counts, and what it allows.
func TestPrivileges(t *testing.T) {
	h := newTenants(t)
	none, noCreate, noDelete := errorText("No access privilege exists"), errorText("No create privilege"), errorText("No delete privilege")
	h.must("vmgroup create --name app --default-datastore ds1 --vm-list vm1,vm3") // vm3 is at home on ds3
	h.want(null, "vm1", "create", "v", "")
	h.want(errorText("File "+appPath+" already exists"), "vm3", "create", "v", "")
	for _, cmd := range []string{"create", "remove", "get", "attach", "detach", "fly"} {
		h.want(none, "vm1", cmd, "v@DS2", "")
		h.want(none, "vm3", cmd, "v@ds3", "")
	}

	// The row of the home datastore is final, even if _ALL_DS allows more.
	h.must("vmgroup access add --name app --datastore _VM_DS")
	h.must("vmgroup access add --name app --datastore _ALL_DS --allow-create")
	h.want(noCreate, "vm3", "create", "v@ds3", "")
	h.want(noDelete, "vm3", "remove", "v@ds3", "")
	h.want(noCreate, "vm3", "create", "v@_VM_DS", "")
	h.want(null, "vm1", "create", "v@ds3", "") // not its home
	h.want(null, "vm1", "remove", "v@ds3", "")
	// The row of the datastore itself comes before both.
	h.must("vmgroup access add --name app --datastore ds3 --allow-create")
	h.want(null, "vm3", "create", "v@ds3", "")
	h.want(noCreate, "vm3", "create", "w@_VM_DS", "")
	// A short name is the row of the default datastore alone.
	h.must("vmgroup access set --name app --datastore ds1 --allow-create False")
	h.want(noCreate, "vm1", "create", "w", "")
	h.want(noCreate, "vm1", "create", "w@ds1", "")
	h.want(place0, "vm1", "attach", "v", "")
	h.want(null, "vm1", "detach", "v", "")
	h.want(noDelete, "vm1", "remove", "v", "")
	h.must("vmgroup update --name app --default-datastore _VM_DS")
	h.want(noCreate, "vm3", "create", "w", "")
	h.must("vmgroup access set --name app --datastore _VM_DS --allow-create True")
	h.want(null, "vm3", "create", "w", "")
	require.True(t, h.Idle())
}

// TestLimits: sizes and quotas, and their order.
func TestLimits(t *testing.T) {
	h := newTenants(t)
	tooBig, over := errorText("Volume size exceeds the max volume size limit"), errorText("The total volume size exceeds the usage quota")
	h.must("vmgroup create --name app --default-datastore ds1 --vm-list vm1")
	h.must("vmgroup access set --name app --datastore ds1 --volume-maxsize 1gb --volume-totalsize 2gb")
	h.want(tooBig, "vm1", "create", "v", `{"size":"1025mb"}`)
	h.want(null, "vm1", "create", "v", `{"size":"1024mb"}`)
	h.want(null, "vm1", "create", "w", `{"size":"1023MB"}`)
	h.want(over, "vm1", "create", "x", "") // 100 MB
	h.want(over, "vm1", "create", "x", `{"size":"2mb"}`)
	h.want(null, "vm1", "create", "x", `{"size":"1mb"}`)
	h.want(null, "vm1", "remove", "v", "")
	h.want(null, "vm1", "create", "y", "")
	// It is each datastore's, even if the row is that of all.
	h.must("vmgroup access add --name app --datastore _ALL_DS --allow-create --volume-totalsize 100mb")
	h.want(null, "vm1", "create", "v@ds2", "")
	h.want(over, "vm1", "create", "w@ds2", `{"size":"1mb"}`)
	h.want(null, "vm1", "create", "v@ds3", "")
	// _VM_DS is charged where the volume really is.
	h.must("vmgroup access add --name app --datastore _VM_DS --allow-create --volume-totalsize 1gb")
	h.must("vmgroup update --name app --default-datastore _VM_DS")
	h.want(over, "vm1", "create", "z", "")
}

// TestQuotaRace: two creates look for room, and both find it (D10, S48).
func TestQuotaRace(t *testing.T) {
	both(t, esxsim.QuotaRace, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newTenants(t, set)
		over := errorText("The total volume size exceeds the usage quota")
		h.must("vmgroup create --name app --default-datastore ds1 --vm-list vm1,vm2")
		h.must("vmgroup access set --name app --datastore ds1 --volume-totalsize 100mb")
		h.stage.before["esx.create.disk"] = func() { h.want(choose(on, null, over), "vm2", "create", "b", `{"size":"60mb"}`) }
		h.want(null, "vm1", "create", "a", `{"size":"60mb"}`)
		require.Len(t, h.store.Disks(), map[bool]int{true: 2, false: 1}[on])

		// What fails is not charged, and what is removed is not charged any more.
		h.want(null, "vm1", "remove", "a", "")
		h.want(null, "vm1", "remove", "b", "")
		h.stage.faults["esx.create.meta"] = "fail"
		h.want(errorText("Failed to create metadata kv store for /vmfs/volumes/ds1/dockvols/app/a.vmdk"), "vm1", "create", "a", "")
		delete(h.stage.faults, "esx.create.meta")
		h.want(null, "vm1", "create", "a", "")
		h.want(over, "vm1", "create", "b", `{"size":"1mb"}`)
	})
}

// TestClonesUncounted: a clone is looked at twice, and charged never (D10).
func TestClonesUncounted(t *testing.T) {
	both(t, esxsim.ClonesUncounted, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newTenants(t, set)
		over := errorText("The total volume size exceeds the usage quota")
		h.must("vmgroup create --name app --default-datastore ds1 --vm-list vm1")
		h.must("vmgroup access set --name app --datastore ds1 --volume-totalsize 500mb")
		h.want(null, "vm1", "create", "src", `{"size":"200mb"}`)
		h.want(null, "vm1", "create", "c1", `{"clone-from":"src"}`)
		h.want(choose(on, null, over), "vm1", "create", "c2", `{"clone-from":"src"}`)
		h.want(choose(on, null, over), "vm1", "create", "c3", `{"clone-from":"src"}`)
		// In the first look a clone has the default size, in the second its own.
		h.want(null, "vm1", "create", "most", `{"size":"100mb"}`)
		h.want(choose(on, null, over), "vm1", "create", "big", `{"clone-from":"src"}`)
	})
}

// TestCloneAuthorization: a clone needs privileges on both datastores.
func TestCloneAuthorization(t *testing.T) {
	h := newTenants(t)
	h.want(null, "vm1", "create", "src@ds3", "")
	h.must("vmgroup create --name app --default-datastore ds1 --vm-list vm1")
	h.want(errorText("Failed to authorize VM: No access privilege exists, datastore: ds3"), "vm1", "create", "c", `{"clone-from":"src@ds3"}`)
	h.must("vmgroup access add --name app --datastore ds3")
	h.want(errorText("Could not find volume for cloning src@ds3"), "vm1", "create", "c", `{"clone-from":"src@ds3"}`)
	h.must("vmgroup access set --name app --datastore ds3 --allow-create True")
	h.want(null, "vm1", "create", "src@ds3", `{"size":"300mb"}`)
	h.must("vmgroup access set --name app --datastore ds1 --volume-maxsize 200mb")
	h.want(errorText("Volume size exceeds the max volume size limit"), "vm1", "create", "c", `{"clone-from":"src@ds3"}`)
	require.True(t, h.Idle())
	require.Len(t, h.store.Disks(), 2)
}

// TestVmgroupByName: a rename while requests are on their way (D29, S66).
func TestVmgroupByName(t *testing.T) {
	both(t, esxsim.VmgroupByName, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newTenants(t, set)
		h.must("vmgroup create --name app --default-datastore ds1 --vm-list vm1,vm2")
		h.want(null, "vm1", "create", "v", "")
		rename := func() { h.must("vmgroup update --name app --new-name web") }
		h.stage.before["esx.remove.meta"] = rename
		h.want(null, "vm1", "remove", "v", "") // in the original, what is not found is removed
		require.Len(t, h.store.Disks(), map[bool]int{true: 1, false: 0}[on])
		h.must("vmgroup update --name web --new-name app")

		// A half-made volume is neither finished nor undone.
		h.stage.before["esx.create.meta"] = rename
		h.want(choose(on, errorText("Server returned an error: TypeError('not all arguments converted during string formatting')"), null),
			"vm1", "create", "w", "")
		require.True(t, strings.HasPrefix(h.do("vm1", "get", "w", ""), choose(on, null, `{"created by VM": "vm1"`)))
	})
}

// TestRenameInSteps: a request that comes between the two steps has the old name, and its paths.
func TestRenameInSteps(t *testing.T) {
	h := newTenants(t, try)
	h.must("vmgroup create --name app --default-datastore ds1 --vm-list vm1,vm2")
	h.want(null, "vm1", "create", "v", "")
	seen := 0
	h.stage.before["esx.admin.relink"] = func() {
		seen++
		require.Contains(t, h.do("vm1", "get", "v", ""), "detached")
	}
	h.stage.before["esx.admin.rename"] = func() {
		seen++
		h.stage.before["esx.attach.plug"] = func() { // a lock of the old name
			h.want(errorText("Server returned an error: no lock of the volume: held"), "vm2", "get", "v", "")
		}
		h.want(place0, "vm1", "attach", "v", "")
		h.want(errorText("Volume x not found (file: /vmfs/volumes/ds1/dockvols/app/x.vmdk)"), "vm1", "get", "x", "")
	}
	h.must("vmgroup update --name app --new-name web")
	require.Equal(t, 2, seen)
	h.want(errorText("Volume x not found (file: /vmfs/volumes/ds1/dockvols/web/x.vmdk)"), "vm1", "get", "x", "")
}

// TestIsolation: vmgroups see their own volumes only, under the same names.
func TestIsolation(t *testing.T) {
	h := newTenants(t)
	h.want(null, "vm1", "create", "v", "")
	h.must("vmgroup create --name app --default-datastore _VM_DS --vm-list vm1")
	h.want(`[]`, "vm1", "list", "", "")
	h.want(errorText("Volume v not found (file: "+appPath+")"), "vm1", "get", "v", "")
	h.want(null, "vm1", "create", "v", "")
	h.want(place0, "vm1", "attach", "v", "")
	h.want(place0, "vm2", "attach", "v", "") // another one
	h.want(errorText("Failed to remove volume v, in use by VM = vm1."), "vm1", "remove", "v", "")
	require.Len(t, h.store.Disks(), 2)
}

// TestRemoveHiddenVolumes: a vmgroup goes with the volumes that nobody is shown, and with what they were charged.
func TestRemoveHiddenVolumes(t *testing.T) {
	h := newTenants(t)
	h.must("vmgroup create --name app --default-datastore ds1 --vm-list vm2")
	for _, name := range []string{"x-flat", "v"} {
		h.want(null, "vm2", "create", name, "")
	}
	h.want(place0, "vm2", "attach", "x-flat", "")
	h.refuses("Failed to remove volume x-flat, in use by VM = vm2.", "vmgroup rm --name app --force --remove-volumes")
	require.Len(t, h.store.Disks(), 2)
	h.want(null, "vm2", "detach", "x-flat", "")
	h.must("vmgroup rm --name app --force --remove-volumes")
	require.Empty(t, h.store.Disks())
	h.want(`[]`, "vm2", "list", "", "")
}

// TestReservedVmgroupNames: a vmgroup cannot be called like something else that a datastore has beside the vmgroups'
// directories (docs/original.md §2.5).
func TestReservedVmgroupNames(t *testing.T) {
	h := newTenants(t)
	h.must("vmgroup create --name app --default-datastore ds1")
	for _, name := range []string{
		"policies", "vmdkops_config.db", "vmdkops_config.db-journal", "my_config.db",
		esxsim.DefaultVmgroupUUID, "0A1b2c3d-0000-4000-8000-0a1b2c3d4e5f",
	} {
		text := "Vmgroup name " + name + " cannot be used: datastores keep something else under it"
		h.refuses(text, "vmgroup create --name "+name+" --default-datastore ds1")
		h.refuses(text, "vmgroup update --name app --new-name "+name)
	}
	h.must("vmgroup rm --name _DEFAULT")
	for _, name := range []string{"_DEFAULT", ".config-1"} {
		h.refuses("Vmgroup name "+name+" cannot be used: datastores keep something else under it", "vmgroup update --name app --new-name "+name)
	}
	h.must("vmgroup create --name _DEFAULT --default-datastore ds1")
	h.must("vmgroup create --name policies2 --default-datastore ds1")
	h.must("vmgroup update --name policies2 --new-name 0a1b2c3d-0000")
}

// TestPatterns: a pattern costs no more than its length times that of the name, however many stars it has.
func TestPatterns(t *testing.T) {
	h := newTenants(t)
	names := []string{strings.Repeat("a", 64), "abcab", "b"}
	for _, name := range names {
		h.must("vmgroup create --name " + name + " --default-datastore ds1 --vm-list vm2")
		h.want(null, "vm2", "create", "v", "")
		h.must("vmgroup vm rm --name " + name + " --vm-list vm2")
	}
	for pattern, want := range map[string][]string{
		"*": names, "a*": names[:2], "*b": names[1:], "ab*ab": names[1:2], "*ca*": names[1:2], "ab*bab": nil, "b": names[2:], "": nil,
		"a*a*b": names[1:2], "**b**": names[1:], strings.Repeat("*a", 40) + "b": nil, strings.Repeat("a*", 64): names[:1],
	} {
		r, err := h.admin.Do(t.Context(), esxsim.Command{Name: "volume ls", Options: map[string]string{"vmgroup": pattern, "c": "vmgroup"}})
		require.NoError(t, err)
		var got []string
		for _, row := range r.Rows {
			got = append(got, row[0])
		}
		require.ElementsMatch(t, want, got, pattern)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.admin.Do(ended, esxsim.Command{Name: "volume ls"})
	require.ErrorIs(t, err, context.Canceled)
}
