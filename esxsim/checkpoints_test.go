package esxsim_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

// everyStep lets a host stop at every checkpoint, and makes everything happen that has one.
func everyStep(c *esxsim.Config) {
	c.EveryStep = true
	c.VSAN = map[string][]string{"DS2": {"gold"}}
	c.Quirks = esxsim.Quirks{esxsim.LockTableRace: true, esxsim.DatastoreCacheRace: true, esxsim.AttachRepairs: true}
}

// drive has one command of every kind, and every step in it.
func drive(t *testing.T, h *host) {
	require.NoError(t, h.AddVM(esxsim.VM{ID: "vm9", Home: "ds1", Controllers: []esxsim.Controller{}}))
	for _, c := range []struct{ vm, cmd, name, opts string }{
		{"vm1", "fly", "v", ""},
		{"vm1", "create", "v", ""},
		{"vm1", "create", "w@DS2", `{"clone-from":"v@ds1","vsan-policy-name":"gold"}`},
		{"vm1", "get", "v", ""},
		{"vm9", "attach", "v", ""},
		{"vm9", "detach", "v", ""},
		{"vm9", "attach", "v", ""},
	} {
		h.do(c.vm, c.cmd, c.name, c.opts)
	}
	require.NoError(t, h.PowerOff(t.Context(), "vm9"))
	meta, _ := h.store.Meta("ds1", "v")
	meta.Status, meta.AttachedUUID = "attached", "elsewhere"
	require.NoError(t, h.store.WriteMeta(t.Context(), vol("v"), esxsim.EncodeMeta(meta)))
	h.do("vm1", "attach", "v", "")
	h.do("vm1", "detach", "v", "")
	h.do("vm1", "list", "", "")
	require.True(t, h.Stop(t.Context()))
	require.NoError(t, h.Suspend(t.Context(), "vm3"))
	other, err := esxsim.New(esxsim.Config{Env: seam.Real(), Store: h.store, Bus: h.bus, Host: "esx2"})
	require.NoError(t, err)
	require.NoError(t, h.Move(t.Context(), "vm9", other))
	_, err = other.Fail(t.Context())
	require.NoError(t, err)
	_, err = h.Fail(t.Context())
	require.NoError(t, err)
	require.NoError(t, h.PowerOn(t.Context(), "vm1"))
	h.stage.faults["esx.create.meta"] = "fail" // which needs the undo
	h.do("vm1", "create", "x", "")
	delete(h.stage.faults, "esx.create.meta")
	h.do("vm1", "remove", "w@DS2", "")
	_, err = esxsim.NewAdmin(h.Service, nil, nil).Do(t.Context(), esxsim.Command{
		Name: "volume set", Options: map[string]string{"volume": "v@ds1", "vmgroup": "_DEFAULT", "options": "access=read-write"},
	})
	require.NoError(t, err)
	db := esxsim.NewMemConfig(seam.Real(), false, esxsim.SingleNode)
	admin := esxsim.NewAdmin(h.Service, db, func() string { return "uuid-app" })
	for _, c := range []esxsim.Command{
		{Name: "vmgroup create", Options: map[string]string{"name": "app", "default-datastore": "ds1"}},
		{Name: "vmgroup update", Options: map[string]string{"name": "app", "new-name": "web"}},
	} {
		_, err := admin.Do(t.Context(), c)
		require.NoError(t, err)
	}
	h.stage.faults["esx.remove.disk"] = "fail" // which needs the restoration
	h.do("vm1", "remove", "v", "")
}

// chosen notes at which points the service asks for which faults.
type chosen struct {
	*script
	faults map[string][]string
}

func (c chosen) Choose(op, object string, faults ...string) int {
	c.faults[op] = slices.Clone(faults)
	return c.script.Choose(op, object, faults...)
}

// TestCheckpoints: the list has the points that the service really passes, no other, and their faults.
func TestCheckpoints(t *testing.T) {
	faults := map[string][]string{}
	h := newHost(t, everyStep, grouped)
	asked := newHost(t, everyStep, grouped, func(c *esxsim.Config) {
		c.Stage = chosen{h.stage, faults}
	})
	asked.stage = h.stage
	drive(t, asked)
	passed := map[string]bool{}
	for _, s := range h.stage.seen {
		op, _, _ := strings.Cut(s, "(")
		passed[op] = true
	}
	for op := range faults {
		passed[op] = true
	}
	var listed []string
	for _, c := range esxsim.Checkpoints() {
		require.NotEmpty(t, c.Step)
		require.True(t, strings.HasPrefix(c.Fact, "§2.") || c.Fact == "§6.2", c.Fact)
		require.NotContains(t, listed, c.Name)
		listed = append(listed, c.Name)
		require.True(t, passed[c.Name], "%s is listed, and never passed", c.Name)
		require.Equal(t, c.Faults, faults[c.Name], c.Name)
	}
	for op := range passed {
		require.Contains(t, listed, op, "passed, and not listed")
	}

	text, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	require.Contains(t, string(text), "[Checkpoints]")

	// Without EveryStep the points that only read stay away.
	h = newHost(t)
	drive(t, h)
	for _, c := range esxsim.Checkpoints() {
		for _, s := range h.stage.seen {
			op, _, _ := strings.Cut(s, "(")
			require.False(t, c.Every && op == c.Name, "%s stops without EveryStep", c.Name)
		}
	}
}

// crash ends the first task that comes to a checkpoint, as the end of the process would: no roll-back runs, but the locks
// are free.
type crash struct {
	*script
	at string
}

func (c *crash) Before(op, object string) {
	c.script.Before(op, object)
	if op == c.at {
		c.at = ""
		panic(c)
	}
}

// TestCrashEverywhere: the service ends before any step of any command. What it leaves behind can be used and removed by
// the commands of the next service: nothing is lost for good, whatever the metadata says.
func TestCrashEverywhere(t *testing.T) {
	for _, p := range esxsim.Checkpoints() {
		stage := &crash{script: &script{before: map[string]func(){}, faults: map[string]string{}}, at: p.Name}
		h := newHost(t, grouped, func(c *esxsim.Config) { c.Stage, c.EveryStep = stage, true })
		require.NoError(t, h.AddVM(esxsim.VM{ID: "vm9", Home: "ds1", Controllers: []esxsim.Controller{}}))
		within := func(f func()) (ended bool) {
			defer func() {
				if r := recover(); r != nil {
					require.Equal(t, stage, r)
					ended = true
				}
			}()
			f()
			return false
		}
		ended := false
		for _, c := range [][3]string{
			{"create", "src", ""},
			{"create", "v", `{"clone-from":"src"}`},
			{"get", "v", ""},
			{"list", "", ""},
			{"attach", "v", ""},
			{"detach", "v", ""},
			{"remove", "v", ""},
		} {
			ended = ended || within(func() { h.do("vm9", c[0], c[1], c[2]) })
		}
		usual := !strings.Contains("esx.unknown esx.create.policy esx.create.undo esx.remove.restore esx.attach.repair "+
			"esx.poweroff esx.poweroff.disk esx.poweroff.meta esx.suspend esx.move esx.fail esx.admin.relink esx.admin.rename esx.admin.set esx.stop", p.Name)
		arrival := slices.Contains([]string{"esx.create", "esx.remove", "esx.get", "esx.attach", "esx.detach", "esx.list"}, p.Name)
		require.Equal(t, usual && !arrival, ended, p.Name)
		require.True(t, h.Idle(), p.Name)
		h.Started()

		for _, v := range []string{"src", "v"} {
			h.do("vm9", "create", v, "")
			h.want(null, "vm9", "detach", v, "")
			h.want(place0, "vm2", "attach", v, "")
			h.want(null, "vm2", "detach", v, "")
			h.want(null, "vm2", "remove", v, "")
		}
		require.Empty(t, h.store.Disks(), p.Name)
	}
}

// TestFaultsAreCheckpoints: what a search looks for is in the list.
func TestFaultsAreCheckpoints(t *testing.T) {
	for _, fault := range esxsim.Faults() {
		op, name, _ := strings.Cut(fault, ":")
		require.True(t, slices.ContainsFunc(esxsim.Checkpoints(), func(c esxsim.Checkpoint) bool {
			return c.Name == op && slices.Contains(c.Faults, name) && !c.Every
		}), fault)
	}
}
