package host_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
	"vmdkvol/esxsim/host"
	"vmdkvol/seam"
)

// Over the sockets: whatever a VM asks for by whatever name, the volumes of another vmgroup stay as they are, and nothing of
// them is in any reply.
func TestOtherVmgroup(t *testing.T) {
	parent := scratch(t)
	h, one, two, _ := serveIn(t, parent, func(c *host.Config) { c.Groups = esxsim.NewMemConfig(seam.Real(), false, esxsim.SingleNode) })
	for vm, name := range map[string]string{"vm1": "app", "vm2": "web"} {
		_, err := h.Admin(t.Context(), host.Command{Name: "vmgroup create", Options: map[string]string{
			"name": name, "default-datastore": "ds1", "vm-list": vm,
		}})
		require.NoError(t, err)
	}
	require.Equal(t, "null", exchange(t, one, `{"cmd":"create","details":{"Name":"private","Opts":{"size":"1mb","fstype":"secretfs"}}}`))
	require.Equal(t, "null", exchange(t, one, quote(t, wire.Create, "held")))
	require.Contains(t, exchange(t, one, quote(t, wire.Attach, "held")), "Unit")
	dockvols := filepath.Join(parent, "ds1", "dockvols")
	uuid, err := os.Readlink(filepath.Join(dockvols, "app"))
	require.NoError(t, err)
	theirs, err := os.Readlink(filepath.Join(dockvols, "web"))
	require.NoError(t, err)
	before := snapshot(t, parent, filepath.Join(dockvols, theirs))
	for _, volume := range []string{
		"private", "held", "../app/private", "../" + uuid + "/private", "app/private", uuid + "/private", "app\\private", "/vmfs/volumes/ds1/dockvols/app/private",
		"ds1.app.private", "app.private", "private.vmdk", "private-flat", "private*", "priv?te", "[p]rivate", "app", uuid, "PRIVATE",
	} {
		for _, datastore := range []string{"", "@ds1", "@DS1", "@_VM_DS", "@_ALL_DS", "@app", "@ds1/dockvols/app", "@../app", "@" + uuid} {
			name := volume + datastore
			clone := fmt.Sprintf(`{"cmd":"create","details":{"Name":"copy","Opts":{"clone-from":%q}}}`, name)
			for _, request := range []string{
				quote(t, wire.Get, name), quote(t, wire.Attach, name), quote(t, wire.Detach, name), quote(t, wire.Remove, name), clone,
				quote(t, wire.Create, name), clone, quote(t, wire.Attach, name), quote(t, wire.Detach, name), quote(t, wire.Remove, name),
				quote(t, wire.Remove, "copy"), quote(t, wire.List, name),
			} {
				reply := exchange(t, two, request)
				require.NotContains(t, reply, "secretfs", request)
				require.NotContains(t, reply, "VM = vm1", request)
			}
		}
	}
	require.Equal(t, before, snapshot(t, parent, filepath.Join(dockvols, theirs)))
	require.Equal(t, `[{"Name": "held@ds1", "Attributes": {}}, {"Name": "private@ds1", "Attributes": {}}]`, exchange(t, one, askList))
	require.Equal(t, "[]", exchange(t, two, askList))
	require.Contains(t, exchange(t, one, quote(t, wire.Get, "held")), `"attached to VM": "vm1"`)
}

// A client that sends a byte now and then has no more time than one that sends nothing, and blocks nobody.
func TestDrippingClient(t *testing.T) {
	const patience = 300 * time.Millisecond
	one, two, _ := serve(t, func(c *host.Config) { c.Timeout = patience })
	slow := dial(t, one)
	request := wire.AppendFrame(nil, []byte(askVersion))
	start := time.Now()
	var sent int
	tick := time.NewTicker(patience / 10)
	defer tick.Stop()
	for sent = range request {
		if _, err := slow.Write(request[sent : sent+1]); err != nil {
			break
		}
		require.Equal(t, `{"version": "N/A"}`, exchange(t, one, askVersion), "the same VM")
		require.Equal(t, `{"version": "N/A"}`, exchange(t, two, askVersion), "another VM")
		<-tick.C
	}
	require.Less(t, sent, len(request)-1, "it was given all the time that it wanted: %v", time.Since(start))
	answer, _ := io.ReadAll(slow)
	require.Empty(t, answer)
}

// Who may not open a VM's socket is not that VM: the sockets are their owner's, whatever the umask, from the first moment.
func TestSocketsAreTheirOwners(t *testing.T) {
	control := filepath.Join(t.TempDir(), "control.sock")
	one, two, _ := serve(t, func(c *host.Config) { c.Control = control })
	for _, socket := range []string{one, two, control} {
		info, err := os.Stat(socket)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), socket)
	}
	// What is no request of an administrator is dropped there, and what is one of his is no request of a VM.
	for socket, text := range map[string]string{control: askVersion, one: `{"name":"vmgroup ls"}` + "\n"} {
		c := dial(t, socket)
		_, _ = c.Write(wire.AppendFrame(nil, []byte(text)))
		_ = c.(*net.UnixConn).CloseWrite()
		answer, _ := io.ReadAll(c)
		require.NotContains(t, string(answer), "version", socket)
		require.NotContains(t, string(answer), "_DEFAULT", socket)
	}
}
