package host_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/esxsim"
)

const dataSuffix, metaSuffix = "-flat.vmdk", "-2ae4dfa5b8ea6ee5.vmfd"

// countFiles counts the open files of this process, 0 where the system does not tell.
func countFiles(t testing.TB) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	require.NoError(t, err)
	return len(list)
}

func filesInside(t testing.TB, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// checkReply looks at the reply of a request that was whole.
func (w *tested) checkReply(request, reply []byte) {
	require.True(w.t, json.Valid(reply), "%q: %q", request, reply)
	odd := bytes.IndexFunc(reply, func(c rune) bool { return c < ' ' || c > '~' })
	require.Negative(w.t, odd, "%q: not ASCII: %q", request, reply)
	require.NotContains(w.t, string(reply), "secret", "%q", request)
	require.NotContains(w.t, string(reply), "no lock of", "%q: a lock was not given back", request)
}

// alike compares what hosts in memory and in directories have said to one script. A file system may refuse what memory takes,
// such as a long name; from then on they differ.
func alike(t testing.TB, memory, directory []string) {
	t.Helper()
	moving := regexp.MustCompile(`"(created|allocated)": "[^"]*"`)
	for i := range min(len(memory), len(directory)) {
		m, d := moving.ReplaceAllString(memory[i], ""), moving.ReplaceAllString(directory[i], "")
		if m != d && strings.Contains(d, `"Error"`) && !strings.Contains(m, `"Error"`) && !strings.Contains(d, "already exists") {
			return
		}
		require.Equal(t, m, d, "memory and directories answer differently")
	}
}

// check looks at the whole state while nothing runs: what exists, who has what, and whether all agree.
func (w *tested) check() {
	t, ctx := w.t, context.Background()
	esx, store := w.h.Service()
	require.True(t, esx.Idle(), "a lock is left")

	disks := w.disks()
	inVM := map[esxsim.Volume]string{}
	for _, vm := range vms {
		places := map[wire.Device]bool{}
		for _, p := range esx.Plugged(vm) {
			require.Empty(t, inVM[p.Disk.Volume], "%v is in two VMs", p.Disk)
			inVM[p.Disk.Volume] = vm
			require.False(t, places[p.At], "two disks at %v", p.At)
			places[p.At] = true
			require.Contains(t, disks, p.Disk.Volume, "a disk in %s does not exist", vm)
			now, err := store.StatDisk(ctx, p.Disk.Volume)
			require.NoError(t, err)
			require.Equal(t, p.Disk.ID, now.ID, "%v is another disk than the one in %s", p.Disk, vm)
		}
	}
	require.Equal(t, inVM, w.fileLocks(disks), "file locks")

	for v := range disks {
		if w.plantedVolume(v) {
			continue
		}
		text, err := store.ReadMeta(ctx, v)
		require.NoError(t, err, "%v has no metadata", v)
		meta, err := esxsim.DecodeMeta(text)
		require.NoError(t, err, "%v: %s", v, text)
		if vm := inVM[v]; vm != "" {
			require.Equal(t, "attached", meta.Status, "%v is in %s", v, vm)
			require.Equal(t, vm, meta.AttachedName, "%v", v)
		} else if w.fixed {
			require.Equal(t, "detached", meta.Status, "%v is in no VM", v)
		}
	}
	w.checkList(disks)
}

// disks finds what exists without asking the host: in directories, from the names and sizes of files alone.
func (w *tested) disks() map[esxsim.Volume]bool {
	found := map[esxsim.Volume]bool{}
	if w.parent == "" {
		_, store := w.h.Service()
		for _, d := range store.(*esxsim.MemStore).Disks() {
			found[d.Volume] = true
		}
		return found
	}
	for _, ds := range w.config.Datastores {
		dir := w.inside(ds.Name)
		files := filesInside(w.t, dir)
		volume := func(name string) esxsim.Volume {
			return esxsim.Volume{Datastore: ds.Name, Vmgroup: esxsim.DefaultVmgroupUUID, Name: name}
		}
		used := map[string]bool{}
		for _, file := range files {
			name, ok := strings.CutSuffix(file, ".vmdk")
			info, err := os.Lstat(filepath.Join(dir, file))
			require.NoError(w.t, err)
			if !ok || !info.Mode().IsRegular() || info.Size() > 5000 {
				continue
			}
			found[volume(name)] = true
			for _, part := range []string{file, name + dataSuffix, name + metaSuffix} {
				require.False(w.t, used[part], "two volumes have %q", part)
				used[part] = true
				if !w.plantedFiles[file] {
					require.Contains(w.t, files, part, "a part of volume %q", name)
				}
			}
		}
		for _, file := range files {
			require.True(w.t, used[file] || w.plantedFiles[file], "%q belongs to no volume", file)
		}
	}
	return found
}

// plantedVolume reports whether files of a volume were planted, and are not all as they should be.
func (w *tested) plantedVolume(v esxsim.Volume) bool {
	return w.plantedFiles[v.Name+".vmdk"] && v.Datastore == "ds1"
}

func (w *tested) fileLocks(disks map[esxsim.Volume]bool) map[esxsim.Volume]string {
	if w.parent != "" {
		return w.h.FileLocks()
	}
	_, store := w.h.Service()
	owners := map[esxsim.Volume]string{}
	for v := range disks {
		if vm, locked := store.(*esxsim.MemStore).AttachedTo(v.Datastore, v.Name); locked {
			owners[v] = vm
		}
	}
	return owners
}

// checkList compares list with what exists.
func (w *tested) checkList(disks map[esxsim.Volume]bool) {
	var want, got []string
	for v := range disks {
		if w.fixed {
			want = append(want, v.Name+"@"+v.Datastore)
			continue
		}
		hidden := false
		for _, suffix := range []string{"-flat", "-delta", "-ctk", "-digest", "-000001"} { // names of other snapshots are refused
			hidden = hidden || strings.HasSuffix(v.Name, suffix)
		}
		if !hidden {
			want = append(want, strings.ReplaceAll(v.Name, ".vmdk", "")+"@"+v.Datastore)
		}
	}
	reply := w.send("vm2", wire.AppendFrame(nil, []byte(`{"cmd":"list","details":{"Name":""}}`)))
	listed, err := wire.ParseList(reply)
	require.NoError(w.t, err)
	for _, l := range listed {
		got = append(got, l.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(w.t, want, got, "list")
}

// seeds are scripts that reach far: the life of a volume in both VMs, names, options, clones, power, restarts, raw texts.
func seeds() [][]byte {
	const (
		one, two          = 0, 1
		raw, cut, special = 4 << 1, 6 << 1, 7 << 1
	)
	opts := func(n int) byte { return byte(n << 4) }
	long := func(b byte, text string) []byte {
		return append([]byte{b, byte(len(text) >> 4), byte(len(text) << 4)}, text...)
	}
	return [][]byte{
		{0, one, 0, 0, 0, one, 2, 0, 0, two, 2, 0, 3, two, 1, 0, 3, one, 3, 0, 0, two, 2, 0, 3, two, 3, 0, 3, one, 4, 0, 0},
		{1, one, 0, 0, 0, one, 2, 0, 0, one | special, 0, two, 2, 0, 3, one | special, 0, one, 4, 0, 3, two | special, 1, two, 4, 0, 3},
		{2, one, 2, 15, 0, one, 2, 19, 0, one, 0, 14, 0, one, 4, 14, 0, one, 2, 16, 0, one, 3, 16, 0, one, 4, 16, 0, one, 2, 20, 0, one, 4, 20, 0, one | special, 1},
		{3, one, 0, 6, 0, one, 0, 7, 0, one, 0, 12, 0, one, 0, 13, 0, one, 0, 11, 0, one, 2, 7, 0, one | special, 1, one, 4, 7, 0},
		{0, one | opts(1), 0, 0, 0, 0, 3, one, 2, 0, 0, two | opts(1), 0, 1, 5, 5, 15, one, 3, 0, 0, one | opts(2), 0, 1, 5, 5, 15, 1, 7, two, 2, 1, 5, two | special, 0, one, 4, 1, 5},
		{0, one | opts(3), 0, 0, 0, 0, 0, 1, 8, 2, 10, one | opts(1), 0, 1, 0, 0, 4, one | opts(1), 0, 1, 0, 1, 15, one | cut, 0, 0, 0, 20, 0, one | cut, 0, 0, 0, 9, 1},
		slices.Concat([]byte{0}, long(one|raw, `{"cmd":"create","details":{"Name":"v","Opts":{"size":1}}}`),
			long(two|raw, `{"version":"3","cmd":"attach","details":{"Name":"../../outside/v@ds1"}}`), long(one|raw, `[`)),
		slices.Concat([]byte{2}, long(one|5<<1, "\xef\xbe\xad\x0b\x12\x00\x00\x00{\"cmd\":\"version\"}\x00"), []byte{two | special, 2}),
	}
}
