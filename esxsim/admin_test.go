package esxsim_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
)

// TestVmgroupRules: the life of a vmgroup, and what is refused.
func TestVmgroupRules(t *testing.T) {
	h := newTenants(t)
	h.refuses("Vmgroup name -x is invalid, only [a-zA-Z0-9_][a-zA-Z0-9_.-]* is allowed", "vmgroup create --default-datastore ds1 --name -x")
	h.refuses("Vmgroup name exceeds 64 characters: "+strings.Repeat("x", 65), "vmgroup create --default-datastore ds1 --name "+strings.Repeat("x", 65))
	h.refuses("Default datastore name ds9 is invalid", "vmgroup create --name app --default-datastore ds9")
	h.refuses("Cannot use _ALL_DS as default datastore. Please use specific datastore name or _VM_DS special datastore",
		"vmgroup create --name app --default-datastore _ALL_DS")
	h.refuses("Vmgroup _DEFAULT already exists", "vmgroup create --name _DEFAULT --default-datastore ds1")
	h.refuses("Cannot find vm vm9", "vmgroup create --name app --default-datastore ds1 --vm-list vm1,vm9")
	h.refuses("Vmgroup app does not exist", "vmgroup rm --name app")

	require.Contains(t, h.must("vmgroup create --name app --default-datastore dS2 --description its").Text, "no VMs yet")
	h.refuses("Vmgroup app already exists", "vmgroup create --name app --default-datastore ds1")
	h.must("vmgroup vm add --name app --vm-list vm1")
	require.Equal(t, [][]string{
		{esxsim.DefaultVmgroupUUID, "_DEFAULT", "VMs that are in no other vmgroup", "_VM_DS", ""},
		{"uuid-1", "app", "its", "DS2", "vm1"},
	}, h.must("vmgroup ls").Rows)

	h.refuses("This feature is not supported for vmgroup _DEFAULT.", "vmgroup update --name _DEFAULT --new-name x")
	h.refuses("Vmgroup _DEFAULT already exists", "vmgroup update --name app --new-name _DEFAULT")
	h.refuses("Vmgroup name a/b is invalid, only [a-zA-Z0-9_][a-zA-Z0-9_.-]* is allowed", "vmgroup update --name app --new-name a/b")
	h.must("vmgroup update --name app --new-name odd:name --description new")
	h.must("vmgroup update --name odd:name --new-name app")
	require.Equal(t, []string{"uuid-1", "app", "new", "DS2", "vm1"}, h.must("vmgroup ls").Rows[1])

	h.refuses("Cannot delete non-empty vmgroup app. Remove VMs from the vmgroup before deleting it.", "vmgroup rm --name app")
	h.want(null, "vm1", "create", "v", "")
	h.want(place0, "vm1", "attach", "v", "")
	h.refuses("Failed to remove volume v, in use by VM = vm1.", "vmgroup rm --name app --force --remove-volumes")
	h.want(null, "vm1", "detach", "v", "")
	h.must("vmgroup vm rm --name app --vm-list vm1")
	h.refuses("The vmgroup has volumes in it, these must be removed/migrated before deleting the vmgroup.", "vmgroup rm --name app")
	h.must("vmgroup rm --name app --force")
	require.Equal(t, [][]string{{"v", "N/A"}}, h.must("volume ls --c volume,vmgroup").Rows, "an orphan")

	h.must("vmgroup create --name app --default-datastore ds1 --vm-list vm1")
	h.want(null, "vm1", "create", "w", "")
	h.must("vmgroup rm --name app --force --remove-volumes")
	require.Len(t, h.store.Disks(), 1, "the orphan")

	// _DEFAULT can be removed, and made again without a list of VMs.
	h.must("vmgroup rm --name _DEFAULT")
	h.want(errorText("VM vm1 does not belong to any vmgroup"), "vm1", "create", "x", "")
	_, err := h.run("vmgroup create --name _DEFAULT --default-datastore _VM_DS --vm-list vm1")
	require.ErrorContains(t, err, "Invalid Argument(")
	h.must("vmgroup create --name _DEFAULT --default-datastore _VM_DS")
	h.want(null, "vm1", "create", "x", "")

	h.db.SetMode(esxsim.NotConfigured)
	h.refuses("Configuration not found. Please init configuration with 'vmdksim admin config init'.", "vmgroup ls")
	require.Equal(t, [][]string{{"v", "N/A"}, {"x", "_DEFAULT"}}, h.must("volume ls --c volume,vmgroup").Rows)
}

// TestVMRules: which VMs can go into and out of vmgroups.
func TestVMRules(t *testing.T) {
	h := newTenants(t)
	h.must("vmgroup create --name a --default-datastore ds1 --vm-list vm1")
	h.must("vmgroup create --name b --default-datastore ds1")
	h.refuses("VM 'vm1' has already been associated with tenant 'a', cannot add it again", "vmgroup vm add --name b --vm-list vm2,vm1")
	h.refuses("VM 'vm1' has already been associated with tenant 'a', can't add it", "vmgroup vm replace --name b --vm-list vm1")
	h.refuses("VM 'vm2' has not been associated with tenant 'a', cannot remove it", "vmgroup vm rm --name a --vm-list vm2")
	h.refuses("VMs vm2,vm2 contain duplicates, they should be unique", "vmgroup vm add --name a --vm-list vm2,vm2")
	h.refuses("VM list cannot be empty", "vmgroup vm add --name a --vm-list ,")
	h.refuses("VM list cannot be empty", "vmgroup vm rm --name a --vm-list ,")
	h.refuses("Replace VM cannot be empty", "vmgroup vm replace --name a --vm-list ,")
	h.refuses("Cannot find vm vm9", "vmgroup vm add --name a --vm-list vm9")
	for _, what := range []string{"add", "rm", "replace"} {
		h.refuses("This feature is not supported for vmgroup _DEFAULT.", "vmgroup vm "+what+" --name _DEFAULT --vm-list vm1")
	}
	require.Empty(t, h.must("vmgroup vm ls --name b").Rows)
	require.NotEmpty(t, h.must("vmgroup vm ls --name _DEFAULT").Text)

	h.want(null, "vm1", "create", "v", "")
	h.want(place0, "vm1", "attach", "v", "")
	h.refuses("Cannot remove VM from vmgroup VM 'vm1' has volumes mounted.", "vmgroup vm rm --name a --vm-list vm1")
	h.refuses("Cannot replace VM in vmgroup VM 'vm1' has volumes mounted.", "vmgroup vm replace --name a --vm-list vm2")
	h.want(null, "vm1", "detach", "v", "")
	h.must("vmgroup vm replace --name a --vm-list vm2,vm3")
	require.Equal(t, [][]string{{"vm2", "vm2"}, {"vm3", "vm3"}}, h.must("vmgroup vm ls --name a").Rows)
	h.must("vmgroup vm add --name b --vm-list vm1")
	require.Equal(t, [][]string{{"bios-1", "vm1"}}, h.must("vmgroup vm ls --name b").Rows)
	h.want(null, "vm2", "create", "w", "")
	h.want(place0, "vm2", "attach", "w", "")
	h.refuses("Cannot add VM to vmgroup VM 'vm2' has volumes mounted.", "vmgroup vm add --name b --vm-list vm2")
}

// TestAccessRules: rows of privileges.
func TestAccessRules(t *testing.T) {
	h := newTenants(t)
	h.must("vmgroup create --name a --default-datastore ds1")
	h.refuses("Access privilege for (a, ds1) already exists", "vmgroup access add --name a --datastore DS1")
	h.refuses("No access privilege exists for (a, DS2)", "vmgroup access set --name a --datastore ds2 --volume-maxsize 1gb")
	h.refuses("No access privilege exists for (a, DS2)", "vmgroup access rm --name a --datastore ds2")
	h.refuses("Datastore ds9 does not exist", "vmgroup access add --name a --datastore ds9")
	h.refuses("Volume max size 2048MB exceeds the total size 1024MB", "vmgroup access add --name a --datastore ds2 --volume-maxsize 2gb --volume-totalsize 1gb")
	h.refuses("Invalid Argument(volume-maxsize: much)", "vmgroup access add --name a --datastore ds2 --volume-maxsize much")
	h.refuses("Invalid Argument(volume-maxsize: 5pb)", "vmgroup access add --name a --datastore ds2 --volume-maxsize 5pb")
	h.must("vmgroup access add --name a --datastore ds3 --volume-totalsize 4294967296mb")
	require.Equal(t, "4194304GB", h.must("vmgroup access ls --name a").Rows[1][3])
	h.must("vmgroup access rm --name a --datastore ds3")
	h.must("vmgroup access add --name a --datastore ds2 --volume-maxsize 512mb --volume-totalsize 1tb")
	h.refuses("Invalid value maybe for allow-create option", "vmgroup access set --name a --datastore ds2 --allow-create maybe")
	h.must("vmgroup access set --name a --datastore ds2 --allow-create True --volume-maxsize 0")
	require.Equal(t, esxsim.Result{
		Columns: []string{"datastore", "allow-create", "max-volume-size", "total-size"},
		Rows:    [][]string{{"DS2", "True", "Unset", "1024GB"}, {"ds1", "True", "Unset", "Unset"}},
	}, h.must("vmgroup access ls --name a"))
	h.refuses("Removing of access privilege to 'default_datastore' is not supported", "vmgroup access rm --name a --datastore ds1")
	h.must("vmgroup update --name a --default-datastore ds3")
	h.must("vmgroup access rm --name a --datastore ds1")
	require.Equal(t, "DS2 ds3", h.must("vmgroup access ls --name a").Rows[0][0]+" "+h.must("vmgroup access ls --name a").Rows[1][0])
}

// TestVolumeCommands: the table of volumes, and changing what can be changed.
func TestVolumeCommands(t *testing.T) {
	h := newTenants(t)
	h.want(null, "vm1", "create", "v", `{"size":"1gb","fstype":"xfs"}`)
	h.want(place0, "vm1", "attach", "v", "")
	h.must("vmgroup create --name app --default-datastore ds3 --vm-list vm2")
	h.want(null, "vm2", "create", "w", "")
	row := h.must("volume ls --vmgroup _DEF*").Rows
	require.Len(t, row, 1)
	require.Equal(t, []string{"v", "ds1", "_DEFAULT", "1GB", "0", "xfs", "N/A", "thin", "vm1", "read-write", "independent_persistent", "vm1"}, row[0][:12])
	require.Equal(t, [][]string{{"app", "w"}}, h.must("volume ls --vmgroup *pp --c vmgroup,volume").Rows)
	require.Empty(t, h.must("volume ls --vmgroup b*").Rows)
	_, err := h.run("volume ls --c moon")
	require.ErrorContains(t, err, "Invalid column moon")
	_, err = h.run("volume ls --c ,")
	require.ErrorContains(t, err, "No column is given")
	short := h.must("volume shortls --vmgroup _DEFAULT")
	require.Equal(t, []string{"volume", "capacity", "disk-format", "attached-to"}, short.Columns)
	require.Equal(t, [][]string{{"v", "1GB", "thin", "vm1"}}, short.Rows)
	require.Len(t, h.must("volume shortls").Rows, 2)

	h.must("volume set --volume v@DS1 --vmgroup _DEFAULT --options access=read-only,attach-as=persistent")
	meta, _ := h.store.Meta("ds1", "v")
	require.Equal(t, "read-only", meta.VolOpts["access"])
	require.Equal(t, "xfs", meta.VolOpts["fstype"])
	require.Equal(t, "attached", meta.Status)
	for options, says := range map[string]string{
		"v@ds1 --options access=none": "Access type 'none' is not supported", "v@ds1 --options fstype=xfs": "Only access and attach-as",
		"v --options access=read-only": "VOLUME@DATASTORE", "w@ds1 --options access=read-only": "metadata cannot be read",
		"../x@ds1 --options access=read-only": "illegal characters",
	} {
		_, err := h.run("volume set --vmgroup _DEFAULT --volume " + options)
		require.ErrorContains(t, err, says, options)
	}
	h.refuses("Vmgroup moon does not exist", "volume set --vmgroup moon --volume v@ds1 --options access=read-only")
}

// TestUsage: what is no command.
func TestUsage(t *testing.T) {
	h := newTenants(t)
	for line, says := range map[string]string{
		"volume fly":                     `no command "volume fly"`,
		"vmgroup create --name x":        "option default-datastore is missing",
		"vmgroup ls --x y --moon z":      "no option moon, x",
		"vmgroup rm --name x --force it": "is a switch",
	} {
		_, err := h.run(line)
		require.ErrorIs(t, err, esxsim.ErrUsage, line)
		require.ErrorContains(t, err, says)
	}
	h.refuses("Sorry, configuration move ('config mv' command) is not supported yet", "config mv --to ds2")
}

// TestQuotaFaults: what cannot be charged is made all the same, and what cannot be discharged answers what is no answer.
func TestQuotaFaults(t *testing.T) {
	both(t, esxsim.MalformedErrors, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newTenants(t, set)
		h.must("vmgroup create --name app --default-datastore ds1 --vm-list vm1")
		h.must("vmgroup access set --name app --datastore ds1 --volume-totalsize 100mb")
		h.stage.faults["esx.create.quota"] = "fail"
		h.want(null, "vm1", "create", "a", "")
		h.want(null, "vm1", "create", "b", "")
		delete(h.stage.faults, "esx.create.quota")
		h.want(null, "vm1", "create", "c", "")
		h.stage.faults["esx.remove.quota"] = "fail"
		failed := "DB access error at /etc/vmware/vmdkops/auth-db: simulated fault"
		h.want(choose(on, `"`+failed+`"`, errorText(failed)), "vm1", "remove", "c", "")
		require.Len(t, h.store.Disks(), 2)
		h.want(errorText("The total volume size exceeds the usage quota"), "vm1", "create", "d", "")
	})
}

// place is a database that can be made and removed.
type place struct {
	*esxsim.MemConfig
	mode  esxsim.Mode
	plain bool // it is no link
	calls []string
}

func (p *place) Where() (esxsim.Mode, string, string) {
	if p.plain {
		return p.mode, "/local", ""
	}
	return p.mode, "/local", "/shared"
}

func (p *place) Init(_ context.Context, datastore string, force bool) error {
	p.calls = append(p.calls, fmt.Sprint("init ", datastore, force))
	return nil
}

func (p *place) Remove(_ context.Context, backup bool) (string, error) {
	p.calls = append(p.calls, fmt.Sprint("remove ", backup))
	return map[bool]string{true: "/saved"}[backup], nil
}

// TestSetUnlocked: what is written while "volume set" is at work is undone (D12, S60).
func TestSetUnlocked(t *testing.T) {
	both(t, esxsim.SetUnlocked, func(t *testing.T, on bool, set func(*esxsim.Config)) {
		h := newTenants(t, set, try)
		h.want(null, "vm1", "create", "v", "")
		h.stage.before["esx.admin.set"] = func() {
			h.want(choose(on, place0, errorText("Server returned an error: no lock of the volume: held")), "vm1", "attach", "v", "")
		}
		h.must("volume set --volume v@ds1 --vmgroup _DEFAULT --options access=read-only")
		meta, _ := h.store.Meta("ds1", "v")
		require.Equal(t, "detached", meta.Status)
		require.Equal(t, "read-only", meta.VolOpts["access"])
		require.Len(t, h.Plugged("vm1"), map[bool]int{true: 1, false: 0}[on])
	})
}

// TestPolicyCommands: the life of a vSAN policy.
func TestPolicyCommands(t *testing.T) {
	h := newTenants(t)
	h.refuses("Error: VSAN datastore does not exist", "policy ls")
	h = newTenants(t, func(c *esxsim.Config) { c.VSAN = map[string][]string{"DS2": {"gold"}} })
	h.must("policy create --name silver --content (1)")
	h.refuses("Error: Policy already exists", "policy create --name gold --content x")
	h.refuses("Policy name ../x is invalid, only [a-zA-Z0-9_][a-zA-Z0-9_.-]* is allowed", "policy create --name ../x --content x")
	h.refuses("Error: New policy is identical to old policy. Ignoring.", "policy update --name silver --content (1)")
	h.refuses("Policy lead does not exist", "policy update --name lead --content (1)")
	h.refuses("Policy lead does not exist", "policy rm --name lead")
	h.must("policy update --name silver --content (2)")
	h.want(null, "vm1", "create", "v@ds2", `{"vsan-policy-name":"silver"}`)
	h.want(null, "vm1", "create", "w@ds2", `{"vsan-policy-name":"silver"}`)
	h.refuses("Cannot remove. Policy is in use by v, w", "policy rm --name silver")
	require.Equal(t, [][]string{{"gold", "", "Unused"}, {"silver", "(2)", "In use by 2 volumes"}}, h.must("policy ls").Rows)
	h.must("policy rm --name gold")
	h.want(errorText("Policy gold does not exist. Available policies are: ['silver']"), "vm1", "create", "x@ds2", `{"vsan-policy-name":"gold"}`)
}

// TestConfigCommands: what is asked for before a database is made or removed.
func TestConfigCommands(t *testing.T) {
	h := newTenants(t)
	h.refuses("This host has no place for a config database; give serve a --config", "config init --local")
	p := &place{MemConfig: h.db, mode: esxsim.NotConfigured}
	h.admin = esxsim.NewAdmin(h.Service, p, nil)
	h.refuses("Error: only one of '--datastore' or '--local' can be set", "config init --local --datastore ds1")
	h.refuses("Error: one of '--datastore' or '--local' have to be set", "config init")
	h.refuses("No such datastore: ds9", "config init --datastore ds9")
	h.must("config init --local")
	h.must("config init --datastore ds2 --force")
	require.Equal(t, "there is nothing to remove", h.must("config rm --local --confirm").Text)
	p.mode = esxsim.SingleNode
	h.refuses("Error: the configuration is of this host; use --local", "config rm --unlink --confirm")
	h.refuses("Error: one of '--local' or '--unlink' have to be set", "config rm --confirm")
	h.refuses("Warning: this removes the configuration of all vmgroups; say --confirm", "config rm --local")
	require.Contains(t, h.must("config rm --local --confirm").Text, "/saved")
	p.mode = esxsim.BrokenLink
	h.refuses("Error: the configuration is shared; use --unlink", "config rm --local --confirm")
	h.must("config rm --unlink --no-backup --confirm")
	p.plain = true // a file that is no database
	h.refuses("Error: the configuration is of this host; use --local", "config rm --unlink --confirm")
	h.must("config rm --local --confirm")
	require.Equal(t, []string{"init false", "init DS2true", "remove true", "remove false", "remove true"}, p.calls)
	p.plain = false
	require.Equal(t, [][]string{
		{"Version", "0.21"},
		{"Status", "Running"},
		{"Pid", "N/A"},
		{"Port", "N/A"},
		{"LogConfigFile", "N/A"},
		{"LogFile", "N/A"},
		{"LogLevel", "N/A"},
		{"DB_Mode", "BrokenLink"},
		{"DB_LocalPath", "/local"},
		{"DB_SharedLocation", "/shared"},
	}, h.must("status").Rows)
	h.admin.In(esxsim.Program{Pid: 5, Port: "1019", LogLevel: "info"})
	require.Equal(t, [][]string{
		{"Status", "Running"}, {"Pid", "5"}, {"LogConfigFile", "N/A"}, {"LogFile", "N/A"}, {"LogLevel", "info"},
	}, h.must("status --fast").Rows[:5])
	require.Len(t, h.must("config status").Rows, 3)
}

// TestEveryCommand: the commands of docs/original.md §6.2 are there, each with its options and no other, required ones with "!".
func TestEveryCommand(t *testing.T) {
	want := map[string]string{
		"volume ls": "c vmgroup", "volume shortls": "vmgroup", "volume set": "options! vmgroup! volume!",
		"policy create": "content! name!", "policy rm": "name!", "policy ls": "", "policy update": "content! name!",
		"vmgroup create": "default-datastore! description name! vm-list", "vmgroup update": "default-datastore description name! new-name",
		"vmgroup rm": "force name! remove-volumes", "vmgroup ls": "",
		"vmgroup vm add": "name! vm-list!", "vmgroup vm rm": "name! vm-list!", "vmgroup vm replace": "name! vm-list!", "vmgroup vm ls": "name!",
		"vmgroup access add": "allow-create datastore! name! volume-maxsize volume-totalsize",
		"vmgroup access set": "allow-create datastore! name! volume-maxsize volume-totalsize",
		"vmgroup access rm":  "datastore! name!", "vmgroup access ls": "name!",
		"config init": "datastore force local", "config rm": "confirm local no-backup unlink", "config mv": "force to!", "config status": "",
		"status": "fast",
	}
	got := map[string]string{}
	for _, c := range esxsim.AdminCommands() {
		var words []string
		for _, o := range c.Options {
			words = append(words, o.Name+map[bool]string{true: "!"}[o.Required])
		}
		slices.Sort(words)
		got[c.Name] = strings.Join(words, " ")
		require.NotEmpty(t, c.Short)
	}
	require.Equal(t, want, got)
}
