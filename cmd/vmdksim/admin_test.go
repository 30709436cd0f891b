package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim/host"
)

// serveHere runs serve with a control socket until the test ends, with ds1, ds2, vm1 and vm2, and returns how to call
// admin and to ask as a VM.
func serveHere(t *testing.T) (admin func(args ...string) (code int, out, errs string), request func(vm, text string) string, dir string) {
	t.Helper()
	dir = t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	var out, errs lockedBuffer
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{
			"serve", "--no-loop", "--dir", dir, "--datastore", filepath.Join(dir, "ds1"), "--datastore", filepath.Join(dir, "ds2"), "--vsan", "ds2",
			"--vm", "vm1=" + filepath.Join(dir, "vm1.sock"), "--vm", "vm2=" + filepath.Join(dir, "vm2.sock"), "--log-level", "error",
		}, &out, &errs)
	}()
	t.Cleanup(func() {
		stop()
		require.Equal(t, exitFine, <-code, errs.String())
		require.NoFileExists(t, filepath.Join(dir, controlFile))
	})
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "vmdksim serve: ready\n") }, 20*time.Second, time.Millisecond)
	require.Contains(t, out.String(), "admin: --control "+filepath.Join(dir, controlFile)+"\n")
	admin = func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"admin", "--control", filepath.Join(dir, controlFile)}, args...), &out, &errs)
		return code, out.String(), errs.String()
	}
	request = func(vm, text string) string { return ask(t, filepath.Join(dir, vm+".sock"), text) }
	return admin, request, dir
}

func TestAdmin(t *testing.T) {
	admin, request, dir := serveHere(t)
	info, err := os.Stat(filepath.Join(dir, controlFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	must := func(line string) string {
		t.Helper()
		code, out, errs := admin(strings.Fields(line)...)
		require.Equal(t, exitFine, code, errs)
		require.Empty(t, errs)
		return out
	}
	refuses := func(text, line string) {
		t.Helper()
		code, out, errs := admin(strings.Fields(line)...)
		require.Equal(t, exitFound, code)
		require.Empty(t, out)
		require.Equal(t, "vmdksim: refused: "+text+"\n", errs)
	}
	create := func(vm, name, size string) string {
		return request(vm, `{"cmd":"create","details":{"Name":"`+name+`","Opts":{"size":"`+size+`"}},"version":"2"}`)
	}
	const null = "null"

	require.Equal(t, null, create("vm1", "data", "10mb"))
	refuses("Configuration not found. Please init configuration with 'vmdksim admin config init'.", "vmgroup ls")
	require.Contains(t, must("config status"), "NotConfigured")
	must("config init --local")
	require.Contains(t, must("config status"), "SingleNode")
	require.Contains(t, must("vmgroup create --name app --default-datastore ds2 --vm-list vm2"), "vmgroup app is made")
	must("vmgroup access set --name app --datastore ds2 --volume-totalsize 20mb")
	require.Equal(t, "DATASTORE  ALLOW-CREATE  MAX-VOLUME-SIZE  TOTAL-SIZE\nds2        True          Unset            20MB\n",
		must("vmgroup access ls --name app"))
	require.Equal(t, null, create("vm2", "data", "15mb"))
	require.Equal(t, `{"Error": "The total volume size exceeds the usage quota"}`, create("vm2", "more", "10mb"))
	require.FileExists(t, filepath.Join(dir, "ds2/dockvols/app/data.vmdk"))
	require.Equal(t, `[{"Name": "data@ds2", "Attributes": {}}]`, request("vm2", `{"cmd":"list","details":{"Name":""},"version":"2"}`))

	var rows []map[string]string
	require.NoError(t, json.Unmarshal([]byte(must("volume ls --output json -c volume,vmgroup,capacity,attached-to")), &rows))
	require.Equal(t, []map[string]string{
		{"volume": "data", "vmgroup": "_DEFAULT", "capacity": "10MB", "attached-to": "detached"},
		{"volume": "data", "vmgroup": "app", "capacity": "15MB", "attached-to": "detached"},
	}, rows)
	must("volume set --volume data@ds2 --vmgroup app --options access=read-only")
	require.Contains(t, request("vm2", `{"cmd":"get","details":{"Name":"data"},"version":"2"}`), `"access": "read-only"`)

	must("vmgroup update --name app --new-name web")
	require.FileExists(t, filepath.Join(dir, "ds2/dockvols/web/data.vmdk"))
	require.NoFileExists(t, filepath.Join(dir, "ds2/dockvols/app"))
	refuses("Vmgroup app does not exist", "vmgroup rm --name app")
	must("vmgroup rm --name web --force --remove-volumes")
	require.NoFileExists(t, filepath.Join(dir, "ds2/dockvols/web"))
	require.Equal(t, `[{"Name": "data@ds1", "Attributes": {}}]`, request("vm2", `{"cmd":"list","details":{"Name":""},"version":"2"}`))
	require.Equal(t, "[]\n", must("volume ls --vmgroup web --output json"))
	status := must("status --output json")
	require.Contains(t, status, `"Running"`)
	for _, row := range [][2]string{{"Pid", strconv.Itoa(os.Getpid())}, {"LogLevel", "error"}, {"LogFile", "stderr"}} {
		require.Contains(t, status, `"name": "`+row[0]+"\",\n    \"value\": \""+row[1]+`"`)
	}
	require.Contains(t, must("status"), "unix:"+filepath.Join(dir, "vm1.sock")+",unix:")
	require.Regexp(t, `^VOLUME +CAPACITY +DISK-FORMAT +ATTACHED-TO\n`, must("volume shortls"))
	_, err = host.Ask(t.Context(), filepath.Join(dir, controlFile), host.Command{Name: "fly"})
	require.EqualError(t, err, `wrong usage: there is no command "fly"`)

	must("policy create --name gold --content (1)")
	require.FileExists(t, filepath.Join(dir, "ds2/dockvols/policies/gold"))
	require.Equal(t, null, request("vm1", `{"cmd":"create","details":{"Name":"p@ds2","Opts":{"vsan-policy-name":"gold"}},"version":"2"}`))
	refuses("Cannot remove. Policy is in use by p", "policy rm --name gold")
	must("policy update --name gold --content (2)")
	require.Equal(t, "NAME  CONTENT  ACTIVE\ngold  (2)      In use by 1 volumes\n", must("policy ls"))
	require.Equal(t, null, request("vm1", `{"cmd":"remove","details":{"Name":"p@ds2"},"version":"2"}`))
	must("policy rm --name gold")
	require.NoFileExists(t, filepath.Join(dir, "ds2/dockvols/policies/gold"))

	must("config rm --local --confirm")
	require.Contains(t, must("config status"), "NotConfigured")
	must("config init --datastore ds1")
	require.Contains(t, must("config status"), "dockvols/vmdkops_config.db")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ds1/dockvols/vmdkops_config.db"), []byte("no database at all, only text"), 0o600))
	require.Contains(t, must("config status"), "BrokenLink")
	require.Contains(t, create("vm1", "x", "1mb"), "DB access error at ")
	require.Equal(t, `[]`, request("vm1", `{"cmd":"list","details":{"Name":""},"version":"2"}`))
}

// TestAdminRefuses: what one mistypes, and a host that is not there.
func TestAdminRefuses(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere.sock")
	for _, c := range []struct {
		line string
		code int
		says string
	}{
		{"admin", exitBadInput, "needs a command"},
		{"admin fly", exitBadInput, `unknown command "fly"`},
		{"admin vmgroup", exitBadInput, "vmdksim admin vmgroup needs a command"},
		{"admin vmgroup vm add --name x", exitBadInput, `"vm-list" not set`},
		{"admin vmgroup ls --moon", exitBadInput, "--moon"},
		{"admin vmgroup ls extra", exitBadInput, "extra"},
		{"admin vmgroup ls --output xml", exitBadInput, "neither table nor json"},
		{"admin status --control " + nowhere, exitLacking, "no host answers on " + nowhere},
		{"serve --no-loop --datastore /tmp/x --vm vm1=/tmp/s --control /tmp/s", exitBadInput, "is the administrator's"},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, c.code, run(t.Context(), strings.Fields(c.line), &out, &errs), c.line)
		require.Contains(t, errs.String(), c.says, c.line)
		require.Equal(t, 1, strings.Count(errs.String(), "\n"), errs.String())
	}
	var out, errs bytes.Buffer
	require.Equal(t, exitFine, run(t.Context(), strings.Fields("admin vmgroup access add --help"), &out, &errs))
	require.Contains(t, out.String(), "vmdksim admin vmgroup access add --name app --datastore ds2")
}
