package conform_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/esxsim/host"
	"vmdkvol/esxsim/host/configdb"
	"vmdkvol/seam"
)

var vms = []string{"vm1", "vm2", "vm3"}

// world is the host of one case.
type world struct {
	h       *host.Host
	dir     string // of all its files; "" if its datastores are in memory
	run     string // of its sockets
	stage   *faults
	sockets map[string]string // by VM
}

// newWorld makes what a case gives.
func newWorld(t *testing.T, g golden, files bool) *world {
	t.Helper()
	w := &world{stage: &faults{next: map[string][]string{}}, run: t.TempDir(), sockets: map[string]string{}}
	names := []string{"ds1", "DS2", "ds3"}
	c := host.Config{Version: "0.21", Stage: w.stage, Quirks: host.Quirks{host.OneReceiver: false, host.GivesUp: false}}
	groups, broken, noDefault := false, false, false
	for _, given := range g.given {
		word, rest, _ := strings.Cut(given, " ")
		switch word {
		case "quirk":
			q, err := host.ParseQuirks("faithful," + rest)
			require.NoError(t, err, g.at)
			maps.Copy(c.Quirks, q)
		case "default":
			c.DefaultDatastore = rest
		case "groups":
			groups = true
		case "broken":
			groups, broken = true, true
		case "no-default":
			groups, noDefault = true, true
		case "vsan":
			c.VSAN = append(c.VSAN, rest)
		case "version":
			c.Version = rest
		case "datastores":
			names = strings.Fields(rest)
		default:
			t.Fatalf("%s: unknown: given %s", g.at, given)
		}
	}
	dirs := map[string]string{}
	if files {
		w.dir = scratch(t)
	}
	for _, name := range names {
		if files {
			dirs[name] = filepath.Join(w.dir, "store-"+name)
		}
		c.Datastores = append(c.Datastores, host.Datastore{Name: name, Dir: dirs[name]})
	}
	for _, vm := range vms {
		w.sockets[vm] = filepath.Join(w.run, vm)
		c.VMs = append(c.VMs, host.VM{Name: vm, Socket: w.sockets[vm]})
	}
	c.VMs[2].Home = names[len(names)-1]
	if groups {
		c.Groups = newGroups(t, w.dir, dirs, broken)
	}
	if noDefault { // no command of the administrator brings this about
		r := esxsim.FirstRecord()
		r.DefaultDatastore = ""
		require.NoError(t, c.Groups.Put(t.Context(), r))
	}
	var err error
	w.h, err = host.Open(c)
	require.NoError(t, err, g.at)
	t.Cleanup(func() { require.NoError(t, w.h.Close()) })
	return w
}

// newGroups makes the config database, a file if there are files.
func newGroups(t *testing.T, dir string, datastores map[string]string, broken bool) esxsim.ConfigDB {
	if dir == "" {
		mode := esxsim.SingleNode
		if broken {
			mode = esxsim.BrokenLink
		}
		return esxsim.NewMemConfig(seam.Real(), false, mode)
	}
	path := filepath.Join(dir, "auth-db")
	db, err := configdb.New(configdb.Config{Path: path, Datastores: datastores})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	if broken {
		require.NoError(t, os.Symlink("nowhere", path))
		return db
	}
	require.NoError(t, db.Init(t.Context(), "", false))
	return db
}

// scratch is a directory in memory, if the machine has that: nothing here is about power cuts.
func scratch(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "vmdkvol-conform-") //nolint:usetesting // another directory than TempDir's
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// administer runs a command as one types it, without blanks in values.
func (w *world) administer(ctx context.Context, line string) (string, error) {
	c := host.Command{Options: map[string]string{}}
	var name []string
	words := strings.Fields(line)
	for i := 0; i < len(words); i++ {
		option, is := strings.CutPrefix(words[i], "--")
		switch {
		case !is:
			name = append(name, words[i])
		case i+1 == len(words) || strings.HasPrefix(words[i+1], "--"):
			c.Options[option] = "true"
		default:
			c.Options[option] = words[i+1]
			i++
		}
	}
	c.Name = strings.Join(name, " ")
	_, err := w.h.Admin(ctx, c)
	var refused *esxsim.Refusal
	switch {
	case err == nil:
		return "ok", nil
	case errors.As(err, &refused):
		return "refused: " + refused.Text, nil
	}
	return "", fmt.Errorf("%s: %w", line, err)
}

// faults is a stage on which a fault happens once, the next time that its point offers it.
type faults struct {
	seam.Quiet
	mu   sync.Mutex
	next map[string][]string // by point, guarded by mu
}

func (f *faults) add(point, fault string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next[point] = append(f.next[point], fault)
}

// Choose implements seam.Stage.
func (f *faults) Choose(op, _ string, offered ...string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.next[op]) == 0 {
		return 0
	}
	i := slices.Index(offered, f.next[op][0])
	if i >= 0 { // else it stays, and left says so
		f.next[op] = f.next[op][1:]
	}
	return i + 1
}

// left are the faults that nothing came to.
func (f *faults) left() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var left []string
	for _, point := range slices.Sorted(maps.Keys(f.next)) {
		for _, fault := range f.next[point] {
			left = append(left, point+" "+fault)
		}
	}
	return left
}
