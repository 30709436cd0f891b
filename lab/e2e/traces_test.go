//go:build e2e

package e2e_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// traces is what the lab leaves on the machine at a moment.
type traces struct {
	Loops       []string       // devices with a file of the datastore, "device file"
	Mounts      []string       // below the mount roots, "host mountpoint"
	Directories []string       // in the mount roots
	Files       []string       // on the datastore, whatever their directory
	Descriptors map[string]int // of each of our processes, without its connections: Docker keeps a few open
}

func (l *lab) traces() (tr traces, err error) {
	if tr.Loops, err = l.loops(); err != nil {
		return tr, err
	}
	if tr.Files, err = l.files(); err != nil {
		return tr, err
	}
	ours := map[string]*process{"vmdksim": l.esx}
	for _, h := range l.hosts {
		ours[h.name+" vmdkd"] = h.daemon
		at, err := h.mounts()
		if err != nil {
			return tr, err
		}
		for _, m := range at {
			tr.Mounts = append(tr.Mounts, h.name+" "+m)
		}
		dirs, err := listed(h.mountRoot())
		if err != nil {
			return tr, err
		}
		tr.Directories = append(tr.Directories, dirs...)
	}
	tr.Descriptors = make(map[string]int)
	for name, p := range ours {
		fds, err := p.descriptors()
		if err != nil {
			return tr, err
		}
		for _, to := range fds {
			if !strings.HasPrefix(to, "socket:") {
				tr.Descriptors[name]++
			}
		}
	}
	return tr, nil
}

// descriptors lists what the process has open.
func (p *process) descriptors() ([]string, error) {
	dir := fmt.Sprintf("/proc/%d/fd", p.pid())
	fds, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var open []string
	for _, fd := range fds {
		if to, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil {
			open = append(open, to)
		}
	}
	slices.Sort(open)
	return open, nil
}

// loops lists the loop devices with a file of the datastore, of this lab alone.
func (l *lab) loops() ([]string, error) {
	files, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		return nil, err
	}
	var found []string
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // pulled at this moment
		}
		if file := strings.TrimSpace(string(b)); strings.HasPrefix(file, l.dir+"/") {
			found = append(found, strings.Split(f, "/")[3]+" "+file)
		}
	}
	slices.Sort(found)
	return found, nil
}

// mounts lists what is mounted below the mount root in the host's namespace.
func (h *dockerHost) mounts() (found []string, err error) {
	table, err := os.ReadFile("/proc/" + strconv.Itoa(h.daemon.pid()) + "/mountinfo")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], h.mountRoot()+"/") {
			found = append(found, f[4])
		}
	}
	slices.Sort(found)
	return found, nil
}

// files lists the files of volumes on the datastore.
func (l *lab) files() (found []string, err error) {
	err = filepath.WalkDir(l.store, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			found = append(found, e.Name())
		}
		return err
	})
	return found, err
}

// listed is the names in a directory, none if it is not there.
func listed(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

// clean checks at the end of the test, after its volumes were removed, that it left nothing behind, and says how long
// it took. A test calls it first.
func clean(t *testing.T) {
	t.Helper()
	before, err := the.traces()
	require.NoError(t, err)
	begin := time.Now()
	t.Cleanup(func() {
		unchanged(t, before)
		t.Logf("took %.1f s", time.Since(begin).Seconds())
	})
}

// unchanged waits until the traces are those of before; descriptors may have become fewer. What is let go after a
// reply, such as a connection, or after a container's namespace has died, takes a moment.
func unchanged(t *testing.T, before traces) {
	t.Helper()
	var now traces
	for end := time.Now().Add(limit / 3); ; time.Sleep(5 * time.Millisecond) {
		var err error
		now, err = the.traces()
		require.NoError(t, err)
		for name, n := range now.Descriptors {
			now.Descriptors[name] = max(n, before.Descriptors[name])
		}
		if fmt.Sprint(now) == fmt.Sprint(before) || time.Now().After(end) {
			break
		}
	}
	require.Equal(t, before, now, "traces are left")
}
