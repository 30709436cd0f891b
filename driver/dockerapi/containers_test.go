package dockerapi_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
	"vmdkvol/driver/dockerapi"
)

// daemon serves one answer on a socket.
func daemon(t *testing.T, answer http.HandlerFunc) *dockerapi.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "d.sock")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	s := &http.Server{Handler: answer, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return dockerapi.New(socket, "vmdk")
}

func TestContainers(t *testing.T) {
	var asked string
	c := daemon(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.String()
		_, _ = w.Write([]byte(`[
			{"Id":"a","State":"running","Mounts":[{"Type":"volume","Name":"data","Driver":"vmdk"},{"Type":"bind","Source":"/x"}]},
			{"Id":"b","State":"running","Mounts":[{"Type":"volume","Name":"data","Driver":"local"}]},
			{"Id":"c","State":"exited","Mounts":[{"Type":"volume","Name":"w@ds1","Driver":"vmdk:latest"},{"Type":"volume","Name":"v","Driver":"vmdk"}]},
			{"Id":"d","State":"paused","Mounts":[{"Type":"volume","Name":"v","Driver":"vmdk"}]},
			{"Id":"e","State":"created","Mounts":[{"Type":"volume","Name":"v","Driver":"vmdk2"}]},
			{"Id":"f","State":"restarting","Mounts":null}]`))
	})
	got, err := c.Containers(t.Context())
	require.NoError(t, err)
	require.Equal(t, "GET /containers/json?all=true", asked)
	require.Equal(t, []driver.Container{
		{ID: "a", Running: true, Volumes: []string{"data"}},
		{ID: "c", Running: false, Volumes: []string{"w@ds1", "v"}},
		{ID: "d", Running: true, Volumes: []string{"v"}},
	}, got)
}

// What is no whole list is an error, and never no containers.
func TestWhatIsNoList(t *testing.T) {
	for _, body := range []string{"", "null", "{}", `{"message":"x"}`, `[{"Id":"a","State":"running"`, "<html>"} {
		_, err := daemon(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }).Containers(t.Context())
		require.Error(t, err, body)
	}
	_, err := daemon(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message":"client version 1.24 is too old"}`, http.StatusBadRequest)
	}).Containers(t.Context())
	require.ErrorContains(t, err, "too old")
}

func TestNobodyListens(t *testing.T) {
	_, err := dockerapi.New(filepath.Join(t.TempDir(), "none"), "vmdk").Containers(t.Context())
	require.ErrorContains(t, err, "no such file")
}

func TestItGivesUp(t *testing.T) {
	asked := make(chan struct{})
	c := daemon(t, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err := c.Containers(ctx)
	require.ErrorIs(t, err, context.Canceled)
}
