package model_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/model"
)

var (
	absent   = model.State{}
	fresh    = model.Existing("ext4")
	mounted  = model.Existing("ext4", "c1")
	twice    = model.Existing("ext4", "c1", "c1")
	halfMade = model.Existing("")
)

const vol = "data@ds1"

func create(fstype string) model.Op { return model.Op{Kind: model.Create, Volume: vol, FSType: fstype} }
func mount(id string) model.Op      { return model.Op{Kind: model.Mount, Volume: vol, ID: id} }
func unmount(id string) model.Op    { return model.Op{Kind: model.Unmount, Volume: vol, ID: id} }

var (
	remove = model.Op{Kind: model.Remove, Volume: vol}
	get    = model.Op{Kind: model.Get, Volume: vol}
)

func is(k model.ResultKind) model.Result { return model.Result{Kind: k} }

func TestStep(t *testing.T) {
	for _, c := range []struct {
		before model.State
		op     model.Op
		after  model.State
		result model.ResultKind
	}{
		{absent, create("ext4"), fresh, model.OK},
		{fresh, create("ext4"), fresh, model.OK},
		{mounted, create("ext4"), mounted, model.OK},
		{fresh, create("xfs"), fresh, model.Exists},
		{halfMade, create("ext4"), halfMade, model.Exists},
		{halfMade, create(""), halfMade, model.Exists},
		{absent, remove, absent, model.OK},
		{fresh, remove, absent, model.OK},
		{halfMade, remove, absent, model.OK},
		{mounted, remove, mounted, model.InUse},
		{absent, mount("c1"), absent, model.NotFound},
		{fresh, mount("c1"), mounted, model.OK},
		{mounted, mount("c1"), twice, model.OK},
		{mounted, mount("c0"), model.Existing("ext4", "c0", "c1"), model.OK},
		{halfMade, mount("c1"), halfMade, model.Refused},
		{twice, unmount("c1"), mounted, model.OK},
		{mounted, unmount("c1"), fresh, model.OK},
		{mounted, unmount("c2"), mounted, model.OK},
		{absent, unmount("c1"), absent, model.OK},
		{absent, get, absent, model.NotFound},
		{fresh, get, fresh, model.OK},
		{halfMade, get, halfMade, model.OK},
		{twice, get, twice, model.OK},
		{fresh, model.Op{Volume: vol}, fresh, model.Refused},
	} {
		after, result := model.Step(c.before, c.op)
		require.Equal(t, c.result, result.Kind, "%v: %v", c.before, c.op)
		want := model.Unsaid
		switch {
		case c.op.Kind == model.Get && c.before.RefCount() > 0:
			want = model.SeenMounted
		case c.op.Kind == model.Get && c.before.Exists():
			want = model.SeenUnmounted
		}
		require.Equal(t, want, result.Seen, "%v: %v", c.before, c.op)
		require.True(t, after.Equal(c.after), "%v: %v: want %v, got %v", c.before, c.op, c.after, after)
	}
}

func TestKeyTellsStatesApart(t *testing.T) {
	states := []model.State{
		absent, fresh, mounted, twice, halfMade, model.Existing("xfs"), model.Existing("", "c1"),
		model.Existing("ext4", "c1 2:c1"), model.Existing("ext4", "c", "1"), model.Existing("ext4", "c1", "c2"),
		model.Existing("ext4", ""), model.Existing("-"),
	}
	for i, a := range states {
		for j, b := range states {
			require.Equal(t, i == j, a.Key() == b.Key(), "%v and %v", a, b)
			require.Equal(t, i == j, a.Equal(b), "%v and %v", a, b)
		}
	}
	require.True(t, model.Existing("ext4", "b", "a").Equal(model.Existing("ext4", "a", "b")), "a multiset has no order")
}

// The states that Step returns are values: later steps never change an earlier one.
func TestStatesAreImmutable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := fresh
		var states []model.State
		var keys []string
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			s, _ = model.Step(s, drawOp(t, vol))
			states, keys = append(states, s), append(keys, s.Key())
			require.Len(t, s.Refs(), s.RefCount())
		}
		for i := range states {
			require.Equal(t, keys[i], states[i].Key())
			require.True(t, states[i].Clone().Equal(states[i]))
		}
	})
	ids := []string{"c1", "c2"}
	s := model.Existing("ext4", ids...)
	ids[0] = "x"
	s.Refs()[0] = "y"
	require.Equal(t, []string{"c1", "c2"}, s.Refs())
}
