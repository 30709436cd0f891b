package model_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/model"
)

func call(invoke, ret int64, op model.Op, k model.ResultKind) model.Call {
	return model.Call{Op: op, Result: is(k), Invoke: invoke, Return: ret}
}

func on(volume string, c model.Call) model.Call {
	c.Op.Volume = volume
	return c
}

func TestLinearizable(t *testing.T) {
	type calls = []model.Call
	exists := model.Start{vol: model.Only(fresh)}
	for _, c := range []struct {
		name  string
		start model.Start
		calls calls
		want  model.Answer
	}{
		{"nothing", nil, nil, model.Yes},
		{"one after the other", nil, calls{
			call(1, 2, create("ext4"), model.OK), call(3, 4, mount("c1"), model.OK), call(5, 6, remove, model.InUse),
			call(7, 8, unmount("c1"), model.OK), call(9, 10, remove, model.OK), call(11, 12, get, model.NotFound),
		}, model.Yes},
		{"in any order of the slice", nil, calls{
			call(3, 4, get, model.OK), call(5, 6, remove, model.OK), call(1, 2, create("ext4"), model.OK),
		}, model.Yes},
		{"volume vanished", exists, calls{call(1, 2, get, model.NotFound)}, model.No},
		{"removed under a mount", exists, calls{
			call(1, 2, mount("c1"), model.OK), call(3, 4, remove, model.OK),
		}, model.No},
		{"removed before an overlapping mount", exists, calls{
			call(1, 4, mount("c1"), model.NotFound), call(2, 3, remove, model.OK),
		}, model.Yes},
		{"both succeed", exists, calls{
			call(1, 4, mount("c1"), model.OK), call(2, 3, remove, model.OK),
		}, model.No},
		{"touching times overlap", exists, calls{
			call(1, 2, mount("c1"), model.NotFound), call(2, 3, remove, model.OK),
		}, model.Yes},
		{"one time unit later they do not", exists, calls{
			call(1, 2, mount("c1"), model.NotFound), call(3, 4, remove, model.OK),
		}, model.No},
		{"an ID held twice needs two unmounts", exists, calls{
			call(1, 2, mount("c1"), model.OK), call(3, 4, mount("c1"), model.OK), call(5, 6, unmount("c1"), model.OK),
			call(7, 8, remove, model.OK),
		}, model.No},
		{"two unmounts at once", exists, calls{
			call(1, 2, mount("c1"), model.OK), call(3, 4, mount("c2"), model.OK), call(5, 8, unmount("c1"), model.OK),
			call(6, 7, unmount("c2"), model.OK), call(9, 10, remove, model.OK),
		}, model.Yes},
		{"a foreign ID frees nothing", exists, calls{
			call(1, 2, mount("c1"), model.OK), call(3, 4, unmount("c2"), model.OK), call(5, 6, remove, model.OK),
		}, model.No},
		{"volumes are independent", model.Start{vol: model.Only(fresh), "w": model.Only(absent)}, calls{
			call(1, 2, mount("c1"), model.OK), on("w", call(3, 4, get, model.NotFound)), on("w", call(5, 6, remove, model.OK)),
		}, model.Yes},
		{"a wrong answer of the second volume", exists, calls{
			call(1, 2, mount("c1"), model.OK), on("w", call(3, 4, get, model.OK)),
		}, model.No},

		{"lost create, seen", nil, calls{call(1, 2, create("ext4"), model.Unknown), call(3, 4, get, model.OK)}, model.Yes},
		{"lost create, not seen", nil, calls{
			call(1, 2, create("ext4"), model.Unknown), call(3, 4, get, model.NotFound),
		}, model.Yes},
		{"lost create comes later", nil, calls{
			call(1, 2, create("ext4"), model.Unknown), call(3, 4, get, model.NotFound), call(5, 6, mount("c1"), model.OK),
		}, model.Yes},
		{"lost create happens once", nil, calls{
			call(1, 2, create("ext4"), model.Unknown), call(3, 4, mount("c1"), model.OK), call(5, 6, unmount("c1"), model.OK),
			call(7, 8, remove, model.OK), call(9, 10, mount("c1"), model.OK),
		}, model.No},
		{"lost create does not happen earlier", nil, calls{
			call(1, 2, get, model.OK), call(3, 4, create("ext4"), model.Unknown),
		}, model.No},
		{"lost create left no file system", nil, calls{
			call(1, 2, create("ext4"), model.Unknown), call(3, 4, create("ext4"), model.Exists), call(5, 6, get, model.OK),
		}, model.Yes},
		{"and then it cannot be mounted", nil, calls{
			call(1, 2, create("ext4"), model.Unknown), call(3, 4, create("ext4"), model.Exists), call(5, 6, mount("c1"), model.OK),
		}, model.No},
		{"a create that is taken back can be seen", nil, calls{
			call(1, 6, create("ext4"), model.Refused), call(2, 3, get, model.OK), call(4, 5, get, model.NotFound),
			call(7, 8, get, model.NotFound),
		}, model.Yes},
		{"but not after it", nil, calls{
			call(1, 2, create("ext4"), model.Refused), call(3, 4, get, model.OK),
		}, model.No},
		{"nor can a create that succeeds vanish", nil, calls{
			call(1, 6, create("ext4"), model.OK), call(2, 3, get, model.OK), call(4, 5, get, model.NotFound),
		}, model.No},
		{"lost remove", exists, calls{
			call(1, 2, remove, model.Unknown), call(3, 4, get, model.OK), call(5, 6, get, model.NotFound),
		}, model.Yes},
		{"lost remove, and back again", exists, calls{
			call(1, 2, remove, model.Unknown), call(3, 4, get, model.NotFound), call(5, 6, get, model.OK),
		}, model.No},
		{"lost remove spares references", exists, calls{
			call(1, 2, mount("c1"), model.OK), call(3, 4, remove, model.Unknown), call(5, 6, get, model.NotFound),
		}, model.No},
		{"failed mount holds nothing", exists, calls{
			call(1, 2, mount("c1"), model.Unknown), call(3, 4, remove, model.InUse),
		}, model.No},
		{"failed unmount lets go", exists, calls{
			call(1, 2, mount("c1"), model.OK), call(3, 4, unmount("c1"), model.Unknown), call(5, 6, remove, model.InUse),
		}, model.No},
		{"refused unmount does not", exists, calls{
			call(1, 2, mount("c1"), model.OK), call(3, 4, unmount("c1"), model.Refused), call(5, 6, remove, model.InUse),
		}, model.Yes},
		{"pending mount that happened", exists, calls{
			call(1, model.Pending, mount("c1"), model.OK), call(2, 3, remove, model.InUse),
		}, model.Yes},
		{"pending mount that did not", exists, calls{
			call(1, model.Pending, mount("c1"), model.OK), call(2, 3, remove, model.OK),
		}, model.Yes},
		{"pending mount that cannot", exists, calls{
			call(1, model.Pending, mount("c1"), model.OK), call(2, 3, remove, model.OK), call(4, 5, remove, model.InUse),
		}, model.No},
		{"pending unmount", exists, calls{
			call(1, 2, mount("c1"), model.OK), call(3, model.Pending, unmount("c1"), model.OK),
			call(4, 5, remove, model.InUse), call(6, 7, remove, model.OK),
		}, model.Yes},
		{"pending get says nothing", exists, calls{call(1, model.Pending, get, model.NotFound)}, model.Yes},
		{"several starts, one fits", model.Start{vol: model.Only(absent, fresh, mounted)}, calls{
			call(1, 2, remove, model.InUse), call(3, 4, unmount("c1"), model.OK), call(5, 6, remove, model.OK),
		}, model.Yes},
		{"several starts, none fits", model.Start{vol: model.Only(absent, fresh)}, calls{
			call(1, 2, remove, model.InUse),
		}, model.No},
		{"no start is possible", model.Start{vol: model.Only()}, calls{call(1, 2, unmount("c1"), model.OK)}, model.No},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := model.Linearizable(c.start, c.calls)
			require.Equal(t, c.want, v.Answer, "%v", v)
			for volume := range map[string]bool{vol: true, "w": true} {
				final, answer := new(model.Checker).Final(c.start, c.calls, volume)
				if v.Answer == model.Yes {
					require.Equal(t, model.Yes, answer)
					require.False(t, final.Empty())
				} else if v.Volume == volume {
					require.Equal(t, model.No, answer)
					require.True(t, final.Empty())
				}
			}
		})
	}
}

func TestFinal(t *testing.T) {
	start := model.Start{vol: model.Only(fresh), "w": model.Only(absent, fresh)}
	calls := []model.Call{
		call(1, 5, mount("c1"), model.OK),
		call(2, 6, mount("c2"), model.Unknown),
		call(3, 7, unmount("c1"), model.OK),
		call(8, model.Pending, mount("c3"), model.OK),
	}
	var c model.Checker
	final, answer := c.Final(start, calls, vol)
	require.Equal(t, model.Yes, answer)
	want := model.Only(fresh, mounted, model.Existing("ext4", "c3"), model.Existing("ext4", "c1", "c3"))
	require.True(t, final.Equal(want), "%v", final)

	final, _ = c.Final(start, calls, "w")
	require.True(t, final.Equal(model.Only(absent, fresh)), "%v", final)
	final, _ = c.Final(start, calls, "elsewhere")
	require.True(t, final.Equal(model.Only(absent)), "%v", final)

	final, answer = c.Final(nil, []model.Call{call(1, 2, create("xfs"), model.Unknown)}, vol)
	require.Equal(t, model.Yes, answer)
	require.True(t, final.Equal(model.Only(absent, halfMade, model.Existing("xfs"))), "%v", final)
}

func TestExplanation(t *testing.T) {
	v := model.Linearizable(model.Start{vol: model.Only(fresh)}, []model.Call{
		call(1, 4, mount("c1"), model.OK), call(2, 3, mount("c2"), model.OK), call(5, 6, unmount("c1"), model.OK),
		call(7, 8, remove, model.OK), call(9, 10, get, model.NotFound),
	})
	require.Equal(t, model.No, v.Answer)
	require.Equal(t, vol, v.Volume)
	require.Len(t, v.Order, 3)
	require.Equal(t, call(7, 8, remove, model.OK), v.Stuck)
	require.Equal(t, model.InUse, v.Want.Kind)
	require.Equal(t, `no: "remove data@ds1 -> ok" fits nowhere: after [mount data@ds1 id=c1 -> ok; `+
		`mount data@ds1 id=c2 -> ok; unmount data@ds1 id=c1 -> ok] the volume is "ext4 refs=c2" and the answer would be "in use"`,
		v.String())

	// A history without overlaps is judged another way and explained the same.
	v = model.Linearizable(nil, []model.Call{call(1, 2, remove, model.OK), call(3, 4, get, model.OK)})
	require.Equal(t, `no: "get data@ds1 -> ok" fits nowhere: after [remove data@ds1 -> ok] the volume is "absent" and `+
		`the answer would be "not found"`, v.String())
}

func TestLimits(t *testing.T) {
	// 40 mounts at once and a remove that is refused: every subset of the mounts is a state.
	var calls []model.Call
	for i := range 40 {
		calls = append(calls, call(int64(i), 100, mount(fmt.Sprint(i)), model.OK))
	}
	calls = append(calls, call(101, 102, remove, model.OK))
	c := model.Checker{Limit: 5000}
	v := c.Linearizable(model.Start{vol: model.Only(fresh)}, calls)
	require.Equal(t, model.Undecided, v.Answer)
	require.Equal(t, vol, v.Volume)

	// A certain No elsewhere is not hidden by it.
	v = c.Linearizable(model.Start{vol: model.Only(fresh)}, append(calls, on("w", call(1, 2, get, model.OK))))
	require.Equal(t, model.No, v.Answer)
	require.Equal(t, "w", v.Volume)

	// More calls than a search can hold.
	calls = calls[:0]
	for i := range 66 {
		calls = append(calls, call(int64(i), 100, mount("c1"), model.OK))
	}
	require.Equal(t, model.Undecided, c.Linearizable(model.Start{vol: model.Only(fresh)}, calls).Answer)

	// Without overlaps there is no such limit.
	for i := range calls {
		calls[i].Invoke, calls[i].Return = int64(2*i), int64(2*i+1)
	}
	require.Equal(t, model.Yes, c.Linearizable(model.Start{vol: model.Only(fresh)}, calls).Answer)
	require.Equal(t, model.No, c.Linearizable(nil, calls).Answer)

	// 60 calls that overlap in pairs are easy.
	for i := range calls {
		calls[i].Return += 2
	}
	require.Equal(t, model.Yes, c.Linearizable(model.Start{vol: model.Only(fresh)}, calls[:60]).Answer)
}

func TestDescriptions(t *testing.T) {
	require.Equal(t, "mount data@ds1 id=c1 -> ok", call(1, 2, mount("c1"), model.OK).String())
	require.Equal(t, "create data@ds1 fstype=xfs -> exists", call(1, 2, create("xfs"), model.Exists).String())
	require.Equal(t, "get data@ds1 -> pending", call(1, model.Pending, get, model.OK).String())
	require.Equal(t, "invalid(77)", model.OpKind(77).String())
	require.Equal(t, "{absent; unformatted; ext4; ext4 refs=c1,c1}", model.Only(twice, fresh, halfMade, absent).String())
	require.Equal(t, "yes", model.Verdict{Answer: model.Yes}.String())
}

// A Checker with a wrong truth says what follows from that.
func TestAnotherTruth(t *testing.T) {
	c := model.Checker{Truth: func(s model.State, op model.Op) (model.State, model.Result) {
		if op.Kind == model.Remove {
			return s, is(model.OK)
		}
		return model.Step(s, op)
	}}
	calls := []model.Call{call(1, 2, remove, model.OK), call(3, 4, get, model.NotFound)}
	start := model.Start{vol: model.Only(fresh)}
	require.Equal(t, model.Yes, model.Linearizable(start, calls).Answer)
	v := c.Linearizable(start, calls)
	require.Equal(t, model.No, v.Answer)
	require.Equal(t, model.Result{Kind: model.OK, Seen: model.SeenUnmounted}, v.Want)
	require.Contains(t, v.String(), `the answer would be "ok, not mounted"`)
}
