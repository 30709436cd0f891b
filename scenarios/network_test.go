package scenarios_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
	"vmdkvol/vmcisim"
)

// replay runs a text under its own schedule.
func replay(t *testing.T, text string) scenarios.Outcome {
	t.Helper()
	s, err := scenarios.Parse("x.scn", text)
	require.NoError(t, err)
	stage, err := scenarios.NewStage(s)
	require.NoError(t, err)
	defer stage.Close()
	out, err := stage.Replay(false)
	require.NoError(t, err)
	return out
}

// TestHabitsOfTheOriginal: what a scenario claims does not hold with the original's receiving half.
func TestHabitsOfTheOriginal(t *testing.T) {
	for file, change := range map[string][2]string{
		"caller-unknown.scn":      {"given network ", "given network leftover-id "},
		"frame-split-refused.scn": {"given network one-recv ", "given network "},
		"esx-gives-up.scn":        {"gives-up ", ""},
		"frame-split.scn":         {"given network ", "given network one-recv "},
	} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		good, bad := replay(t, string(text)), replay(t, strings.Replace(string(text), change[0], change[1], 1))
		require.False(t, good.Failed(), file)
		require.True(t, bad.Failed(), file)
	}
}

// TestRareFaultsAreAskedFor: a search meets them where the scenario asks for them, and nowhere else.
func TestRareFaultsAreAskedFor(t *testing.T) {
	for _, network := range []string{"", "given network faults=cut,garbage\n"} {
		s, err := scenarios.Parse("x.scn", "given volume v\n"+network+"given faults 1\nstart c1: mount v; unmount v\nstart c2: get v\n")
		require.NoError(t, err)
		stage, err := scenarios.NewStage(s)
		require.NoError(t, err)
		defer stage.Close()
		var seen explore.Coverage
		rep, err := stage.Explore(explore.Search{Strategy: explore.Random(1), Schedules: 2000, Coverage: &seen})
		require.NoError(t, err)
		require.False(t, rep.Found, "%+v", rep)
		fired := seen.FaultsFired()
		require.Positive(t, fired["net.reply:truncate"])
		for _, rare := range []string{"net.request:cut@0", "net.reply:cut@last", "net.reply:bad-magic", "net.request:not-json"} {
			require.Equal(t, network != "", fired[rare] > 0, rare)
		}
	}
}

func TestNetworkLine(t *testing.T) {
	for text, want := range map[string]string{
		"given network faults=cat":                                                    `unknown network fault "cat": did you mean cut?`,
		"given network shard":                                                         `unknown network "shard": did you mean shared?`,
		"given network":                                                               "want given network",
		"given network faults=cut@x":                                                  "want a number of bytes, half or last after @",
		"given network faults=taken-for@vm9":                                          `unknown VM "vm9"`,
		"given network shared\ngiven network s":                                       "2: ",
		"given network direct shared":                                                 "1: given network direct: that network has no other properties",
		"given network direct\ngiven faults 1":                                        "1: given network direct: who sends a request carries it",
		"given network direct\nstart c2: crash plugin":                                "1: given network direct: crash is nothing that Docker",
		"given network direct\ngiven recovery every=5m":                               "1: given network direct: it is for one ESX host",
		"given network direct\ngiven latency get=30s":                                 "1: given network direct: a command that takes long",
		"given network direct\ngiven esx esx2":                                        "1: given network direct: it is for one ESX host",
		"given network direct\ngiven crashes plugin":                                  "1: given network direct: who sends a request carries it",
		"given network direct\nschedule\n  fault busy at c1 docker.list()#1":          "1: given network direct: who sends a request carries it",
		"given network direct\nschedule\n  switch c1 -> clock before lock(volumes)#1": "1: given network direct: who sends a request carries it",
		"given network direct\ngiven quirk detach-fault-ends=on":                      "1: given network direct: it is for one ESX host",
	} {
		_, err := scenarios.Parse("x.scn", text+"\nstart c1: list\n")
		require.ErrorContains(t, err, want)
	}
	const untidy, tidy = "given network   faults=cut@17,garbage one-recv shared", "given network shared one-recv faults=cut@17,garbage"
	got, err := scenarios.Format("x.scn", untidy+"\nstart c1: list\n")
	require.NoError(t, err)
	require.Equal(t, tidy+"\nstart c1: list\n", got)
	s, err := scenarios.Parse("x.scn", got)
	require.NoError(t, err)
	require.Contains(t, s.Text(), tidy)
}

// TestEveryFaultOfTheNetworkHasAScenario whose own schedule lets it happen.
func TestEveryFaultOfTheNetworkHasAScenario(t *testing.T) {
	files, err := filepath.Glob("*.scn")
	require.NoError(t, err)
	happens := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`(?m)^  fault (\S+) at .* net\.`).FindAllStringSubmatch(string(text), -1) {
			name, _, at := strings.Cut(m[1], "@")
			if at {
				name += "@"
			}
			happens[name] = true
		}
	}
	for _, word := range append(vmcisim.FaultKinds(), "taken-for@vm2") {
		faults, err := vmcisim.ParseFaults(word)
		require.NoError(t, err)
		for _, point := range vmcisim.FaultPoints(faults) { // the usual ones, too
			_, name, _ := strings.Cut(point, ":")
			kind, _, at := strings.Cut(name, "@")
			if at {
				kind += "@"
			}
			require.True(t, happens[kind], "no scenario has fault %s", name)
		}
	}
}

// TestADirectNetworkHasNoFaults: nor does one who explores get any.
func TestADirectNetworkHasNoFaults(t *testing.T) {
	s, err := scenarios.Parse("x.scn", "given network direct\ngiven volume v\nstart c1: mount v; unmount v\nstart c2: get v\n")
	require.NoError(t, err)
	stage, err := scenarios.NewStage(s)
	require.NoError(t, err)
	defer stage.Close()
	_, err = stage.Explore(explore.Search{Strategy: explore.Random(1), Schedules: 1, Options: explore.Options{Faults: 1}})
	require.ErrorContains(t, err, "leave out the faults")
	tasks := map[string]bool{}
	rep, err := stage.Explore(explore.Search{Strategy: explore.Random(1), Schedules: 100, Options: explore.Options{
		Observe: func(e explore.Event) { tasks[e.Task] = true },
	}})
	require.NoError(t, err)
	require.False(t, rep.Found, "%+v", rep)
	require.Len(t, tasks, 2, "%v", tasks)
}

// TestProgramsWithoutFaultsAreDirect, which is why so many of them can be proved; and those with faults cannot be.
func TestProgramsWithoutFaultsAreDirect(t *testing.T) {
	for faults := range 2 {
		for p := range (scenarios.Scope{Clients: 1, Ops: 1, Faults: faults}).Programs() {
			require.Equal(t, faults == 0, p.Direct, p.Text())
			_, err := scenarios.Parse("x.scn", p.Text())
			require.NoError(t, err)
		}
	}
}
