package host_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/esxsim/host"
	"vmdkvol/seam"
)

func store(t *testing.T, dir string) esxsim.Store {
	t.Helper()
	s, closeIt, err := host.OpenStore(host.Datastore{Name: "ds1", Dir: dir})
	require.NoError(t, err)
	t.Cleanup(closeIt)
	return s
}

func volume(name string) esxsim.Volume {
	return esxsim.Volume{Datastore: "ds1", Vmgroup: esxsim.DefaultVmgroupUUID, Name: name}
}

func TestFormats(t *testing.T) {
	s, ctx := store(t, t.TempDir()), t.Context()
	for _, format := range []esxsim.Format{esxsim.Thin, esxsim.ZeroedThick, esxsim.EagerZeroedThick} {
		v := volume(string(format))
		made, err := s.CreateDisk(ctx, v, 4<<20, format)
		require.NoError(t, err)
		disk, err := s.StatDisk(ctx, v)
		require.NoError(t, err)
		require.Equal(t, made, disk)
		require.Equal(t, format, disk.Format)
		require.EqualValues(t, 4<<20, disk.Size)
		require.Equal(t, format != esxsim.Thin, disk.Allocated >= 4<<20, "%s: %d bytes", format, disk.Allocated)
	}
}

// TestATextThatWasReadStaysAsItIs, in every kind of store, whatever becomes of its sidecar: esxsim.Memo knows a text again by where it
// is.
func TestATextThatWasReadStaysAsItIs(t *testing.T) {
	for name, s := range map[string]esxsim.Store{
		"memory": esxsim.NewMemStore(seam.Real(), false, "ds1"),
		"files":  store(t, t.TempDir()),
	} {
		t.Run(name, func(t *testing.T) {
			type read struct{ text, was []byte }
			var all []read
			var memo esxsim.Memo
			look := func(v esxsim.Volume, status string) {
				text, err := s.ReadMeta(t.Context(), v)
				require.NoError(t, err)
				all = append(all, read{text, bytes.Clone(text)})
				meta, err := memo.Meta(text)
				require.NoError(t, err)
				require.Equal(t, status, meta.Status)
			}
			write := func(v esxsim.Volume, status string) {
				require.NoError(t, s.WriteMeta(t.Context(), v, esxsim.EncodeMeta(esxsim.Meta{Status: status})))
				look(v, status)
			}
			a, b := volume("a"), volume("b")
			_, err := s.CreateDisk(t.Context(), a, 1<<20, esxsim.Thin)
			require.NoError(t, err)
			for _, status := range []string{"detached", "attached", "detached", "lost"} { // texts of one length, too
				write(a, status)
				write(b, "of b, "+status)
				look(a, status)
			}
			require.NoError(t, s.DeleteMeta(t.Context(), b))
			_, err = s.CloneDisk(t.Context(), a, b, esxsim.Thin)
			require.NoError(t, err)
			look(b, "lost")
			write(b, "attached")
			require.NoError(t, s.DeleteMeta(t.Context(), a))
			require.NoError(t, s.DeleteDisk(t.Context(), a))
			write(a, "new")
			for _, r := range all {
				require.Equal(t, string(r.was), string(r.text))
			}
		})
	}
}

// TestClone: a copy has the bytes and the sidecar of its source, its holes, and an identity of its own.
func TestClone(t *testing.T) {
	dir := t.TempDir()
	s, ctx := store(t, dir), t.Context()
	from, to := volume("data"), volume("copy")
	_, err := s.CloneDisk(ctx, from, to, esxsim.Thin)
	require.ErrorIs(t, err, esxsim.ErrNotExist)
	was, err := s.CreateDisk(ctx, from, 5<<20+512, esxsim.Thin)
	require.NoError(t, err)
	file := filepath.Join(group(dir), "data-flat.vmdk")
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("end"), 5<<20)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, s.WriteMeta(ctx, from, []byte(`{"status": "detached"}`)))

	_, err = s.LockDisk(ctx, from, "vm1")
	require.NoError(t, err)
	_, err = s.CloneDisk(ctx, from, to, esxsim.Thin)
	require.ErrorIs(t, err, esxsim.ErrLocked)
	require.NoError(t, s.UnlockDisk(ctx, from, "vm1"))

	made, err := s.CloneDisk(ctx, from, to, esxsim.Thin)
	require.NoError(t, err)
	require.NotEqual(t, was.ID, made.ID)
	require.Equal(t, was.Size, made.Size)
	require.Less(t, made.Allocated, int64(1<<20+1))
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(group(dir), "copy-flat.vmdk"))
	require.NoError(t, err)
	require.Equal(t, want, got)
	text, err := s.ReadMeta(ctx, to)
	require.NoError(t, err)
	require.JSONEq(t, `{"status": "detached"}`, string(text))

	require.NoError(t, s.WriteMeta(ctx, from, []byte(`{}`)))
	_, err = s.CloneDisk(ctx, from, to, esxsim.Thin)
	require.ErrorIs(t, err, esxsim.ErrExist)
	text, err = s.ReadMeta(ctx, to)
	require.NoError(t, err)
	require.JSONEq(t, `{"status": "detached"}`, string(text), "what exists is not touched")

	full, err := s.CloneDisk(ctx, from, volume("thick"), esxsim.ZeroedThick)
	require.NoError(t, err)
	require.Equal(t, esxsim.ZeroedThick, full.Format)
	require.GreaterOrEqual(t, full.Allocated, full.Size)
}

func TestStoreErrors(t *testing.T) {
	dir := t.TempDir()
	s, ctx := store(t, dir), t.Context()
	v := volume("data")
	_, err := s.CreateDisk(ctx, v, 1<<20, esxsim.Thin)
	require.NoError(t, err)
	_, err = s.CreateDisk(ctx, v, 1<<20, esxsim.Thin)
	require.ErrorIs(t, err, esxsim.ErrExist)
	_, err = s.CreateDisk(ctx, volume("huge"), 1<<62, esxsim.Thin)
	require.ErrorIs(t, err, esxsim.ErrNoSpace)
	_, err = s.CreateDisk(ctx, volume("thick"), 1<<43, esxsim.ZeroedThick)
	require.ErrorIs(t, err, esxsim.ErrNoSpace)
	for _, size := range []int64{0, -1, 1, 4096, 1<<20 + 1} {
		_, err = s.CreateDisk(ctx, volume("odd"), size, esxsim.Thin)
		require.Error(t, err, "%d bytes", size)
	}
	require.Equal(t, []string{"data-flat.vmdk", "data.vmdk"}, filesIn(t, group(dir)), "what failed has left nothing")

	none := volume("none")
	_, err = s.StatDisk(ctx, none)
	require.ErrorIs(t, err, esxsim.ErrNotExist)
	_, err = s.LockDisk(ctx, none, "vm1")
	require.ErrorIs(t, err, esxsim.ErrNotExist)
	require.ErrorIs(t, s.DeleteDisk(ctx, none), esxsim.ErrNotExist)
	require.ErrorIs(t, s.DeleteMeta(ctx, none), esxsim.ErrNotExist)
	_, err = s.ReadMeta(ctx, none)
	require.ErrorIs(t, err, esxsim.ErrNotExist)
	_, err = s.StatDisk(ctx, esxsim.Volume{Datastore: "ds2", Vmgroup: esxsim.DefaultVmgroupUUID, Name: "data"})
	require.ErrorIs(t, err, esxsim.ErrNotExist)
	_, err = s.StatDisk(ctx, volume("../"+esxsim.DefaultVmgroupUUID+"/data"))
	require.Error(t, err, "a slash is refused even if the service let it pass")

	// The data file of a volume is no volume, whatever the guest writes into it.
	flat := filepath.Join(group(dir), "data-flat.vmdk")
	text, err := os.ReadFile(filepath.Join(group(dir), "data.vmdk"))
	require.NoError(t, err)
	f, err := os.OpenFile(flat, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.Write(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = s.StatDisk(ctx, volume("data-flat"))
	require.ErrorIs(t, err, esxsim.ErrNotExist)
	require.ErrorIs(t, s.DeleteDisk(ctx, volume("data-flat")), esxsim.ErrNotExist)
	names, err := s.List(ctx, "ds1", esxsim.DefaultVmgroupUUID)
	require.NoError(t, err)
	require.Equal(t, []string{"data"}, names)
}

// A volume whose data file would be another volume's descriptor is refused whole.
func TestCollidingNames(t *testing.T) {
	dir := t.TempDir()
	s, ctx := store(t, dir), t.Context()
	first, err := s.CreateDisk(ctx, volume("x-flat"), 1<<20, esxsim.Thin)
	require.NoError(t, err)
	_, err = s.CreateDisk(ctx, volume("x"), 1<<20, esxsim.Thin)
	require.ErrorIs(t, err, esxsim.ErrExist)
	require.Equal(t, []string{"x-flat-flat.vmdk", "x-flat.vmdk"}, filesIn(t, group(dir)))
	disk, err := s.StatDisk(ctx, volume("x-flat"))
	require.NoError(t, err)
	require.Equal(t, first, disk)
}

func TestFileLock(t *testing.T) {
	dir := t.TempDir()
	one, two := store(t, dir), store(t, dir) // as two processes: flock(2) goes by open file
	ctx, v := t.Context(), volume("data")
	_, err := one.CreateDisk(ctx, v, 1<<20, esxsim.Thin)
	require.NoError(t, err)
	disk, err := one.LockDisk(ctx, v, "vm1")
	require.NoError(t, err)
	again, err := one.LockDisk(ctx, v, "vm1")
	require.NoError(t, err)
	require.Equal(t, disk, again)
	for _, s := range []esxsim.Store{one, two} {
		_, err = s.LockDisk(ctx, v, "vm2")
		require.ErrorIs(t, err, esxsim.ErrLocked)
		require.ErrorIs(t, s.DeleteDisk(ctx, v), esxsim.ErrLocked)
		require.NoError(t, s.UnlockDisk(ctx, v, "vm2"), "not the holder: nothing happens")
	}
	require.NoError(t, one.UnlockDisk(ctx, v, "vm1"))
	_, err = two.LockDisk(ctx, v, "vm2")
	require.NoError(t, err)
	require.NoError(t, two.UnlockDisk(ctx, v, "vm2"))
	require.NoError(t, one.DeleteDisk(ctx, v))
}

// Of many who create, lock or delete one disk at once through two stores, one at a time succeeds, and nothing is left over.
func TestStoreRace(t *testing.T) {
	dir := t.TempDir()
	stores := []esxsim.Store{store(t, dir), store(t, dir)}
	ctx, v := t.Context(), volume("data")
	var made, deleted, holders atomic.Int32
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			s, vm := stores[g%2], fmt.Sprintf("vm%d", g)
			for range 20 {
				if _, err := s.CreateDisk(ctx, v, 1<<20, esxsim.Thin); err == nil {
					made.Add(1)
				}
				if _, err := s.LockDisk(ctx, v, vm); err == nil {
					if n := holders.Add(1); n != 1 {
						t.Errorf("%d VMs have the disk", n)
					}
					holders.Add(-1)
					if err := s.UnlockDisk(ctx, v, vm); err != nil {
						t.Error(err)
					}
				}
				if s.DeleteDisk(ctx, v) == nil {
					deleted.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if stores[0].DeleteDisk(ctx, v) == nil {
		deleted.Add(1)
	}
	require.Positive(t, made.Load())
	require.Equal(t, made.Load(), deleted.Load())
	require.Empty(t, filesIn(t, group(dir)))
}

func TestMetaPadding(t *testing.T) {
	dir := t.TempDir()
	s, ctx, v := store(t, dir), t.Context(), volume("data")
	for _, size := range []int{1, 4094, 4095, 4096, 9000} {
		text := make([]byte, size)
		for i := range text {
			text[i] = 'x'
		}
		require.NoError(t, s.WriteMeta(ctx, v, text))
		info, err := os.Stat(filepath.Join(group(dir), "data-2ae4dfa5b8ea6ee5.vmfd"))
		require.NoError(t, err)
		require.Zero(t, info.Size()%4096)
		require.Greater(t, info.Size(), int64(size))
		got, err := s.ReadMeta(ctx, v)
		require.NoError(t, err)
		require.Equal(t, text, got)
	}
	require.Len(t, filesIn(t, group(dir)), 1)
}

func TestQemuReadsDisks(t *testing.T) {
	qemu, err := exec.LookPath("qemu-img")
	if err != nil {
		t.Skip("no qemu-img: install qemu-utils")
	}
	dir := t.TempDir()
	s := store(t, dir)
	_, err = s.CreateDisk(t.Context(), volume("my data"), 20<<30, esxsim.Thin)
	require.NoError(t, err)
	out, err := exec.CommandContext(t.Context(), qemu, "info", filepath.Join(dir, "dockvols/_DEFAULT/my data.vmdk")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "file format: vmdk")
	require.Contains(t, string(out), "(21474836480 bytes)")
}

// A clone reads what was written, not all that a guest has asked for.
func TestCloneOfHugeDisk(t *testing.T) {
	dir := t.TempDir()
	s, ctx, from := store(t, dir), t.Context(), volume("data")
	const size = 8 << 40
	if _, err := s.CreateDisk(ctx, from, size, esxsim.Thin); errors.Is(err, esxsim.ErrNoSpace) {
		t.Skip("the file system has no file of 8 TiB")
	}
	f, err := os.OpenFile(filepath.Join(group(dir), "data-flat.vmdk"), os.O_RDWR, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("middle"), 5<<40)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = s.CloneDisk(ctx, from, volume("copy"), esxsim.Thin)
	require.NoError(t, err)
	f, err = os.Open(filepath.Join(group(dir), "copy-flat.vmdk"))
	require.NoError(t, err)
	defer f.Close()
	text := make([]byte, 6)
	_, err = f.ReadAt(text, 5<<40)
	require.NoError(t, err)
	require.Equal(t, "middle", string(text))
}
