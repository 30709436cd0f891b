//go:build e2e

package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A vmdkd in another mount namespace than Docker's serves volumes if its mounts reach Docker; otherwise a container would
// start on the bare directory, so it refuses to mount, and attaches nothing.
func TestMountNamespace(t *testing.T) {
	for _, c := range []struct{ propagation, want string }{
		{"unchanged", ""}, // shared, as the directory is
		{"slave", "stays there"},
		{"private", "stays there"},
	} {
		t.Run(c.propagation, func(t *testing.T) {
			clean(t)
			h, ctx := the.hosts[0], t.Context()
			socket := filepath.Join(h.dir, "run-docker/plugins/apart.sock")
			args := append([]string{
				"--socket", "/run/docker/plugins/apart.sock", "--mount-root", h.mountRoot(), "--log-level", "debug",
			}, h.flags...)
			p, err := start("apart", h.log("apart-"+c.propagation), h.beside(c.propagation, h.vmdkd, args...))
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, p.stop()) })
			require.NoError(t, p.ready(func() error { _, err := os.Stat(socket); return err }))

			v := "apart-" + c.propagation
			t.Cleanup(func() { require.NoError(t, dropVolume(v)) })
			require.NoError(t, h.docker.do(ctx, http.MethodPost, "/volumes/create",
				map[string]any{"Name": v, "Driver": "apart"}, nil))
			out, err := h.cli(ctx, "run", "--rm", "--network", "none", "-v", v+":/data", plainImage,
				"fs", "/data", ",", "write", "/data/a", "apart")
			if c.want == "" {
				require.NoError(t, err)
				require.Contains(t, out, "fs ext4 /dev/loop")
				require.Equal(t, []string{"read apart"}, run(t, the.hosts[1], v, "read /data/a")) // here Docker knows it as a volume of "apart"
				return
			}
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "run vmdkd in Docker's mount namespace")
			loops, err := the.loops()
			require.NoError(t, err)
			require.Empty(t, loops, "a disk was attached")
		})
	}
}
