package scenarios_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// outsider collects what a run shows: what each client was answered, and which answers came before which calls.
type outsider struct {
	done, log []string
	calls     map[string]int // by client
	before    []string
}

func (o *outsider) observe(e explore.Event) {
	if e.Kind != explore.VisibleEvent {
		return
	}
	if strings.Contains(e.Text, " -> ") {
		name := fmt.Sprint(e.Task, " ", o.calls[e.Task])
		o.done, o.log = append(o.done, name), append(o.log, name+" "+e.Text)
		return
	}
	o.calls[e.Task]++
	for _, d := range o.done {
		o.before = append(o.before, fmt.Sprint(d, "<", e.Task, " ", o.calls[e.Task]))
	}
}

// history is a set of "answer before call", under what was answered.
type histories map[string][]map[string]bool

func (h histories) add(o *outsider) {
	slices.Sort(o.log)
	key := strings.Join(o.log, "\n")
	before := map[string]bool{}
	for _, b := range o.before {
		before[b] = true
	}
	for _, known := range h[key] {
		if maps.Equal(known, before) {
			return
		}
	}
	h[key] = append(h[key], before)
}

// shows reports whether some history shows all that another one does.
func (h histories) shows(key string, before map[string]bool) bool {
	return slices.ContainsFunc(h[key], func(known map[string]bool) bool {
		for b := range before {
			if !known[b] {
				return false
			}
		}
		return true
	})
}

// everything runs a search to its end; false if that is too far away.
func everything(t *testing.T, p *scenarios.Script, search *explore.Exhaustive, o explore.Options, most int) (histories, int, bool) {
	t.Helper()
	stage, err := scenarios.NewStage(p)
	require.NoError(t, err)
	defer stage.Close()
	r := explore.NewRunner()
	defer r.Close()
	all, n := histories{}, 0
	o.Faults = p.Faults
	var out *outsider
	o.Observe = func(e explore.Event) { out.observe(e) }
	program := func(k *explore.Kernel) {
		out = &outsider{calls: map[string]int{}}
		stage.Program(k)
		k.AtEnd(func() { all.add(out) })
	}
	for ; search.More(); n++ {
		if n > most {
			return nil, n, false
		}
		res := r.Run(program, search, n, o)
		require.Nil(t, res.Failure)
		if !res.Abandoned {
			more, again := r.Strict(program, search, res, o, nil)
			require.Nil(t, again.Failure, "%+v\n%s", again.Failure, p.Text())
			n += more
		}
	}
	return all, n, true
}

// TestAProofShowsTheMostOfAll: what a search shows to which the order of calls and answers belongs, and in which locks that are
// made are taken at once, that a proof shows too, or more.
func TestAProofShowsTheMostOfAll(t *testing.T) {
	for _, scope := range []struct {
		scenarios.Scope
		every int
	}{{scenarios.Scope{Clients: 2, Ops: 1}, 1}, {scenarios.Scope{Clients: 2, Ops: 2}, 79}, {scenarios.Scope{Clients: 2, Ops: 1, Faults: 1}, 7}} {
		i, compared := 0, 0
		for p := range scope.Programs() {
			if i++; i%scope.every != 0 {
				continue
			}
			usual, un, ended := everything(t, p, explore.NewExhaustive(false), explore.Options{}, 3_000)
			if !ended {
				continue
			}
			compared++
			strict, sn, ended := everything(t, p, explore.NewStrict(), explore.Options{Records: true}, 20_000)
			require.True(t, ended, "%d runs instead of %d\n%s", sn, un, p.Text())
			for answers, list := range usual {
				for _, before := range list {
					require.True(t, strict.shows(answers, before), "%s\n%s\n%v", p.Text(), answers, before)
				}
			}
			for answers := range strict {
				require.Contains(t, usual, answers, p.Text())
			}
		}
		t.Log(scope, compared)
		require.Positive(t, compared)
	}
}
