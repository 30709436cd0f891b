//go:build e2e

package e2e_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

type opts map[string]string

func createVolume(ctx context.Context, h *dockerHost, name string, o opts) error {
	return h.docker.do(ctx, http.MethodPost, "/volumes/create",
		map[string]any{"Name": name, "Driver": "vmdk", "DriverOpts": o}, nil)
}

func removeVolume(ctx context.Context, h *dockerHost, name string, force bool) error {
	path := "/volumes/" + url.PathEscape(name)
	if force {
		path += "?force=1"
	}
	return h.docker.do(ctx, http.MethodDelete, path, nil, nil)
}

// newVolume creates a volume through Docker on host 1, for the length of a test.
func newVolume(t *testing.T, name string, o opts) string {
	t.Helper()
	require.NoError(t, createVolume(t.Context(), the.hosts[0], name, o))
	t.Cleanup(func() { require.NoError(t, dropVolume(name), "remove volume %s", name) })
	return name
}

// dropVolume removes a volume for good. The plugin is asked itself, because an engine may hold a name by mistake of a
// failed test, and one that is gone is success.
func dropVolume(name string) error {
	err := errors.Join(
		removeVolume(context.Background(), the.hosts[0], name, true),
		removeVolume(context.Background(), the.hosts[1], name, true))
	return errors.Join(err, the.hosts[0].plugin.post("/VolumeDriver.Remove", named(name), nil))
}

// named is the body of most calls of the plugin protocol.
func named(name string) map[string]string { return map[string]string{"Name": name} }

// mount and unmount are what Docker does for a container.
func (h *dockerHost) mount(name, id string) (mountpoint string, err error) {
	var answer struct{ Mountpoint string }
	err = h.plugin.post("/VolumeDriver.Mount", map[string]string{"Name": name, "ID": id}, &answer)
	return answer.Mountpoint, err
}

func (h *dockerHost) unmount(name, id string) error {
	return h.plugin.post("/VolumeDriver.Unmount", map[string]string{"Name": name, "ID": id}, nil)
}
