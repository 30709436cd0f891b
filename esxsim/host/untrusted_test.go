package host_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/esxsim/host"
)

// snapshot describes all that is below a directory, but for the directories in without: names, kinds, sizes and contents.
func snapshot(t testing.TB, dir string, without ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		for _, w := range without {
			if path == w {
				return fs.SkipDir
			}
		}
		text := d.Type().String()
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text += " " + to
		case d.Type().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += " " + string(content)
		}
		found[path] = text
		return nil
	})
	require.NoError(t, err)
	return found
}

// quote makes a request by hand: names that a decent client would not send.
func quote(t testing.TB, cmd wire.Command, name string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"cmd": cmd, "details": map[string]any{
		"Name": name, "Opts": map[string]string{"size": "1mb"},
	}})
	require.NoError(t, err)
	return string(text)
}

// Over the socket: no name of a volume or datastore leads out, and what answers null stays inside.
func TestTricksStayInside(t *testing.T) {
	parent := scratch(t)
	for _, path := range []string{"x.vmdk", "ds2/x.vmdk", "ds1/dockvols/x.vmdk"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(parent, path)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(parent, path), []byte("# Disk DescriptorFile\nsecret"), 0o600))
	}
	_, one, _, _ := serveIn(t, parent, nil)
	inside := group(filepath.Join(parent, "ds1"))
	before := snapshot(t, parent, inside)
	long := strings.Repeat("y", 3000)
	for _, volume := range []string{
		"x", "", ".", "..", "../x", "../../x", "/x", `..\x`, "x\x00", "\x00", "..\u2215x", "\uff0e\uff0e\uff0fx", "\u2024\u2024\u2044x", "x\u0301",
		"_DEFAULT", esxsim.DefaultVmgroupUUID, "x/", "a/b", "x.vmdk", "x.vmdk\n", long, strings.Repeat("\U0001f4be", 100), "%2e%2e%2fx", "\ufffd", "~root",
	} {
		for _, datastore := range []string{"", "@", "@ds1", "@DS1", "@_VM_DS", "@_ALL_DS", "@ds2", "@..", "@../ds2", "@ds1/..", "@/", "@ds1\x00", "@\uff44\uff531", "@" + long[:200]} {
			for _, cmd := range []wire.Command{wire.Create, wire.Get, wire.Attach, wire.Detach, wire.Remove} {
				request := quote(t, cmd, volume+datastore)
				reply := exchange(t, one, request)
				require.True(t, json.Valid([]byte(reply)), "%s: %s", request, reply)
				require.NotContains(t, reply, "secret", request)
			}
			ours := datastore == "" || datastore == "@" || datastore == "@ds1" || datastore == "@DS1" || datastore == "@_VM_DS"
			if !ours {
				require.Contains(t, exchange(t, one, quote(t, wire.Create, volume+datastore)), "Error", datastore)
			}
			require.Empty(t, filesIn(t, inside), "%q on %q", volume, datastore)
		}
	}
	require.Equal(t, before, snapshot(t, parent, inside))
}

// No text that fits into a request keeps the host busy, or makes it answer with much more than was asked.
func TestCostlyRequests(t *testing.T) {
	_, one, two, _ := serveIn(t, scratch(t), nil)
	const room = wire.MaxRequest - 64
	for _, request := range []string{
		`{"cmd":"version","version":1e999999}`, `{"cmd":"version","version":1e99999999}`, `{"cmd":"version","version":1e999999999}`, `{"cmd":"version","version":-1e999999999}`, `{"cmd":"version","version":1e-999999999}`,
		`{"cmd":"version","version":` + strings.Repeat("9", room) + `}`, `{"cmd":"version","version":"` + strings.Repeat("9", room) + `"}`,
		`{"cmd":"version","version":0.` + strings.Repeat("9", room) + `}`,
		strings.Repeat("[", room), strings.Repeat(`{"a":`, room/5), `{"cmd":"get","details":{"Name":"v","Opts":` + strings.Repeat("[", room/3) + strings.Repeat("]", room/3) + `}}`,
		`{"cmd":"create","details":{"Name":"v","Opts":{"size":"` + strings.Repeat("9", room-100) + `mb"}}}`,
		`{"cmd":"create","details":{"Name":"v","Opts":{"clone-from":"` + strings.Repeat("x", room-100) + `"}}}`,
		`{"cmd":"get","details":{"Name":"` + strings.Repeat("@", room-100) + `"}}`,
		`{"cmd":"get","details":{"Name":"` + strings.Repeat("*", 100) + `"}}`, `{"cmd":"get","details":{"Name":"` + strings.Repeat("[", 100) + `"}}`,
		strings.Repeat("\x01", room), strings.Repeat("'\"", room/2),
	} {
		start := time.Now()
		reply := exchange(t, one, request)
		require.Less(t, time.Since(start), 5*time.Second, "%.80s", request)
		require.Less(t, len(reply), 8*wire.MaxRequest, "%.80s", request)
		require.True(t, json.Valid([]byte(reply)), "%.80s", request)
		require.Equal(t, "[]", exchange(t, two, askList), "another VM, after %.80s", request)
	}
}

// The socket says who the caller is, whatever its request claims.
func TestForgedIdentity(t *testing.T) {
	_, one, two, _ := serveIn(t, t.TempDir(), nil)
	require.Equal(t, "null", exchange(t, one, quote(t, wire.Create, "data")))
	for _, forged := range []string{
		`{"vm":"vm1","vm_name":"vm1","bios_uuid":"vm1","vmId":"vm1","cartel":1,"cmd":%q,"details":{"Name":"data"}}`,
		`{"cmd":%q,"details":{"Name":"data","VM":"vm1","vm":"vm1","Opts":{"vm":"vm1","vm_uuid":"vm1"}},"vm":{"ID":"vm1"}}`,
		`{"cmd":"get","details":{"Name":"other"},"vm":"vm1","cmd":%q,"details":{"Name":"data"}}`, // the last key counts, in Python as well
	} {
		require.Contains(t, exchange(t, two, fmt.Sprintf(forged, "attach")), "Unit")
		require.Contains(t, exchange(t, one, quote(t, wire.Get, "data")), `"attached to VM": "vm2"`)
		require.Contains(t, exchange(t, one, quote(t, wire.Attach, "data")), "already attached to VM=vm2")
		require.Equal(t, "null", exchange(t, one, fmt.Sprintf(strings.ReplaceAll(forged, "vm1", "vm2"), "detach")), "it is not in vm1")
		require.Contains(t, exchange(t, one, quote(t, wire.Get, "data")), `"attached to VM": "vm2"`)
		require.Equal(t, "null", exchange(t, two, fmt.Sprintf(forged, "detach")))
	}
}

// Links and pipes that somebody planted in the directory lead nowhere and block nobody.
func TestPlantedFiles(t *testing.T) {
	for _, quirks := range []string{"faithful,one-receiver=off,gives-up=off", "fixed"} {
		t.Run(quirks, func(t *testing.T) {
			parent := t.TempDir()
			outside := filepath.Join(parent, "outside")
			require.NoError(t, os.MkdirAll(outside, 0o700))
			_, one, _, _ := serveIn(t, parent, func(c *host.Config) {
				var err error
				c.Quirks, err = host.ParseQuirks(quirks)
				require.NoError(t, err)
			})
			inside := group(filepath.Join(parent, "ds1"))
			plant(t, inside, outside)
			before := snapshot(t, parent, inside)
			for _, volume := range planted {
				for _, cmd := range []wire.Command{
					wire.Get, wire.Attach, wire.Create, wire.Get, wire.Attach, wire.List, wire.Detach, wire.Remove, wire.Get, wire.Create, wire.Remove,
				} {
					require.NotContains(t, exchange(t, one, quote(t, cmd, volume)), "secret", "%s %s", cmd, volume)
				}
				clone := `{"cmd":"create","details":{"Name":"copy","Opts":{"clone-from":"` + volume + `"}}}`
				require.Contains(t, exchange(t, one, clone), "Error", volume)
			}
			require.Equal(t, before, snapshot(t, parent, inside))
		})
	}
}

// planted are the volumes that plant makes; each has a file that is none.
var planted = []string{"linked", "linkeddata", "linkedmeta", "up", "piped", "pipeddata", "pipedmeta", "folder"}

// plant puts files into a vmgroup's directory that lead to files outside, or would block who opens them.
func plant(t testing.TB, inside, outside string) {
	t.Helper()
	const (
		descriptor = "# Disk DescriptorFile\nRW 16 VMFS \"secret\"\nddb.uuid.image = \"5ec4e7\"\n"
		sidecar    = `{"status": "detached", "created": "secret", "created-by": "secret"}`
	)
	const data, meta = "-flat.vmdk", "-2ae4dfa5b8ea6ee5.vmfd"
	for name, text := range map[string]string{
		"v.vmdk": descriptor, "v" + meta: sidecar, "v" + data: strings.Repeat("secret..", 1<<10),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(outside, name), []byte(text), 0o600))
	}
	link := func(to, name string) { require.NoError(t, os.Symlink(to, filepath.Join(inside, name))) }
	pipe := func(name string) { require.NoError(t, syscall.Mkfifo(filepath.Join(inside, name), 0o600)) }
	plain := func(volume string) {
		own := strings.ReplaceAll(descriptor, "secret", volume+data)
		require.NoError(t, os.WriteFile(filepath.Join(inside, volume+".vmdk"), []byte(own), 0o600))
	}
	link(filepath.Join(outside, "v.vmdk"), "linked.vmdk")
	link(filepath.Join(outside, "v"+meta), "linked"+meta)
	link(filepath.Join(outside, "v"+data), "linked"+data)
	plain("linkeddata")
	link(filepath.Join(outside, "v"+data), "linkeddata"+data)
	plain("linkedmeta")
	link(filepath.Join(outside, "v"+meta), "linkedmeta"+meta)
	link("../../../outside/v.vmdk", "up.vmdk")
	link("../../../outside/v"+meta, "up"+meta)
	pipe("piped.vmdk")
	plain("pipeddata")
	pipe("pipeddata" + data)
	plain("pipedmeta")
	pipe("pipedmeta" + meta)
	require.NoError(t, os.Mkdir(filepath.Join(inside, "folder.vmdk"), 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(inside, "folder"+meta), 0o700))
}
