package scenarios_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

// TestWhichOrdersTellNothingNew: a Get that was alone may come at another time, if its answer is right then too.
func TestWhichOrdersTellNothingNew(t *testing.T) {
	first, second, third := [2]int{0, 1}, [2]int{2, 3}, [2]int{4, 5}
	order := func(spans ...[2]int) (o explore.Order) {
		for _, s := range spans {
			o.Calls, o.Answers = append(o.Calls, s[0]), append(o.Answers, s[1])
		}
		return o
	}
	for _, tc := range []struct {
		name, clients string
		run, order    explore.Order
		want          bool
	}{
		{"nothing else", "start c1: mount v\nstart c2: get v\n", order(first, second), order(first, second), true},
		{"Get saw the mount", "start c1: mount v\nstart c2: get v\n", order(first, second), order(second, first), false},
		{"Get saw nothing", "start c1: mount w\nstart c2: get v\n", order(first, second), order(second, first), true},
		{"Get was not alone", "start c1: mount w\nstart c2: get v\n", order(first, [2]int{1, 3}), order(second, first), false},
		{"Get will not be alone", "start c1: mount w\nstart c2: get v\n", order(first, second), order([2]int{0, 3}, [2]int{1, 2}), true},
		{"a Mount moves", "start c1: mount v\nstart c2: mount w\n", order(first, second), order(second, first), false},
		{
			"a Get between two others", "start c1: mount v; unmount v\nstart c2: get w\n",
			order(first, second, third), order(first, third, second), true,
		},
		{
			"a Get cannot have seen that", "start c1: mount v; unmount v\nstart c2: get v\n",
			order(first, second, third), order(first, third, second), false,
		},
		{"another run", "start c1: mount v\nstart c2: get v\n", order(first), order(first), false},
		{
			"a Get would have seen what is left", "start c1: get v\nstart c2: unmount v id=a\nstart c3: mount v id=a\n",
			order(first, [2]int{2, 5}, [2]int{3, 4}), order(third, [2]int{0, 3}, [2]int{1, 2}), false,
		},
		// As when the Get saw nothing, but for one thing.
		{"on another host", "given vm vm2\nstart c1: mount w\nstart c2@vm2: get v\n", order(first, second), order(second, first), false},
		{
			"a fault", "given faults 1\nstart c1: mount w\nstart c2: get v\nschedule\n  fault duplicate at esx:vm1:get:v#1 net.request(vm1:get:v)#1\n",
			order(first, second), order(second, first), false,
		},
		{
			"a crash", "start c1: mount w\nstart c2: get v\nstart c3: restart esx\n",
			order(first, second, third), order(second, first, third), false,
		},
		{
			"another process", "start c1: mount w\nstart c2: get v\nstart c3: replace esx\n",
			order(first, second, third), order(second, first, third), false,
		},
		{"a task of the driver's own", "given recovery every=5m\nstart c1: mount w\nstart c2: get v\n", order(first, second), order(second, first), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stage := stageOf(t, "given volume v\ngiven volume w\n"+tc.clients)
			require.Empty(t, oracleOf(t, stage))
			require.Equal(t, tc.want, stage.Spares(tc.run, tc.order))
		})
	}
}

// TestWhoMayBeAtWorkWhileACallIsAlone: a Get is no reason not to look at what an Unmount leaves, and may let the volume go itself if the
// driver is wrong: then it matters which comes first.
func TestWhoMayBeAtWorkWhileACallIsAlone(t *testing.T) {
	const mounted = "given volume v\nstart c1: mount v; unmount v\n"
	const aside = "start c2: get v\nschedule\n  switch c1 -> c2 before esx.detach.unplug(v)#1\n"
	for _, tc := range []struct {
		name, text string
		calls      int
		want       bool
	}{
		{"nobody", "given network direct\n" + mounted, 2, false},
		{"a Get after it", "given network direct\n" + mounted + "start c2: get v\n", 3, false},
		{"a Get beside it", "given network direct\n" + mounted + aside, 3, true},
		{"a request on its way", mounted, 2, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			stage := stageOf(t, tc.text)
			require.Empty(t, oracleOf(t, stage))
			require.Equal(t, tc.want, stage.Accompanied(1))
			apart := explore.Order{Calls: []int{0, 2, 4}[:tc.calls], Answers: []int{1, 3, 5}[:tc.calls]}
			_ = stage.Spares(apart, apart)
			require.Equal(t, tc.want, stage.Accompanied(1), "after a question about another order")
		})
	}
}

// bystander is the default schedule, and looks at what the step accesses in which something was answered.
type bystander struct {
	explore.Sequential
	answer string
	told   bool
	seen   []explore.Access
}

func (b *bystander) observe(e explore.Event) {
	b.told = b.told || e.Kind == explore.VisibleEvent && e.Text == b.answer
}

func (b *bystander) Stepped(_ *explore.Task, footprint []explore.Access) {
	if b.told && b.seen == nil {
		b.seen = append(b.seen, footprint...)
	}
}

// TestWhatAnUnmountLeavesIsLookedAt in the step that answers it, unless nobody can have anything to do with that.
func TestWhatAnUnmountLeavesIsLookedAt(t *testing.T) {
	for network, looks := range map[string]bool{"": true, "given network direct\n": false} {
		s := stageOf(t, network+"given volume v\nstart c1: mount v; unmount v\n")
		r := explore.NewRunner()
		defer r.Close()
		b := &bystander{answer: "unmount v -> ok"}
		res := r.Run(s.Program, b, 0, explore.Options{Observe: b.observe})
		require.Nil(t, res.Failure)
		require.True(t, b.told)
		for _, object := range []string{"/mnt/vmdk/v@ds1", "disk:ds1/v"} {
			require.Equal(t, looks, slices.Contains(b.seen, explore.Access{Object: object, Mode: explore.Read}), "%q %s: %v", network, object, b.seen)
		}
	}
}
