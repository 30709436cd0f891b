package scenarios_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// programs come to all there is, between them.
var programs = []string{
	"start c1: create w; list\n",
	"given volume w\nstart c1: remove w\n",
	"given volume v\nstart c1: mount v; get v; path v\nstart op: poweroff vm1; poweron vm1\n",
	"given volume v\nstart c1: mount v; unmount v; mount v\n",
	"given volume v\nstart c1: mount v\nstart c2: mount v\nstart c3: mount v\nstart c4: unmount v id=c1\n",
	"given volume v\nstart c1: mount v\nstart op: crash plugin; restart plugin\nstart c2: mount v; unmount v\n",
	"given volume a\ngiven volume b\ngiven quirk no-vm-lock=on\nstart c1: mount a; unmount a\nstart c2: mount b; unmount b\n",
	"given volume v\ngiven recovery every=1m\nstart c1: mount v; unmount v\nstart op: restart plugin\n",
	"given volume v\ngiven vm vm2\nstart c1: create v\nstart c2@vm2: mount v\n",
}

// seenBy adds up what many runs of a program see, each with one fault at most.
func seenBy(t *testing.T, text string) (*scenarios.Script, *explore.Coverage) {
	t.Helper()
	s, err := scenarios.Parse("x.scn", "given faults 1\n"+text)
	require.NoError(t, err)
	stage, err := scenarios.NewStage(s)
	require.NoError(t, err)
	defer stage.Close()
	var c explore.Coverage
	for seed := range uint64(6) {
		_, err := stage.Search(explore.Search{Strategy: explore.Random(seed), Schedules: 300, Coverage: &c})
		require.NoError(t, err)
	}
	return s, &c
}

// TestFaultKinds: what can happen is listed, and what is listed can happen.
func TestFaultKinds(t *testing.T) {
	known, seen := map[string]bool{}, map[string]bool{}
	for _, text := range programs {
		s, c := seenBy(t, text)
		kinds := s.FaultKinds()
		for _, kind := range kinds {
			known[kind] = true
		}
		for kind := range c.FaultsFired() {
			seen[kind] = true
			require.Contains(t, kinds, kind)
		}
	}
	for kind := range known {
		require.True(t, seen[kind], "no run came to %s", kind)
	}
}

// TestSometimes: what runs say is listed, and each is said by some run.
func TestSometimes(t *testing.T) {
	listed, held := map[string]bool{}, map[string]bool{}
	for _, text := range programs {
		s, c := seenBy(t, text)
		names := s.Sometimes(true)
		for _, name := range names {
			listed[name] = true
		}
		for name, n := range c.Held() {
			require.Contains(t, names, name)
			held[name] = held[name] || n > 0
		}
	}
	for name := range listed {
		require.True(t, held[name], "nobody saw: %s", name)
	}
}

// TestCallerGone: whoever asks can go at every step of every call, and Docker's next call finds nothing left over.
func TestCallerGone(t *testing.T) {
	for _, text := range []string{
		"given volume v\nstart c1: mount v\n",
		"given volume v\nstart c1: mount v; unmount v\nstart c2: mount v; unmount v\n",
		"start c1: create v\nstart c2: create v\n",
		"given volume v\nstart c1: remove v\nstart c2: mount v\n",
	} {
		s, err := scenarios.Parse("x.scn", text)
		require.NoError(t, err)
		stage, err := scenarios.NewStage(s)
		require.NoError(t, err)
		defer stage.Close()
		gone := &onlyGone{Strategy: explore.Random(1)}
		rep, err := stage.Search(explore.Search{Strategy: gone, Schedules: 2000, Options: explore.Options{Faults: 2}})
		require.NoError(t, err)
		require.False(t, rep.Found, "%s%+v", text, rep.Result)
		require.Greater(t, gone.fired, 50)
	}
}

// onlyGone lets callers go, and nothing else happen.
type onlyGone struct {
	explore.Strategy
	fired int
}

func (g *onlyGone) Next(c *explore.Choice) int {
	if i := g.Strategy.Next(c); !c.Clock || i < len(c.Enabled)-1 {
		return i
	}
	return c.Default
}

func (g *onlyGone) Fault(t *explore.Task, p explore.Point, faults []string) int {
	if !strings.HasPrefix(p.Op, "docker.") {
		return 0
	}
	i := g.Strategy.Fault(t, p, faults)
	g.fired += i
	return i
}
