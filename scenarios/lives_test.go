package scenarios_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// lives are programs in which something crashes, restarts or loses its power, or several VMs want one volume. None of
// them may fail, whatever the schedule: an alarm would be false.
var lives = map[string]string{
	"the plugin restarts":        "given volume v\nstart c1: mount v; write v x\nstart op: restart plugin\nstart c2: mount v; read v; list",
	"it stays down":              "given volume v\nstart c1: mount v; unmount v; create w; remove w\nstart op: crash plugin\nstart c2: mount v; get v",
	"it restarts twice":          "start c1: create v; create w\nstart op: restart plugin; restart plugin\nstart c2: create v; get w; remove w; get w",
	"the power fails":            "given volume v\nstart c1: mount v; unmount v; mount v\nstart op: poweroff vm1; poweron vm1\nstart c2: mount v; unmount v",
	"and the operator is two":    "given volume v\nstart c1: mount v\nstart a: poweroff vm1; poweron vm1\nstart b: poweroff vm1; restart plugin; poweron vm1",
	"ESX restarts":               "given volume v\nstart c1: mount v; unmount v; remove v\nstart op: restart esx\nstart c2: mount v; unmount v; create w",
	"ESX is away":                "given volume v\nstart c1: mount v; unmount v\nstart op: crash esx; sleep 1m; restart esx; restart esx\nstart c2: mount v; get v",
	"ESX is left down":           "given volume v\nstart c1: mount v; unmount v\nstart op: crash esx\nstart c2: mount v; create w",
	"ESX restarts under a fault": "given volume v\ngiven faults 1\nstart c1: mount v; unmount v\nstart op: restart esx\nstart c2: mount v",
	"ESX restarts as many wait":  "given volume v\nstart c1: mount v; get v\nstart c2: get v; get v\nstart op: restart esx\nstart c3: get v; get v",
	"ESX restarts in a plug":     "given volume v\ngiven volume w\ngiven faults 1\nstart c1: mount v\nstart c2: mount w\nstart op: restart esx",
	"two VMs mount":              "given vm vm2\ngiven volume v\nstart c1: mount v; unmount v\nstart c2@vm2: mount v; unmount v\nstart c3: mount v; get v",
	"two VMs create":             "given vm vm2\nstart c1: create v; mount v; unmount v\nstart c2@vm2: create v; mount v; unmount v\nstart c3: get v",
	"a removal is lost":          "given vm vm2\ngiven volume v\ngiven faults 1\nstart c1: remove v\nstart c2@vm2: get v; create v",
	"ESX may crash at any time":  "given volume v\ngiven crashes esx\ngiven faults 1\nstart c1: mount v; unmount v\nstart c2: mount v; get v; create w",
	"a plugin may while it gets": "given volume v\ngiven crashes plugin\ngiven faults 1\nstart c1: get v; get v; list\nstart c2: get v; path v",
	"a VM may while it creates":  "given vm vm2\ngiven crashes vm\ngiven faults 1\nstart c1: create v; get v\nstart c2@vm2: create v; get v",
	"recovery": "given volume v\ngiven recovery every=5m\ngiven faults 1\nstart c1: mount v; unmount v\nstart op: restart plugin\n" +
		"start c2: mount v; unmount v\nstart c3: create v; remove v",
	"recovery of two volumes": "given volume v\ngiven volume w\ngiven recovery every=5m\nstart c1: mount v; mount w\nstart op: restart plugin\n" +
		"start c2: unmount v id=c1; unmount w id=c1; remove v",
	"recovery on two VMs": "given vm vm2\ngiven volume v\ngiven recovery every=5m\nstart c1: mount v; unmount v\nstart op: restart plugin\n" +
		"start c2@vm2: mount v; unmount v",
	"all at once": "given vm vm2\ngiven volume v\nstart c1: mount v; create w; remove v\nstart c2@vm2: mount v; create w; remove w\n" +
		"start op: poweroff vm1; restart esx; poweron vm1\nstart op2@vm2: restart plugin; check refs(v)=0",
}

func TestNoFalseAlarms(t *testing.T) {
	for name, text := range lives {
		t.Run(name, func(t *testing.T) {
			rep := exploreText(t, text, atLength(5000))
			require.False(t, rep.Found, "%+v", rep.Result)
		})
	}
}

func exploreText(t *testing.T, text string, schedules int) explore.Report {
	t.Helper()
	s, err := scenarios.Parse("x.scn", text)
	require.NoError(t, err)
	stage, err := scenarios.NewStage(s)
	require.NoError(t, err)
	defer stage.Close()
	rep, err := stage.Explore(explore.Search{Strategy: explore.Random(1), Schedules: schedules})
	require.NoError(t, err)
	return rep
}

// TestOraclesSeeEveryLife: what a network gone wrong does is found after a restart, on a second VM and after a crash of
// ESX as well as in a world in which nothing ends.
func TestOraclesSeeEveryLife(t *testing.T) {
	const crossed = "given network shared\ngiven volume v\n"
	for _, text := range []string{
		crossed + "start c1: get v\nstart c2: get nothing\nstart c3: mount v",
		crossed + "start op: restart plugin\nstart c1: get v\nstart c2: get nothing\nstart c3: mount v",
		crossed + "start op: crash esx; restart esx\nstart c1: get v\nstart c2: get nothing\nstart c3: mount v",
		crossed + "given vm vm2\nstart c0: get v\nstart c1@vm2: get v\nstart c2@vm2: get nothing\nstart c3@vm2: mount v",
		crossed + "start op: poweroff vm1; poweron vm1\nstart c1: get v\nstart c2: get nothing\nstart c3: mount v",
	} {
		rep := exploreText(t, text, 5000)
		require.True(t, rep.Found, text)
		require.Equal(t, scenarios.OracleModel, rep.Result.Failure.Oracle, text)
	}
}

// TestWhatARunSays of every group of verbs.
func TestWhatARunSays(t *testing.T) {
	for text, want := range map[string]string{
		"given volume v\nstart c1: list; path v; mount v; path v@ds1; create w size=10mb; list; remove v": "list -> v@ds1, path v -> nothing, " +
			"mount v -> ok, path v@ds1 -> /mnt/vmdk/v@ds1, create w size=10mb -> ok, list -> v@ds1 w@ds1, remove v -> in use",
		"given volume v access=read-only\nstart c1: read v; mount v; read v; write v x; unmount v; write v x; read v": "read v -> not mounted, " +
			"mount v -> ok, read v -> nothing, write v x -> read-only, unmount v -> ok, write v x -> bare directory, read v -> bare directory",
		"start c1: list; restart plugin; list; crash plugin; list; crash plugin; restart plugin; list": "list -> nothing, restart plugin -> ok, " +
			"list -> nothing, crash plugin -> ok, list -> dropped, crash plugin -> ok, restart plugin -> ok, list -> nothing",
		"start c1: poweroff vm1; poweroff vm1; get v; restart plugin; poweron vm1; poweron vm1; get v": "poweroff vm1 -> ok, poweroff vm1 -> ok, " +
			"get v -> dropped, restart plugin -> powered off, poweron vm1 -> ok, poweron vm1 -> ok, get v -> not found",
		"start c1: crash esx; crash esx; get v; restart esx; get v": "crash esx -> ok, crash esx -> ok, get v -> unreachable, restart esx -> ok, " +
			"get v -> not found",
		"given vm vm2\ngiven volume v\nstart c1: mount v; get v; sleep 1h\nstart c2@vm2: mount v; remove v; check refs(vm1:v)=1 mounted(v)=none": "mount v -> ok, " +
			"get v -> ok, mount v -> in use by vm1, remove v -> in use by vm1, check refs(vm1:v)=1 mounted(v)=none -> ok, sleep 1h -> ok",
	} {
		s, err := scenarios.Parse("x.scn", text)
		require.NoError(t, err)
		stage, err := scenarios.NewStage(s)
		require.NoError(t, err)
		o, err := stage.Replay(true)
		stage.Close()
		require.NoError(t, err)
		require.Nil(t, o.Result.Failure, text)
		var got []string
		for _, e := range o.Events {
			if e.Kind == explore.VisibleEvent && strings.Contains(e.Text, " -> ") {
				call, _, _ := strings.Cut(e.Text, ": ")
				got = append(got, call)
			}
		}
		require.Equal(t, want, strings.Join(got, ", "), text)
	}
}

// TestCheck: it fails a run with its line, and no exploration.
func TestCheck(t *testing.T) {
	const text = "given volume v\nstart c1: mount v; check refs(v)=1\nstart c2: unmount v id=c1; check refs(v)=1 attached(v)=vm1\n"
	s, err := scenarios.Parse("x.scn", text)
	require.NoError(t, err)
	stage, err := scenarios.NewStage(s)
	require.NoError(t, err)
	defer stage.Close()
	o, err := stage.Replay(false)
	require.NoError(t, err)
	require.Equal(t, []string{"x.scn:3: check refs(v)=1, but it is 0", "x.scn:3: check attached(v)=vm1, but it is none"}, o.Wrong)
	require.False(t, exploreText(t, text, 2000).Found)
}
