package host_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/esxsim/host"
)

var _ vmdkops.Transport = host.Port{}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open makes a host with vm1 and vm2 and the datastore ds1 in dir; change, if any, adds to its config.
func open(t *testing.T, dir string, change func(*host.Config)) *host.Host {
	t.Helper()
	c := host.Config{
		Datastores: []host.Datastore{{Name: "ds1", Dir: dir}},
		VMs:        []host.VM{{Name: "vm1"}, {Name: "vm2"}},
	}
	if change != nil {
		change(&c)
	}
	h, err := host.Open(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}

// ask gives a command to a host and returns the text of the reply.
func ask(t *testing.T, h *host.Host, vm string, cmd wire.Command, volume string, opts map[string]string) string {
	t.Helper()
	request, err := wire.AppendRequest(nil, wire.Request{
		Cmd: cmd, Details: wire.Details{Name: volume, Opts: opts}, Version: wire.Version,
	})
	require.NoError(t, err)
	reply, err := h.Port(vm).RoundTrip(t.Context(), request)
	require.NoError(t, err)
	return string(reply)
}

func group(dir string) string { return filepath.Join(dir, "dockvols", esxsim.DefaultVmgroupUUID) }

func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestLifecycle(t *testing.T) {
	dir := t.TempDir()
	var plugs []host.Plug
	h := open(t, dir, func(c *host.Config) {
		c.Hook = func(_ context.Context, p host.Plug) error { plugs = append(plugs, p); return nil }
	})
	require.Equal(t, "null", ask(t, h, "vm1", wire.Create, "data", map[string]string{"size": "20mb", "fstype": "xfs"}))
	require.Equal(t, []string{"data-2ae4dfa5b8ea6ee5.vmfd", "data-flat.vmdk", "data.vmdk"}, filesIn(t, group(dir)))
	require.Contains(t, ask(t, h, "vm1", wire.Create, "data", nil), "already exists")
	require.Equal(t, `[{"Name": "data@ds1", "Attributes": {}}]`, ask(t, h, "vm2", wire.List, "", nil))

	link, err := os.Readlink(filepath.Join(dir, "dockvols/_DEFAULT"))
	require.NoError(t, err)
	require.Equal(t, esxsim.DefaultVmgroupUUID, link)
	flat, err := os.Stat(filepath.Join(group(dir), "data-flat.vmdk"))
	require.NoError(t, err)
	require.EqualValues(t, 20<<20, flat.Size())
	sidecar, err := os.ReadFile(filepath.Join(group(dir), "data-2ae4dfa5b8ea6ee5.vmfd"))
	require.NoError(t, err)
	require.Len(t, sidecar, 4096)
	require.True(t, strings.HasSuffix(string(sidecar), "}"+strings.Repeat(" ", 4095-1-strings.LastIndexByte(string(sidecar), '}'))+"\n"))

	place := ask(t, h, "vm1", wire.Attach, "data", nil)
	at, err := wire.ParseDevice([]byte(place))
	require.NoError(t, err)
	require.Equal(t, place, ask(t, h, "vm1", wire.Attach, "data", nil))
	require.Contains(t, ask(t, h, "vm2", wire.Attach, "data", nil), "already attached to VM=vm1")
	got, known, err := wire.ParseVolume([]byte(ask(t, h, "vm2", wire.Get, "data@ds1", nil)))
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, "attached", got.Status)
	require.Equal(t, "vm1", got.AttachedTo)
	require.Equal(t, "20MB", got.Capacity.Size)
	require.Equal(t, "xfs", got.FSType)
	require.Contains(t, ask(t, h, "vm2", wire.Remove, "data", nil), "in use by VM = vm1")
	require.Equal(t, "null", ask(t, h, "vm1", wire.Detach, "data", nil))
	require.NotContains(t, ask(t, h, "vm2", wire.Attach, "data", nil), "Error")
	require.Equal(t, "null", ask(t, h, "vm2", wire.Detach, "data", nil))
	require.Equal(t, "null", ask(t, h, "vm2", wire.Remove, "data", nil))
	require.Empty(t, filesIn(t, group(dir)))

	require.Len(t, plugs, 4)
	id := plugs[0].Disk
	require.NotEmpty(t, id)
	require.Equal(t, host.Plug{VM: "vm1", At: at, Datastore: "ds1", Volume: "data", Disk: id, Size: 20 << 20}, plugs[0])
	require.Equal(t, host.Plug{VM: "vm2", At: at, Datastore: "ds1", Volume: "data", Disk: id, Size: 20 << 20, Out: true}, plugs[3])

	ask(t, h, "vm1", wire.Create, "data", nil)
	ask(t, h, "vm1", wire.Attach, "data", nil)
	require.NotEqual(t, id, plugs[4].Disk, "a volume created again is another disk")
}

// Whatever a guest calls its volume, files appear in the vmgroup's directory only, and no name reaches another volume.
func TestNamesStayInside(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "ds1")
	h := open(t, dir, nil)
	secret := []byte("secret")
	require.NoError(t, os.WriteFile(filepath.Join(parent, "x.vmdk"), secret, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dockvols", "x.vmdk"), secret, 0o600))
	names := []string{
		"", ".", "..", "...", "../x", "../../x", "/etc/passwd", `..\x`, "a\x00b", "a/../../x", "~", "-", "-flat", ".tmp", "x.tmp",
		"a\nb", `a" 0` + "\nRW 204800 FLAT \"../../x.vmdk", "a|b", "%s%d", "x.vmdk", strings.Repeat("ü", 100), strings.Repeat("x", 250),
		"data-2ae4dfa5b8ea6ee5.vmfd", "\u202e", "v-000001", "con", "CON", " ",
	}
	for _, name := range names {
		created := ask(t, h, "vm1", wire.Create, name, map[string]string{"size": "1mb"})
		if created == "null" {
			require.NotContains(t, ask(t, h, "vm1", wire.Get, name, nil), "Error", "%q", name)
			require.NotContains(t, ask(t, h, "vm1", wire.Attach, name, nil), "Error", "%q", name)
			require.Equal(t, "null", ask(t, h, "vm1", wire.Detach, name, nil), "%q", name)
			require.Equal(t, "null", ask(t, h, "vm1", wire.Remove, name, nil), "%q", name)
			continue
		}
		for _, cmd := range []wire.Command{wire.Get, wire.Attach} {
			require.Contains(t, ask(t, h, "vm1", cmd, name, nil), "Error", "%q", name)
		}
		ask(t, h, "vm1", wire.Detach, name, nil)
		ask(t, h, "vm1", wire.Remove, name, nil)
	}
	require.Empty(t, filesIn(t, group(dir)))
	require.Equal(t, []string{esxsim.DefaultVmgroupUUID, "_DEFAULT", "x.vmdk"}, filesIn(t, filepath.Join(dir, "dockvols")))
	require.Equal(t, []string{"ds1", "x.vmdk"}, filesIn(t, parent))
	for _, path := range []string{filepath.Join(parent, "x.vmdk"), filepath.Join(dir, "dockvols", "x.vmdk")} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, secret, text)
	}
}

// A link that somebody planted on the datastore leads nowhere.
func TestLinksStayInside(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir, nil)
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, make([]byte, 1<<20), 0o600))
	require.Equal(t, "null", ask(t, h, "vm1", wire.Create, "data", map[string]string{"size": "1mb"}))
	flat := filepath.Join(group(dir), "data-flat.vmdk")
	require.NoError(t, os.Remove(flat))
	require.NoError(t, os.Symlink(outside, flat))
	require.Contains(t, ask(t, h, "vm1", wire.Attach, "data", nil), "Error")
	require.NoError(t, os.Symlink(outside, filepath.Join(group(dir), "other.vmdk")))
	require.Contains(t, ask(t, h, "vm1", wire.Get, "other", nil), "Error")
}

func TestTornFiles(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir, nil)
	file := func(name string) string { return filepath.Join(group(dir), name) }
	sidecar, descriptor, flat := file("v-2ae4dfa5b8ea6ee5.vmfd"), file("v.vmdk"), file("v-flat.vmdk")
	cut := func(path string, size int64) func() {
		return func() { require.NoError(t, os.Truncate(path, size)) }
	}
	gone := func(path string) func() { return func() { require.NoError(t, os.Remove(path)) } }
	for name, c := range map[string]struct {
		tear        func()
		get, attach string // parts of the reply
	}{
		"empty sidecar":     {cut(sidecar, 0), "null", `"Unit"`},
		"half a sidecar":    {cut(sidecar, 40), "null", `"Unit"`},
		"no sidecar":        {gone(sidecar), "null", `"Unit"`},
		"no data":           {gone(flat), `"status": "detached"`, "Error"},
		"empty descriptor":  {cut(descriptor, 0), "Error", "Error"},
		"half a descriptor": {cut(descriptor, 100), "Error", "Error"},
		"no descriptor":     {gone(descriptor), "Error", "Error"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, "null", ask(t, h, "vm1", wire.Create, "v", map[string]string{"size": "1mb"}))
			c.tear()
			require.Contains(t, ask(t, h, "vm1", wire.Get, "v", nil), c.get)
			require.Contains(t, ask(t, h, "vm1", wire.Attach, "v", nil), c.attach)
			ask(t, h, "vm1", wire.Detach, "v", nil)
			require.Equal(t, "null", ask(t, h, "vm1", wire.Remove, "v", nil))
			if name == "no descriptor" { // then there is no volume to remove, and the data is somebody's
				require.Equal(t, []string{"v-flat.vmdk"}, filesIn(t, group(dir)))
				require.Contains(t, ask(t, h, "vm1", wire.Create, "v", nil), "already exists")
				require.NoError(t, os.Remove(flat))
			}
			require.Empty(t, filesIn(t, group(dir)))
		})
	}
}

// Two hosts, here and in other processes, share a datastore: the file lock keeps a disk in one VM.
func TestTwoHosts(t *testing.T) {
	dir := t.TempDir()
	one, two := open(t, dir, nil), open(t, dir, nil)
	require.Equal(t, "null", ask(t, one, "vm1", wire.Create, "data", map[string]string{"size": "1mb"}))
	require.Contains(t, ask(t, two, "vm1", wire.Create, "data", nil), "already exists")
	require.NotContains(t, ask(t, one, "vm1", wire.Attach, "data", nil), "Error")
	require.Contains(t, ask(t, two, "vm2", wire.Attach, "data", nil), "Failed to lock the file")

	// A third one, started now, sees that the disk is taken, and leaves its metadata alone.
	three := open(t, dir, nil)
	require.Contains(t, ask(t, three, "vm2", wire.Remove, "data", nil), "in use by VM = vm1")
	// Without metadata, the lock alone refuses.
	require.NoError(t, os.Remove(filepath.Join(group(dir), "data-2ae4dfa5b8ea6ee5.vmfd")))
	require.Contains(t, ask(t, three, "vm2", wire.Remove, "data", nil), "locked")

	require.Equal(t, "null", ask(t, one, "vm1", wire.Detach, "data", nil))
	require.NotContains(t, ask(t, two, "vm2", wire.Attach, "data", nil), "Error")
	require.NoError(t, two.Close())
	require.NotContains(t, ask(t, one, "vm1", wire.Attach, "data", nil), "Error")
}

// A host that died leaves metadata that says attached; the next one corrects it.
func TestForgetsDeadOwner(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir, nil) // without Detach, like one that died
	require.Equal(t, "null", ask(t, h, "vm1", wire.Create, "data", map[string]string{"size": "1mb"}))
	require.NotContains(t, ask(t, h, "vm1", wire.Attach, "data", nil), "Error")
	require.NoError(t, h.Close())
	_, err := h.Port("vm1").RoundTrip(t.Context(), []byte("{}"))
	require.ErrorIs(t, err, wire.ErrNotSent)
	require.ErrorIs(t, err, host.ErrClosed)

	h = open(t, dir, func(c *host.Config) { c.VMs = []host.VM{{Name: "vm3"}}; c.Detach = true })
	reply := ask(t, h, "vm3", wire.Get, "data", nil)
	require.Contains(t, reply, `"status": "detached"`)
	require.Contains(t, reply, `"access"`, "the rest of the metadata is kept")
	require.NotContains(t, ask(t, h, "vm3", wire.Attach, "data", nil), "Error")
	require.NoError(t, h.Close())
	sidecar, err := os.ReadFile(filepath.Join(group(dir), "data-2ae4dfa5b8ea6ee5.vmfd"))
	require.NoError(t, err)
	require.Contains(t, string(sidecar), `"status": "detached"`, "Close detached it")
}

func TestMemory(t *testing.T) {
	h, err := host.Open(host.Config{Datastores: []host.Datastore{{Name: "ds1"}}, VMs: []host.VM{{Name: "vm1"}}, Detach: true})
	require.NoError(t, err)
	require.Equal(t, "null", ask(t, h, "vm1", wire.Create, "data", nil))
	require.NotContains(t, ask(t, h, "vm1", wire.Attach, "data", nil), "Error")
	require.Empty(t, h.DevRoot("vm1"))
	require.NoError(t, h.Close())
	require.NoError(t, h.Close())
}

func TestPortLimits(t *testing.T) {
	h := open(t, t.TempDir(), nil)
	_, err := h.Port("vm1").RoundTrip(t.Context(), make([]byte, wire.MaxRequest))
	require.ErrorIs(t, err, wire.ErrTooLarge)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(os.ErrDeadlineExceeded)
	_, err = h.Port("vm1").RoundTrip(ctx, []byte("{}"))
	require.ErrorIs(t, err, wire.ErrNotSent)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

func TestBadConfig(t *testing.T) {
	ds := []host.Datastore{{Name: "ds1", Dir: t.TempDir()}}
	for i, c := range []host.Config{
		{},
		{Datastores: []host.Datastore{{Name: "", Dir: "/x"}}},
		{Datastores: []host.Datastore{{Name: "a/b", Dir: "/x"}}},
		{Datastores: []host.Datastore{{Name: "_VM_DS", Dir: "/x"}}},
		{Datastores: []host.Datastore{{Name: "a", Dir: "x"}}},
		{Datastores: []host.Datastore{{Name: "a", Dir: "/x"}, {Name: "b"}}},
		{Datastores: []host.Datastore{{Name: "a", Dir: "/x"}, {Name: "a", Dir: "/y"}}},
		{Datastores: []host.Datastore{{Name: "a", Dir: "/x"}, {Name: "b", Dir: "/x/"}}},
		{Datastores: []host.Datastore{{Name: "a"}}, Loop: true, VMDir: "/x"},
		{Datastores: ds, Loop: true},
		{Datastores: ds, DefaultDatastore: "ds2"},
		{Datastores: ds, VMs: []host.VM{{Name: "../vm"}}},
		{Datastores: ds, VMs: []host.VM{{Name: ""}}},
		{Datastores: ds, VMs: []host.VM{{Name: "a"}, {Name: "a"}}},
		{Datastores: ds, VMs: []host.VM{{Name: "a", Home: "ds2"}}},
		{Datastores: ds, VMs: []host.VM{{Name: "a", Socket: "/s"}, {Name: "b", Socket: "/s"}}},
		{Datastores: ds, VMs: []host.VM{{Name: "a", Socket: "/" + strings.Repeat("s", 107)}}},
		{Datastores: ds, MaxConnections: -1},
	} {
		_, err := host.Open(c)
		require.ErrorIs(t, err, host.ErrConfig, "%d: %s", i, fmt.Sprint(c))
	}
}
