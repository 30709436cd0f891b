package scenarios_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// TestGivenVmgroups: what a scenario can say about vmgroups, and mistakes in it.
func TestGivenVmgroups(t *testing.T) {
	s, err := scenarios.Parse("x.scn", "given datastore ds2\ngiven vm vm2\ngiven vmgroup app vms=vm2,vm1\ngiven vmgroup none\n"+
		"given access app quota=2gb max=1gb datastore=ds1\ngiven access app datastore=_ALL_DS create=no\n"+
		"start c1: send list; admin  add none vms=vm1\n")
	require.NoError(t, err)
	require.Len(t, s.Vmgroups, 2)
	require.Len(t, s.Vmgroups[0].Access, 2)
	require.EqualValues(t, 2048, s.Vmgroups[0].Access[0].Quota)
	require.True(t, s.Vmgroups[0].Access[0].Create)
	require.False(t, s.Vmgroups[0].Access[1].Create)
	again, err := scenarios.Parse("x.scn", s.Text())
	require.NoError(t, err)
	require.Equal(t, s.Text(), again.Text())
	require.Equal(t, s.Vmgroups, again.Vmgroups)

	for line, want := range map[string]string{
		"given vmgroup":                                             "x.scn:1: want NAME vms=VM,...",
		"given vmgroup a/b":                                         "cannot be the name of a vmgroup",
		"given vmgroup _DEFAULT":                                    "cannot be the name of a vmgroup",
		"given vmgroup a\ngiven vmgroup a":                          "vmgroup a is given twice",
		"given vmgroup a vms=vm9":                                   `vmgroup a: unknown VM "vm9"`,
		"given vmgroup a vms=vm1,vm1":                               `VM "vm1" is in two vmgroups`,
		"given vm vm2 bios=vm1\ngiven vmgroup a vms=vm2":            "has the BIOS uuid of another",
		"given access a datastore=ds1":                              `no vmgroup "a" above this line`,
		"given vmgroup a\ngiven access a":                           "datastore= is missing",
		"given vmgroup a\ngiven access a datastore=ds9":             `unknown datastore "ds9"`,
		"given vmgroup a\ngiven access a datastore=ds1 create=some": `unknown create "some"`,
		"given vmgroup a\ngiven access a datastore=ds1 max=big":     `size "big"`,
		"given vmgroup a vms=vm1\nstart c2: mount data":             "x.scn:2: mount: VM vm1 is in vmgroup a",
		"start c2: admin":                                           "want an action and a vmgroup",
		"start c2: admin fly app":                                   `unknown action "fly"`,
		"start c2: admin rename":                                    "the vmgroup's name is missing",
		"start c2: admin rename app vms=vm1":                        "rename takes no vms",
		"given quirk set-unlocked=off\nstart c2: admin set data access=read-only\nstart c3: crash esx": "leave one of them out",
	} {
		_, err := scenarios.Parse("x.scn", line+"\nstart c1: list\n")
		require.ErrorContains(t, err, want, line)
	}
}

// TestAdminWithoutVmgroups: a world without a config database says so.
func TestAdminWithoutVmgroups(t *testing.T) {
	s, err := scenarios.Parse("x.scn", "start c1: admin rename app to=web\nexpect\n"+
		"  c1 admin rename app to=web -> Configuration not found. Please init configuration with 'vmdksim admin config init'.\n")
	require.NoError(t, err)
	stage, err := scenarios.NewStage(s)
	require.NoError(t, err)
	defer stage.Close()
	o, err := stage.Replay(false)
	require.NoError(t, err)
	require.Empty(t, o.Wrong)
}

// TestQuotaOracle: a search finds by itself that a quota is overrun, and shrinks what it found to a scenario.
func TestQuotaOracle(t *testing.T) {
	for file, quirk := range map[string]string{"quota-race.scn": "quota-race", "quota-of-clones.scn": "clones-uncounted"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		s, err := scenarios.Parse(file, string(text))
		require.NoError(t, err)
		s.Quirks[quirk] = true
		stage, err := scenarios.NewStage(s.WithSchedule(nil))
		require.NoError(t, err)
		rep, err := stage.Explore(explore.Search{Strategy: explore.Random(1), Schedules: 4000})
		stage.Close()
		require.NoError(t, err)
		require.True(t, rep.Found, file)
		require.Equal(t, scenarios.OracleQuota, rep.Result.Failure.Oracle, file)
	}
}
