package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// TestGivenHosts: what a scenario can say about several ESX hosts, and mistakes in it.
func TestGivenHosts(t *testing.T) {
	const text = "given esx esx2\ngiven datastore ds2 local=esx2\ngiven vm vm2 esx=esx2 home=ds2\ngiven latency create=1m attach=2s\n" +
		"start c1: migrate vm2 esx; suspend vm1; resume vm1; reset vm1; rename vm1 web; stop esx2; fail esx2; crash hostd@esx2; restart hostd\n" +
		"start c2@vm2: list\n"
	s, err := scenarios.Parse("x.scn", text)
	require.NoError(t, err)
	require.Equal(t, []string{"esx2"}, s.ESX)
	require.Equal(t, map[string]string{"vm2": "esx2"}, s.On)
	require.Equal(t, map[string]string{"ds2": "esx2"}, s.Local)
	require.Len(t, s.Latency, 2)
	again, err := scenarios.Format("x.scn", text)
	require.NoError(t, err)
	require.Contains(t, again, "given latency attach=2s create=1m\n")
	written, err := scenarios.Parse("x.scn", s.Text())
	require.NoError(t, err)
	require.Equal(t, []any{s.ESX, s.On, s.Local, s.Homes, s.Latency},
		[]any{written.ESX, written.On, written.Local, written.Homes, written.Latency}, "a counterexample is written so")

	for line, want := range map[string]string{
		"given esx esx":                              "esx is always there",
		"given esx plugin":                           "cannot be the name of an ESX host",
		"given vm vm2 esx=esx9":                      `unknown ESX host "esx9"`,
		"given datastore ds2 local=esx9":             `unknown ESX host "esx9"`,
		"given datastore ds2 far=esx":                "far",
		"given latency":                              "want given latency",
		"given latency list=1s":                      `key "list"`,
		"given latency get=soon":                     "want a duration",
		"start c2: migrate vm1":                      "want VM ESX",
		"start c2: migrate vm1 esx9":                 `unknown process "esx9"`,
		"start c2: migrate vm9 esx":                  `VM "vm9"`,
		"start c2: stop esx9":                        `stop: unknown process "esx9"`,
		"start c2: crash hostd@esx9":                 `unknown process "esx9"`,
		"start c2: rename vm9 web":                   `VM "vm9"`,
		"schedule\n  pick listener:vm9 when c1 ends": "unknown task",
		"given esx esx2\ngiven datastore ds2 local=esx2\ngiven vm vm2 home=ds2": "its home ds2 is local to esx2",
	} {
		_, err := scenarios.Parse("x.scn", line+"\nstart c1: list\n")
		require.ErrorContains(t, err, want, line)
	}
}

// TestHostsSearched: the driver survives what hosts and VMs can do, in many orders.
func TestHostsSearched(t *testing.T) {
	s, err := scenarios.Parse("x.scn", `given esx esx2
given vm vm2 esx=esx2
given volume data
given faults 1
start c1: mount data; write data one; unmount data
start c2@vm2: mount data; read data; unmount data
start op: migrate vm1 esx2; reset vm2; fail esx; restart esx
start op2: poweroff vm2; migrate vm2 esx; poweron vm2; suspend vm1; resume vm1
start op3: crash hostd; restart hostd; stop esx2; restart esx2
`)
	require.NoError(t, err)
	stage, err := scenarios.NewStage(s)
	require.NoError(t, err)
	defer stage.Close()
	rep, err := stage.Explore(explore.Search{Strategy: explore.Random(1), Schedules: 3000})
	require.NoError(t, err)
	require.False(t, rep.Found, "%+v", rep.Result)
}
