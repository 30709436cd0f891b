package scenarios_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/scenarios"
)

// TestScenariosFailWithTheirQuirk: a scenario that says "fails with: NAME=on" passes as it is (see TestEveryScenario), and
// with that switch an answer is wrong or an oracle objects; that its schedule fits no more is not enough.
func TestScenariosFailWithTheirQuirk(t *testing.T) {
	says := regexp.MustCompile(`(?m)^# source:.*; fails with: ([a-z-]+)=(on|off)`)
	found := 0
	for file, text := range scenarioTexts(t) {
		m := says.FindStringSubmatch(text)
		if m == nil {
			require.NotContains(t, text, "fails with", file)
			continue
		}
		found++
		s, err := scenarios.Parse(file, text)
		require.NoError(t, err)
		_, err = esxsim.ParseQuirks(m[1] + "=" + m[2])
		require.NoError(t, err, file)
		s.Quirks[m[1]] = m[2] == "on"
		stage, err := scenarios.NewStage(s)
		require.NoError(t, err)
		outcome, err := stage.Replay(false)
		stage.Close()
		require.NoError(t, err)
		failed := outcome.Result.Failure != nil
		for _, wrong := range outcome.Wrong {
			failed = failed || !strings.Contains(wrong, "never came to")
		}
		require.True(t, failed, "%s passes with %s=%s", file, m[1], m[2])
	}
	require.GreaterOrEqual(t, found, 15)
}

// TestGivenESX: what a scenario can say about ESX, and mistakes in it.
func TestGivenESX(t *testing.T) {
	s, err := scenarios.Parse("x.scn", "given quirk null-get=on\ngiven quirks fixed\ngiven steps every\ngiven datastore ds2\n"+
		"given vm vm2 home=ds2 bios=vm1\nstart c1: send list; send version; send get v version=1\n")
	require.NoError(t, err)
	require.True(t, s.Quirks[string(esxsim.NullGet)], "a line of its own overrules the preset")
	require.False(t, s.Quirks[string(esxsim.StaleAttached)])
	require.Len(t, s.Quirks, len(esxsim.Without()))
	again, err := scenarios.Parse("x.scn", s.Text())
	require.NoError(t, err)
	require.Equal(t, s.Text(), again.Text())
	require.Equal(t, s.Homes, again.Homes)
	require.Equal(t, s.BIOS, again.BIOS)
	require.True(t, again.Every)

	for line, want := range map[string]string{
		"given quirks broken":          "x.scn:1: unknown quirks",
		"given steps some":             "x.scn:1: unknown steps",
		"given datastore ds1":          "x.scn:1: ds1 is always there",
		"given datastore a b":          "cannot be the name of a datastore",
		"given vm vm2 home=ds9":        `datastore "ds9"`,
		"given vm vm2 bios=vm9":        `VM "vm9"`,
		"given vm vm2 moon=ds9":        "moon",
		"start c2: send fly v":         `command "fly"`,
		"start c2: send":               "want a command",
		"start c2: send list v":        "list takes no volume",
		"start c2: send get":           "the volume's name is missing",
		"start c2: send get v speed=1": `key "speed"`,
		"given quirk datastore-cache-race=on\nstart c2: crash esx": "leave one of them out",
	} {
		_, err := scenarios.Parse("x.scn", line+"\nstart c1: list\n")
		require.ErrorContains(t, err, want, line)
	}
}
