package host_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/esxsim/host"
	"vmdkvol/seam"
)

// withGroup opens a host whose VM vm1 is in vmgroup g, and returns the vmgroup's directory on ds1 and its administrator.
func withGroup(t *testing.T, dir string) (h *host.Host, group string, admin func(name string, options map[string]string) error) {
	t.Helper()
	db := esxsim.NewMemConfig(seam.Real(), false, esxsim.SingleNode)
	h = open(t, dir, func(c *host.Config) { c.Groups = db })
	admin = func(name string, options map[string]string) error {
		_, err := h.Admin(t.Context(), host.Command{Name: name, Options: options})
		return err
	}
	require.NoError(t, admin("vmgroup create", map[string]string{"name": "g", "default-datastore": "ds1", "vm-list": "vm1"}))
	uuid, err := os.Readlink(filepath.Join(dir, "dockvols/g"))
	require.NoError(t, err)
	return h, filepath.Join(dir, "dockvols", uuid), admin
}

// TestRemoveVmgroupWhole: volumes that list does not show and what crashes have left do not keep a vmgroup alive. A file of
// somebody else does keep its directory.
func TestRemoveVmgroupWhole(t *testing.T) {
	for _, foreign := range []bool{false, true} {
		dir := t.TempDir()
		h, group, admin := withGroup(t, dir)
		for _, name := range []string{"x-flat", "w", "w-000001.vmdk"} {
			require.Equal(t, "null", ask(t, h, "vm1", wire.Create, name, map[string]string{"size": "1mb"}))
		}
		for _, name := range []string{"y-flat.vmdk", "y-2ae4dfa5b8ea6ee5.vmfd", ".new-0a1b.tmp"} {
			require.NoError(t, os.WriteFile(filepath.Join(group, name), []byte("left"), 0o600))
		}
		if foreign {
			require.NoError(t, os.WriteFile(filepath.Join(group, "notes.txt"), nil, 0o600))
		}
		require.NoError(t, admin("vmgroup rm", map[string]string{"name": "g", "force": "true", "remove-volumes": "true"}))
		require.NoFileExists(t, filepath.Join(dir, "dockvols/g"))
		if foreign {
			require.Equal(t, []string{"notes.txt"}, filesIn(t, group))
		} else {
			require.NoDirExists(t, group)
		}
		require.ErrorContains(t, admin("vmgroup rm", map[string]string{"name": "g"}), "does not exist")
		require.Equal(t, "[]", ask(t, h, "vm1", wire.List, "", nil))
	}
}

// TestRemoveVmgroupAgain: a volume that cannot be removed keeps the vmgroup as it is, without those that could be, until
// the command is repeated.
func TestRemoveVmgroupAgain(t *testing.T) {
	dir := t.TempDir()
	h, group, admin := withGroup(t, dir)
	for _, name := range []string{"a", "b", "c"} {
		require.Equal(t, "null", ask(t, h, "vm1", wire.Create, name, map[string]string{"size": "1mb"}))
	}
	require.NotContains(t, ask(t, h, "vm1", wire.Attach, "b", nil), "Error")
	require.NoError(t, os.Remove(filepath.Join(group, "b-2ae4dfa5b8ea6ee5.vmfd"))) // the file lock alone says that it is in use
	all := map[string]string{"name": "g", "force": "true", "remove-volumes": "true"}
	require.ErrorContains(t, admin("vmgroup rm", all), "Failed to remove volume b")
	require.FileExists(t, filepath.Join(dir, "dockvols/g/b.vmdk"), "it has its name still")
	require.Equal(t, `[{"Name": "b@ds1", "Attributes": {}}]`, ask(t, h, "vm1", wire.List, "", nil))
	require.Equal(t, "null", ask(t, h, "vm1", wire.Detach, "b", nil))
	require.NoError(t, admin("vmgroup rm", all))
	require.NoDirExists(t, group)
}

// TestRemoveVmgroupInFlight: a request that had its vmgroup when that was removed does not bring the directory back, and
// is not told about files of this program.
func TestRemoveVmgroupInFlight(t *testing.T) {
	dir := t.TempDir()
	h, group, admin := withGroup(t, dir)
	uuid := filepath.Base(group)
	require.NoError(t, admin("vmgroup rm", map[string]string{"name": "g", "force": "true", "remove-volumes": "true"}))
	_, store := h.Service()
	_, err := store.CreateDisk(t.Context(), esxsim.Volume{Datastore: "ds1", Vmgroup: uuid, Name: "late"}, 1<<20, esxsim.Thin)
	require.ErrorIs(t, err, esxsim.ErrNotExist)
	require.NoDirExists(t, group)
}

// TestRemoveVmgroupWhileServing: creates at the same time leave nothing in a vmgroup that is gone.
func TestRemoveVmgroupWhileServing(t *testing.T) {
	dir := t.TempDir()
	for range 5 {
		h, group, admin := withGroup(t, dir)
		done := make(chan string)
		begun := make(chan struct{}, 20)
		go func() {
			replies := ""
			for i := range 20 {
				request := `{"cmd":"create","details":{"Name":"` + string(rune('a'+i)) + `","Opts":{"size":"1mb"}},"version":"2"}`
				reply, err := h.Port("vm1").RoundTrip(context.Background(), []byte(request))
				replies += fmt.Sprintln(string(reply), err)
				begun <- struct{}{}
			}
			done <- replies
		}()
		<-begun
		require.NoError(t, admin("vmgroup rm", map[string]string{"name": "g", "force": "true", "remove-volumes": "true"}))
		replies := <-done
		require.NotContains(t, replies, "closed file")
		require.NotContains(t, replies, "not empty")
		require.NoDirExists(t, group)
		require.NoError(t, h.Close())
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "dockvols"))) // of _DEFAULT, where the rest went
	}
}
