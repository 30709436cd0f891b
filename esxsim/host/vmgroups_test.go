package host_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/esxsim/host"
	"vmdkvol/seam"
)

// TestVmgroupDirectories: a vmgroup has a directory with its name on every datastore, which outlives the host and is found
// again, whatever records of owners a host that died has left there.
func TestVmgroupDirectories(t *testing.T) {
	dir := t.TempDir()
	db := esxsim.NewMemConfig(seam.Real(), false, esxsim.SingleNode)
	start := func() (*host.Host, func(vm, request string) string) {
		h := open(t, dir, func(c *host.Config) {
			c.Groups = db
			c.VMs = []host.VM{{Name: "vm1"}, {Name: "vm2"}}
		})
		return h, func(vm, request string) string {
			reply, err := h.Port(vm).RoundTrip(t.Context(), []byte(request))
			require.NoError(t, err)
			return string(reply)
		}
	}
	admin := func(h *host.Host, name string, options map[string]string) {
		t.Helper()
		_, err := h.Admin(t.Context(), host.Command{Name: name, Options: options})
		require.NoError(t, err)
	}
	h, ask := start()
	admin(h, "vmgroup create", map[string]string{"name": "app", "default-datastore": "_VM_DS", "vm-list": "vm2"})
	for _, vm := range []string{"vm1", "vm2"} {
		require.Equal(t, "null", ask(vm, `{"cmd":"create","details":{"Name":"v","Opts":{"size":"1mb"}},"version":"2"}`))
	}
	require.Contains(t, ask("vm2", `{"cmd":"attach","details":{"Name":"v"},"version":"2"}`), `"Unit": "0"`)
	require.FileExists(t, filepath.Join(dir, "dockvols/app/v.vmdk"))
	require.NoError(t, h.Close())

	h, ask = start()
	require.Contains(t, ask("vm2", `{"cmd":"get","details":{"Name":"v"},"version":"2"}`), `"status": "detached"`)
	require.Equal(t, "null", ask("vm1", `{"cmd":"remove","details":{"Name":"v"},"version":"2"}`))
	admin(h, "vmgroup rm", map[string]string{"name": "app", "force": "true"})
	require.Equal(t, `[]`, ask("vm2", `{"cmd":"list","details":{"Name":""},"version":"2"}`))
	// A new vmgroup takes the name over from the one that is gone, and not its volumes.
	admin(h, "vmgroup create", map[string]string{"name": "app", "default-datastore": "_VM_DS", "vm-list": "vm2"})
	require.NoFileExists(t, filepath.Join(dir, "dockvols/app/v.vmdk"))
	require.Equal(t, "null", ask("vm2", `{"cmd":"create","details":{"Name":"v","Opts":{"size":"1mb"}},"version":"2"}`))
	// A name that is a path leads nowhere.
	_, err := h.Admin(t.Context(), host.Command{Name: "vmgroup update", Options: map[string]string{"name": "app", "new-name": ".."}})
	require.Error(t, err)
	require.NoError(t, h.Close())
	entries, err := os.ReadDir(filepath.Join(dir, "dockvols"))
	require.NoError(t, err)
	require.Len(t, entries, 5, "two names, three directories")
}

// TestAdminWhileServing: commands and requests at the same time, for the race detector.
func TestAdminWhileServing(t *testing.T) {
	db := esxsim.NewMemConfig(seam.Real(), false, esxsim.SingleNode)
	h := open(t, t.TempDir(), func(c *host.Config) { c.Groups = db })
	_, err := h.Admin(t.Context(), host.Command{Name: "vmgroup create", Options: map[string]string{"name": "a", "default-datastore": "_VM_DS", "vm-list": "vm1"}})
	require.NoError(t, err)
	var wait sync.WaitGroup
	for _, f := range []func(i int) error{
		func(int) error {
			_, err := h.Port("vm1").RoundTrip(t.Context(), []byte(`{"cmd":"create","details":{"Name":"v","Opts":{"size":"1mb"}},"version":"2"}`))
			return err
		},
		func(int) error {
			_, err := h.Port("vm1").RoundTrip(t.Context(), []byte(`{"cmd":"remove","details":{"Name":"v"},"version":"2"}`))
			return err
		},
		func(int) error {
			_, err := h.Admin(t.Context(), host.Command{Name: "volume ls"})
			return err
		},
		func(i int) error {
			names := []string{"a", "b"}
			_, err := h.Admin(t.Context(), host.Command{Name: "vmgroup update", Options: map[string]string{"name": names[i%2], "new-name": names[1-i%2]}})
			return err
		},
	} {
		wait.Go(func() {
			for i := range 20 {
				if err := f(i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	require.NoError(t, h.Close())
}

// TestForeignNames: what is called like a vmgroup and is none of its links stays, and the vmgroup is not made.
func TestForeignNames(t *testing.T) {
	dir := t.TempDir()
	_, _, admin := withGroup(t, dir)
	top := filepath.Join(dir, "dockvols")
	require.NoError(t, os.Mkdir(filepath.Join(top, "dir"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(top, "file"), []byte("kept"), 0o600))
	require.NoError(t, os.Symlink("elsewhere", filepath.Join(top, "link")))
	before := filesIn(t, top)
	for _, name := range []string{"dir", "file", "link"} {
		err := admin("vmgroup create", map[string]string{"name": name, "default-datastore": "ds1"})
		require.ErrorContains(t, err, `datastore ds1 has something else called "`+name+`"`)
		require.ErrorContains(t, admin("vmgroup update", map[string]string{"name": "g", "new-name": name}), "something else")
	}
	require.Equal(t, before, filesIn(t, top))
	to, err := os.Readlink(filepath.Join(top, "link"))
	require.NoError(t, err)
	require.Equal(t, "elsewhere", to)
}

// TestPoliciesAreFiles: policies are small files of a directory, not what a link leads to, and nobody reads more of them.
func TestPoliciesAreFiles(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir, func(c *host.Config) { c.VSAN = []string{"ds1"} })
	policy := func(name string) error {
		_, err := h.Admin(t.Context(), host.Command{Name: "policy ls"})
		if name != "" {
			_, err = h.Admin(t.Context(), host.Command{Name: "policy create", Options: map[string]string{"name": name, "content": "x"}})
		}
		return err
	}
	require.NoError(t, os.Symlink(esxsim.DefaultVmgroupUUID, filepath.Join(dir, "dockvols/policies")))
	require.ErrorContains(t, policy(""), "policies is no directory")
	require.ErrorContains(t, policy("gold"), "policies is no directory")
	require.Empty(t, filesIn(t, group(dir)))
	require.NoError(t, os.Remove(filepath.Join(dir, "dockvols/policies")))
	require.NoError(t, policy("gold"))
	require.NoError(t, policy(""))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dockvols/policies/big"), make([]byte, 64<<10+1), 0o600))
	require.ErrorContains(t, policy(""), "policy big of datastore ds1: it has more than 65536 bytes")
}
