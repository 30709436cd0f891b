package scenarios_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// TestRequestsOfTwoTasksCommute: where steps are fine, nothing follows from which of two clients asks ESX first.
func TestRequestsOfTwoTasksCommute(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	for _, world := range []string{"", "given volume v\n"} {
		for _, text := range []string{"start c1: get v\nstart c2: get v", "start c1: get v; get v\nstart c2: get v\nstart c3: get v"} {
			s, err := scenarios.Parse("x.scn", "given steps fine\n"+world+text)
			require.NoError(t, err)
			proof, err := scenarios.Prove(t.Context(), r, s, explore.Options{}, scenarios.Effort{Runs: 100_000, Audit: 1})
			require.NoError(t, err)
			require.Nil(t, proof.Failing, "%+v", proof.Failure)
			require.True(t, proof.Complete)
			require.Equal(t, 1, proof.Traces)
		}
	}
}

// worldsThatAsk have every kind of task that sends requests: clients, what a driver does in the background, recovery, and all
// that on two hosts and after a crash.
var worldsThatAsk = map[string]string{
	"background": "given faults 3\nstart c1: mount v; unmount v; get v\nstart c2: mount v; unmount v\n",
	"two hosts":  "given faults 3\ngiven vm vm2\nstart c1: mount v; unmount v\nstart c2@vm2: mount v; unmount v\n",
	"two ESX":    "given faults 2\ngiven esx esx2\ngiven vm vm2 esx=esx2\nstart c1: mount v; unmount v\nstart c2@vm2: mount v; get v\nstart op: migrate vm2 esx\n",
	"recovery":   "given faults 2\ngiven crashes plugin,esx\ngiven recovery every=30s\nstart c1: mount v; unmount v\nstart c2: mount v; get v\n",
}

// TestNamesOfRequestsSayWhoAsks: in every schedule, the requests of one task with one label are numbered in its own order, so
// that no other task has a say in their names; and a schedule with these names leads to the same run when it was written and
// read again.
func TestNamesOfRequestsSayWhoAsks(t *testing.T) {
	askers := map[string]bool{}
	for name, text := range worldsThatAsk {
		t.Run(name, func(t *testing.T) {
			s, err := scenarios.Parse("x.scn", "given steps fine\ngiven volume v\n"+text)
			require.NoError(t, err)
			stage, err := scenarios.NewStage(s)
			require.NoError(t, err)
			defer stage.Close()
			r := explore.NewRunner()
			defer r.Close()
			for _, strategy := range []string{"random", "delay"} {
				search, err := explore.NewStrategy(strategy, 7, 1, 1)
				require.NoError(t, err)
				for n := range 300 {
					var names []string
					last := ""
					o := explore.Options{Faults: s.Faults, Records: true, Record: true, Observe: func(e explore.Event) {
						switch {
						case e.Kind == explore.StepEvent:
							last = e.Task
						case e.Kind == explore.SpawnEvent && strings.HasPrefix(e.Task, "esx:"):
							names = append(names, e.Task)
							askers[last] = true
							require.Contains(t, e.Task, "#"+last+".")
						}
					}}
					res := r.Run(stage.Program, search, n, o)
					counted(t, names)
					if n%10 == 0 {
						text := s.WithSchedule(res.Deviations).Text()
						again, err := scenarios.Parse("x.scn", text)
						require.NoError(t, err, text)
						replay, err := scenarios.NewStage(again)
						require.NoError(t, err)
						out, err := replay.Replay(false)
						replay.Close()
						require.NoError(t, err)
						require.Equal(t, res.Hash, out.Result.Hash, text)
						require.Empty(t, out.Unused)
					}
				}
			}
		})
	}
	for _, asker := range []string{"c1", "c2", "let go v@ds1", "unmount v", "recovery"} {
		require.Contains(t, askers, asker)
	}
}

// counted: no name comes twice, and the numbers of one label and asker grow. One is left out where a request was never sent,
// and one comes again, with a quote behind it, where a VM has moved to another network.
func counted(t *testing.T, names []string) {
	last := map[string]int{}
	seen := map[string]bool{}
	for _, name := range names {
		require.NotContains(t, seen, name)
		seen[name] = true
		dot := strings.LastIndexByte(name, '.')
		number, _, again := strings.Cut(name[dot+1:], "'")
		n, err := strconv.Atoi(number)
		require.NoError(t, err, name)
		if stem := name[:dot]; !again {
			require.Greater(t, n, last[stem])
			last[stem] = n
		}
	}
}
