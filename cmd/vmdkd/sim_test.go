//go:build !vmci

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The whole daemon, as Docker sees it, without root or device.
func TestWholeDaemonSimulated(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "vmdk.sock")
	root := filepath.Join(dir, "mnt")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, errs output
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{
			"--socket", socket, "--mount-root", root, "--esx", "embedded", "--guest", "sim", "--log-level", "debug",
		}, &out, &errs)
	}()
	answers(t, socket, &errs)
	ask := func(op, body string, want int) string {
		t.Helper()
		code, answer, err := post(t, socket, "/VolumeDriver."+op, body)
		require.NoError(t, err, errs.String())
		require.Equal(t, want, code, "%s %s: %s", op, body, answer)
		return answer
	}
	ok, bad := http.StatusOK, http.StatusInternalServerError

	require.JSONEq(t, `{"Volumes":[],"Err":""}`, ask("List", "", ok))
	require.Contains(t, ask("Get", `{"Name":"data"}`, bad), "docker volume ls")
	ask("Create", `{"Name":"data","Opts":{"size":"1gb","fstype":"ext4"}}`, ok)

	var got struct {
		Volume struct {
			Name, Mountpoint, CreatedAt string
			Status                      map[string]any
		}
	}
	require.NoError(t, json.Unmarshal([]byte(ask("Get", `{"Name":"data"}`, ok)), &got))
	require.Equal(t, "data", got.Volume.Name)
	require.Equal(t, "simulated", got.Volume.Status["backend"])

	// Two containers, and a docker cp in one of them.
	var at struct{ Mountpoint string }
	for _, id := range []string{"c1", "c2", "c1"} {
		a := ask("Mount", fmt.Sprintf(`{"Name":"data","ID":%q}`, id), ok)
		require.NoError(t, json.Unmarshal([]byte(a), &at))
		require.True(t, strings.HasPrefix(at.Mountpoint, root+"/data"), at.Mountpoint)
	}
	require.Contains(t, ask("Remove", `{"Name":"data"}`, bad), "stop the containers")
	for _, id := range []string{"c1", "c1", "c2"} {
		ask("Unmount", fmt.Sprintf(`{"Name":"data","ID":%q}`, id), ok)
	}
	ask("Remove", `{"Name":"data"}`, ok)
	ask("Get", `{"Name":"data"}`, bad)

	for _, name := range []string{
		"", "..", "a/b", strings.Repeat("v", 101), "v-000001", "x@nowhere", `a\u0000b`, "a\ufffdb", "a\xffb",
	} {
		ask("Create", fmt.Sprintf(`{"Name":"%s"}`, name), bad)
	}
	for _, opts := range []string{
		`{"size":"0mb"}`, `{"size":"-1gb"}`, `{"size":"1kb"}`, `{"size":"99999999999tb"}`, `{"colour":"red"}`,
		`{"fstype":"ntfs"}`, `{"fstype":"xfs","size":"100mb"}`,
	} {
		ask("Create", `{"Name":"v","Opts":`+opts+`}`, bad)
	}
	require.JSONEq(t, `{"Volumes":[],"Err":""}`, ask("List", "", ok), "nothing is left of what was refused")

	stop()
	require.Equal(t, exitFine, <-status, errs.String())
	require.NotContains(t, errs.String(), "level=ERROR")
	for line := range strings.Lines(errs.String()) {
		require.Contains(t, line, "backend=simulated")
	}
}

// Every client works on its own view of four volumes, all at once; a stop in the middle loses nothing.
func TestWholeDaemonUnderLoad(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "vmdk.sock")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, errs output
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{
			"--socket", socket, "--mount-root", dir, "--esx", "embedded", "--guest", "sim", "--log-level", "warn",
		}, &out, &errs)
	}()
	answers(t, socket, &errs)
	for v := range 4 {
		code, answer, err := post(t, socket, "/VolumeDriver.Create", fmt.Sprintf(`{"Name":"v%d"}`, v))
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, code, answer)
	}
	var wg sync.WaitGroup
	for c := range 16 {
		wg.Go(func() {
			for i := range 10 {
				name := fmt.Sprintf("v%d", (c+i)%4)
				if i%2 == 1 {
					name += "@datastore1"
				}
				body := fmt.Sprintf(`{"Name":%q,"ID":"c%d"}`, name, c)
				for _, op := range []string{"Get", "Mount", "Get", "Unmount"} {
					code, answer, err := post(t, socket, "/VolumeDriver."+op, body)
					if err != nil || code != http.StatusOK {
						t.Errorf("%s %s: %d %s %v", op, body, code, answer, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	stop()
	require.Equal(t, exitFine, <-status, errs.String())
	require.NotContains(t, errs.String(), "level=ERROR")
}
