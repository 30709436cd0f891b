package model_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/model"
)

func TestPossible(t *testing.T) {
	only := model.Only
	for _, c := range []struct {
		before model.Possible
		op     model.Op
		result model.ResultKind
		after  model.Possible
	}{
		{only(absent), create("ext4"), model.OK, only(fresh)},
		{only(absent), create("ext4"), model.Exists, only()},
		{only(absent), create("ext4"), model.Unknown, only(absent, fresh, halfMade)},
		{only(absent), create("ext4"), model.Refused, only(absent)},
		{only(fresh), create("xfs"), model.Unknown, only(fresh)},
		{only(fresh), remove, model.Unknown, only(absent, fresh)},
		{only(mounted), remove, model.Unknown, only(mounted)},
		{only(fresh), mount("c1"), model.Unknown, only(fresh)},
		{only(mounted), mount("c1"), model.Refused, only(mounted)},
		{only(mounted), unmount("c1"), model.Unknown, only(fresh)},
		{only(mounted), unmount("c1"), model.Refused, only(mounted)},
		{only(absent, fresh), get, model.Unknown, only(absent, fresh)},
		{only(absent, fresh, halfMade), get, model.OK, only(fresh, halfMade)},
		{only(absent, fresh, halfMade), get, model.NotFound, only(absent)},
		{only(absent, fresh, halfMade), create("ext4"), model.OK, only(fresh)},
		{only(absent, fresh, halfMade), create("ext4"), model.Exists, only(halfMade)},
		{only(absent, fresh, halfMade), mount("c1"), model.OK, only(mounted)},
		{only(absent, fresh), remove, model.OK, only(absent)},
		{only(absent), get, model.OK, only()},
		{only(), get, model.Unknown, only()},
	} {
		after := c.before.After(c.op, is(c.result))
		require.True(t, after.Equal(c.after), "%v: %v -> %v: want %v, got %v", c.before, c.op, is(c.result), c.after, after)
		require.Equal(t, c.after.Len() == 0, after.Empty())
		for _, s := range c.after.States() {
			require.True(t, after.Has(s))
		}
	}
	require.False(t, only(fresh).Has(mounted))
	require.True(t, only(twice, fresh, absent, fresh).Equal(only(absent, fresh, twice)), "a set has no order")
}
