package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// lockedBuffer is written by the program while the test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// ask sends a request in a frame of PROTOCOL.md and returns the text of the reply.
func ask(t *testing.T, socket, request string) string {
	t.Helper()
	c, err := net.Dial("unix", socket)
	require.NoError(t, err)
	defer c.Close()
	const magic = 0x0badbeef
	frame := binary.LittleEndian.AppendUint32(nil, magic)
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(request)+1))
	_, err = c.Write(append(append(frame, request...), 0))
	require.NoError(t, err)
	reply, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Greater(t, len(reply), 8)
	return string(reply[8 : len(reply)-1])
}

func TestServe(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "run", "vm1.sock")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out, errs lockedBuffer
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{
			"serve", "--no-loop", "--datastore", filepath.Join(dir, "first"), "--datastore", "ds2=" + filepath.Join(dir, "b=c"),
			"--vm", "vm1=" + socket, "--home", "vm1=ds2", "--quirks", "faithful, one-receiver=off,torn-metadata=off,null-get=on,stop-kills=on",
		}, &out, &errs)
	}()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "vmdksim serve: ready\n") }, 10*time.Second, time.Millisecond)
	require.Equal(t, "vm vm1: --esx unix:"+socket+"\nvmdksim serve: ready\n", out.String())

	silent, err := net.Dial("unix", socket)
	require.NoError(t, err)
	defer silent.Close()
	start := time.Now()
	for _, volume := range []string{"data", "data@first"} {
		require.Equal(t, "null", ask(t, socket, `{"cmd":"create","details":{"Name":"`+volume+`"},"version":"2"}`))
	}
	require.Less(t, time.Since(start), 5*time.Second, "a client that says nothing blocks others if one-receiver is asked for")
	require.FileExists(t, filepath.Join(dir, "b=c/dockvols/_DEFAULT/data.vmdk"))
	require.FileExists(t, filepath.Join(dir, "first/dockvols/_DEFAULT/data.vmdk"))

	stop()
	require.Equal(t, exitFine, <-code, errs.String())
	require.Contains(t, errs.String(), "backend=simulated")
	require.Contains(t, errs.String(), "change nothing here")
	require.Contains(t, errs.String(), "quirks=torn-metadata,stop-kills\n")
	require.NoFileExists(t, socket)
}

func TestServeRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	good := []string{"--no-loop", "--datastore", "ds1=" + filepath.Join(dir, "ds1"), "--vm", "vm1=" + filepath.Join(dir, "s")}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{}, "at least one"},
		{[]string{"--no-loop", "--vm", "vm1=/s"}, "at least one"},
		{append(good, "--datastore", "ds1=/x"), "twice"},
		{append(good, "--datastore", "ds2="), "NAME=]DIR"},
		{append(good, "--vm", "vm2"), "NAME=SOCKET"},
		{append(good, "--vm", "a/b=/s"), "a/b"},
		{append(good, "--vm", "vm2="+file), "no socket"},
		{append(good, "--home", "vm2=ds1"), "no such --vm"},
		{append(good, "--home", "vm1=ds2"), "ds2"},
		{append(good, "--home", "vm1"), "VM=DATASTORE"},
		{append(good, "--default-datastore", "ds2"), "ds2"},
		{append(good, "--log-level", "loud"), "loud"},
		{append(good, "--quirks", "fixed,null-get=maybe"), "null-get=maybe"},
		{append(good, "--quirks", "moon=on"), "vmdksim quirks"},
		{append(good, "extra"), "extra"},
		{append(good, "--nonsense"), "nonsense"},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, exitBadInput, run(t.Context(), append([]string{"serve"}, c.args...), &out, &errs), "%q", c.args)
		require.Contains(t, errs.String(), c.want, "%q", c.args)
		require.Empty(t, out.String())
	}
	if os.Geteuid() != 0 {
		var out, errs bytes.Buffer
		require.Equal(t, exitLacking, run(t.Context(), append([]string{"serve"}, good[1:]...), &out, &errs))
		require.Contains(t, errs.String(), "--no-loop")
	}
}
