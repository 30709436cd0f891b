package host_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"vmdkvol/esxsim"
	"vmdkvol/esxsim/host"
)

// TestDeadFiles: what a process that died has left half done is gone with the next start, however soon; what one that lives
// is at work on stays.
func TestDeadFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, open(t, dir, nil).Close())
	files := map[string]string{}
	for _, name := range []string{"dead", "alive", "linked"} {
		files[name] = filepath.Join(group(dir), ".new-"+name+".tmp")
		require.NoError(t, os.WriteFile(files[name], []byte("half"), 0o600))
	}
	require.NoError(t, os.Link(files["linked"], filepath.Join(group(dir), "v-flat.vmdk")))
	alive, err := os.OpenFile(files["alive"], os.O_RDWR, 0)
	require.NoError(t, err)
	defer alive.Close()
	require.NoError(t, host.Claim(alive))
	disk, err := os.Open(files["linked"])
	require.NoError(t, err)
	defer disk.Close()
	require.NoError(t, unix.Flock(int(disk.Fd()), unix.LOCK_EX))
	require.NoError(t, open(t, dir, nil).Close())
	require.NoFileExists(t, files["dead"])
	require.FileExists(t, files["alive"])
	require.NoFileExists(t, files["linked"], "the lock of its disk is another one")
	require.FileExists(t, filepath.Join(group(dir), "v-flat.vmdk"))
}

// TestStartsWhileMaking: hosts that start on a shared datastore take nothing from one that makes disks.
func TestStartsWhileMaking(t *testing.T) {
	datastore := host.Datastore{Name: "ds1", Dir: t.TempDir()}
	store, closeIt, err := host.OpenStore(datastore)
	require.NoError(t, err)
	defer closeIt()
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			_, closeIt, err := host.OpenStore(datastore)
			if err != nil {
				done <- err
				return
			}
			closeIt()
		}
	}()
	for i := range 30 {
		v := esxsim.Volume{Datastore: "ds1", Vmgroup: esxsim.DefaultVmgroupUUID, Name: fmt.Sprint("v", i)}
		_, err := store.CreateDisk(t.Context(), v, 1<<20, esxsim.Thin)
		require.NoError(t, err)
		require.NoError(t, store.WriteMeta(t.Context(), v, []byte("{}")))
		_, err = store.LockDisk(t.Context(), v, "vm1")
		require.NoError(t, err, "a new disk is free")
	}
	close(stop)
	require.NoError(t, <-done)
	require.Len(t, filesIn(t, group(datastore.Dir)), 90)
}
