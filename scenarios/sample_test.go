package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
	"vmdkvol/vmcisim"
)

// TestSamplesAreScenarios: each can be written, read and written again, and every verb, fault and host comes.
func TestSamplesAreScenarios(t *testing.T) {
	verbs, clients, hosts, faults, volumes, quirks := map[string]int{}, map[int]int{}, 0, map[int]int{}, map[int]int{}, 0
	rare, crashes, locks := map[string]int{}, map[string]int{}, 0
	for n := range 2000 {
		s := scenarios.Sample(scenarios.Everything(), 3, n)
		text := s.Text()
		again, err := scenarios.Parse(s.File, text)
		require.NoError(t, err, text)
		require.Equal(t, text, again.Text())
		for i := range again.Clients { // the parser knows the line of a check
			for j := range again.Clients[i].Ops {
				o := &again.Clients[i].Ops[j]
				verbs[o.Verb]++
				o.Line = 0
				for k := range o.Facts {
					o.Facts[k].Line = 0
				}
			}
		}
		require.Equal(t, s.Clients, again.Clients, text)
		clients[len(s.Clients)]++
		faults[s.Faults]++
		volumes[len(s.Volumes)]++
		hosts += len(s.VMs)
		quirks += len(s.Quirks)
		for _, name := range s.Rare {
			rare[name]++
		}
		for _, what := range s.Crashes {
			crashes[what]++
		}
		if s.Locks == explore.GoMutex {
			locks++
		}
	}
	require.Len(t, verbs, len(scenarios.Verbs()))
	require.Len(t, clients, 4)
	require.Len(t, faults, 3)
	require.Len(t, volumes, 3)
	require.Positive(t, hosts)
	require.Len(t, rare, len(vmcisim.FaultKinds()))
	require.Len(t, crashes, 3)
	require.Positive(t, locks)
	require.Positive(t, quirks)
}

// TestSamplesDependOnTheirNumberAlone, and the two backends take the same steps in them.
func TestSamplesDependOnTheirNumberAlone(t *testing.T) {
	co, th := explore.NewRunner(), explore.NewThreads()
	defer co.Close()
	defer th.Close()
	differ := map[string]bool{}
	for n := range 300 {
		s := scenarios.Sample(scenarios.Everything(), 5, n)
		require.Equal(t, s, scenarios.Sample(scenarios.Everything(), 5, n))
		differ[s.Text()] = true
		first, second, err := scenarios.Twice(co, s, 5, n)
		require.NoError(t, err)
		require.Equal(t, first, second, s.Text())
		thread, _, err := scenarios.Twice(th, s, 5, n)
		require.NoError(t, err)
		require.Equal(t, first.Hash, thread.Hash, s.Text())
	}
	require.Greater(t, len(differ), 290)
}

// TestAGrammarIsKept: nothing is drawn that it does not have.
func TestAGrammarIsKept(t *testing.T) {
	for n := range 500 {
		s := scenarios.Sample(scenarios.Grammar{}, 1, n)
		require.Len(t, s.Clients, 1)
		require.Empty(t, s.VMs)
		require.Zero(t, s.Faults)
		require.Empty(t, s.Quirks)
		require.False(t, s.Shared)
		require.Empty(t, s.Rare)
		require.Empty(t, s.Crashes)
		require.Equal(t, explore.Barging, s.Locks)
		for _, o := range s.Clients[0].Ops {
			require.NotContains(t, o.Volume, "@")
			require.Contains(t, []string{"create", "remove", "mount", "unmount", "get", "list", "path"}, o.Verb)
		}
	}
}

func TestAnEmptyDraft(t *testing.T) {
	first := func(string, int) int { return 0 }
	d := scenarios.NewDraft("empty", scenarios.Grammar{}, first)
	require.Nil(t, d.Script())
	require.Panics(t, func() { d.Act("explode") })
	d.Act("mount")
	require.Equal(t, "given volume v\nstart c1: mount v\nschedule\n", d.Script().Text())
	d.Act("get")
	require.Len(t, d.Script().Clients[0].Ops, 2)
}
