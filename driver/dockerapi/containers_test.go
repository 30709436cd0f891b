package dockerapi_test

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
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
			{"Id":"f","State":"restarting","Mounts":null},
			{"Id":"g","State":"removing","Mounts":[{"Type":"volume","Name":"v","Driver":"registry:5000/our/vmdk:v1"}]},
			{"Id":"h","State":"running","Mounts":[{"Type":"volume","Name":"v","Driver":"vmdk/other:v1"}]}]`))
	})
	got, err := c.Containers(t.Context())
	require.NoError(t, err)
	require.Equal(t, "GET /containers/json?all=true", asked)
	require.Equal(t, []driver.Container{
		{ID: "a", Running: true, Volumes: []string{"data"}},
		{ID: "c", Running: false, Volumes: []string{"w@ds1", "v"}},
		{ID: "d", Running: true, Volumes: []string{"v"}},
		{ID: "g", Running: true, Volumes: []string{"v"}},
	}, got)
}

// What is no whole list is an error, and never no containers.
func TestWhatIsNoList(t *testing.T) {
	for _, body := range []string{
		"", "null", "{}", `{"message":"x"}`, `[{"Id":"a","State":"running"`, "<html>",
		`[{"Id":"a"}`, `[{"Id":"a"},`, `[1]`, `[] {"message":"x"}`,
	} {
		_, err := daemon(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }).Containers(t.Context())
		require.Error(t, err, body)
		require.NotContains(t, err.Error(), "\n")
	}
	_, err := daemon(t, func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message":"client version 1.24 is too old"}`, http.StatusBadRequest)
	}).Containers(t.Context())
	require.ErrorContains(t, err, "too old")
}

// Only the answer to the question counts: what another address says is no list of this daemon's containers.
func TestNoRedirect(t *testing.T) {
	_, err := daemon(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			_, _ = w.Write([]byte("[]"))
			return
		}
		http.Redirect(w, r, "/elsewhere", http.StatusMovedPermanently)
	}).Containers(t.Context())
	require.ErrorContains(t, err, "301")
}

// A list without end costs as much memory as one container, and is given up.
func TestAListWithoutEnd(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	c := daemon(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("["))
		some := bytes.Repeat([]byte(`{"Id":"a","State":"running","Mounts":[]},`), 1000)
		for err := error(nil); err == nil; {
			_, err = w.Write(some)
		}
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := c.Containers(ctx)
	runtime.ReadMemStats(&after)
	require.Error(t, err)
	require.Less(t, after.HeapSys-min(before.HeapSys, after.HeapSys), uint64(32<<20))
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
