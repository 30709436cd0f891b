package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/scenarios"
)

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
