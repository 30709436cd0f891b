//go:build e2e

package e2e_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// docker cp out of a running container, and into it, mounts and unmounts its volume with the container's own mount ID;
// the container's disk must stay where it is.
func TestCopyWithRunningContainer(t *testing.T) {
	clean(t)
	h := the.hosts[0]
	v := newVolume(t, "copied", nil)
	c, lines := hold(t, h, v, "fs /data", "write /data/a text")
	onVolume(t, lines[0], v, "ext4", "rw")
	seq := attachment(t)

	for round := range 3 {
		var out, in bytes.Buffer
		require.NoError(t, c.call(t.Context(), http.MethodGet, "/archive?path=/data/a", &out))
		r := tar.NewReader(&out)
		head, err := r.Next()
		require.NoError(t, err)
		require.Equal(t, "a", head.Name)

		w := tar.NewWriter(&in)
		require.NoError(t, w.WriteHeader(&tar.Header{Name: fmt.Sprintf("in%d", round), Mode: 0o600, Size: 2}))
		_, err = w.Write([]byte("in"))
		require.NoError(t, errors.Join(err, w.Close()))
		require.NoError(t, h.docker.do(t.Context(), http.MethodPut, "/containers/"+c.id+"/archive?path=/data", &in, nil))

		mounts, err := h.mounts()
		require.NoError(t, err)
		require.Len(t, mounts, 1)
		require.Equal(t, seq, attachment(t))
	}
	// Another container still meets the first one on the same disk, with what was copied in.
	second := run(t, h, v, "fs /data", "read /data/a", "read /data/in2")
	require.Equal(t, []string{lines[0], "read text", "read in"}, second)
	_, err := c.end(t.Context())
	require.NoError(t, err)
}

// The way of a user: the command line of the README, and an inspect that says that this is no real storage.
func TestCommandLine(t *testing.T) {
	clean(t)
	h, ctx := the.hosts[0], t.Context()
	t.Cleanup(func() { require.NoError(t, dropVolume("hello")) })
	_, err := h.cli(ctx, "volume", "create", "-d", "vmdk", "-o", "size=200mb", "hello")
	require.NoError(t, err)
	out, err := h.cli(ctx, "volume", "inspect", "hello")
	require.NoError(t, err)
	var all []struct {
		Name, Driver, Scope, CreatedAt string
		Status                         map[string]any
	}
	require.NoError(t, json.Unmarshal([]byte(out), &all), out)
	require.Len(t, all, 1)
	require.Equal(t, []string{"hello", "vmdk", "global"}, []string{all[0].Name, all[0].Driver, all[0].Scope})
	require.NotEmpty(t, all[0].CreatedAt)
	require.Equal(t, "simulated", all[0].Status["backend"])
	require.Equal(t, datastore, all[0].Status["datastore"])
	require.Equal(t, h.name, all[0].Status["created by VM"])

	run := []string{"run", "--rm", "--network", "none", "--volume-driver", "vmdk", "-v", "hello:/data", plainImage}
	out, err = h.cli(ctx, append(run, "write", "/data/a", "text", ",", "read", "/data/a")...)
	require.NoError(t, err)
	require.Contains(t, out, "read text")
	out, err = the.hosts[1].cli(ctx, append(run, "read", "/data/a")...)
	require.NoError(t, err)
	require.Equal(t, "read text\n", out)
	for _, h := range the.hosts {
		out, err = h.cli(ctx, "volume", "ls", "--format", "{{.Driver}} {{.Name}}")
		require.NoError(t, err)
		require.Contains(t, out, "vmdk hello@"+datastore)
	}
	_, err = h.cli(ctx, "volume", "rm", "hello")
	require.NoError(t, err)
	_, err = h.cli(ctx, "volume", "inspect", "hello")
	require.ErrorContains(t, err, "no such volume")
}

// SIGTERM ends an idle vmdkd with status 0 and removes its socket; the next one serves the volumes that there are, and
// Docker finds it by itself.
func TestRestart(t *testing.T) {
	clean(t)
	h := the.hosts[1]
	v := newVolume(t, "lasting", nil)
	run(t, h, v, "write /data/a 1")

	require.NoError(t, h.daemon.stop())
	require.NoFileExists(t, h.pluginSocket())
	require.NoError(t, h.startVmdkd())
	require.Equal(t, []string{"read 1"}, run(t, h, v, "read /data/a"))

	// A plugin that was killed leaves a socket on which nobody answers: the next one takes it over.
	require.NoError(t, h.daemon.signal(os.Kill))
	require.Error(t, h.daemon.wait())
	_, err := os.Stat(filepath.Clean(h.pluginSocket()))
	require.NoError(t, err)
	require.NoError(t, h.startVmdkd())
	require.Equal(t, []string{"read 1"}, run(t, h, v, "read /data/a"))
}

// While the ESX host is away for a moment, stopped or killed, a running container keeps its volume and Docker does not
// forget it; when the host is back, it finds the disk in its VM, and the volume can be let go and used elsewhere.
func TestHostAway(t *testing.T) {
	for what, leave := range map[string]func() error{
		"stopped": func() error { return the.esx.stop() },
		"killed": func() error {
			err := the.esx.signal(os.Kill)
			<-the.esx.ended
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			clean(t)
			h := the.hosts[0]
			v := newVolume(t, "patient", nil)
			c, lines := hold(t, h, v, "write /data/a 1", "fs /data")
			onVolume(t, lines[1], v, "ext4", "rw")

			require.NoError(t, leave())
			var inspected struct{ Mountpoint string }
			err := h.docker.do(t.Context(), http.MethodGet, "/volumes/"+v, nil, &inspected)
			require.NoError(t, the.runESX()) // whatever the answer was, the next tests need it
			require.NoError(t, err)
			require.Equal(t, filepath.Join(h.mountRoot(), v+"@"+datastore), inspected.Mountpoint)

			require.Equal(t, []string{lines[1], "read 1"}, run(t, h, v, "fs /data", "read /data/a"))
			_, err = c.end(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{"read 1"}, run(t, the.hosts[1], v, "read /data/a"))
		})
	}
}
