package opinion_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"vmdkvol/model"
	"vmdkvol/scenarios/opinion"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const vol = "data"

var starts = []model.Possible{
	model.Only(model.State{}), model.Only(model.Existing("ext4")), model.Only(model.Existing("ext4", "a")), model.Only(model.Existing("")),
	model.Only(model.State{}, model.Existing("xfs"), model.Existing("ext4", "a", "a")),
}

// drawCall draws a call with any answer that a call of its kind can have.
func drawCall(t *rapid.T) model.Call {
	kind := rapid.SampledFrom([]model.OpKind{model.Create, model.Remove, model.Mount, model.Unmount, model.Get}).Draw(t, "kind")
	invoke := rapid.Int64Range(0, 12).Draw(t, "invoke")
	c := model.Call{Op: model.Op{Kind: kind, Volume: vol}, Invoke: invoke, Return: invoke + rapid.Int64Range(0, 4).Draw(t, "length")}
	answers := map[model.OpKind][]model.ResultKind{
		model.Create: {model.OK, model.OK, model.Exists, model.NotFound}, model.Remove: {model.OK, model.OK, model.InUse},
		model.Mount: {model.OK, model.OK, model.NotFound}, model.Unmount: {model.OK, model.OK, model.NotFound},
		model.Get: {model.OK, model.OK, model.NotFound},
	}
	c.Result.Kind = rapid.SampledFrom(append(answers[kind], model.Unknown, model.Refused)).Draw(t, "answer")
	switch kind {
	case model.Create:
		c.Op.FSType = rapid.SampledFrom([]string{"ext4", "xfs"}).Draw(t, "fstype")
	case model.Mount, model.Unmount:
		c.Op.ID = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id")
	case model.Get:
		if c.Result.Kind == model.OK {
			c.Result.Seen = rapid.SampledFrom([]model.Sight{model.Unsaid, model.SeenMounted, model.SeenUnmounted, model.SeenNowhere}).Draw(t, "seen")
		}
	}
	if rapid.IntRange(0, 9).Draw(t, "pending") == 0 {
		c.Return = model.Pending
	}
	return c
}

// Both judges say the same of any history, right or wrong.
func TestTheJudgesAgree(t *testing.T) {
	var said [3]int
	var c model.Checker
	rapid.Check(t, func(t *rapid.T) {
		for range 20 {
			start := rapid.SampledFrom(starts).Draw(t, "start")
			calls := rapid.SliceOfN(rapid.Custom(drawCall), 1, 6).Draw(t, "calls")
			first := c.Linearizable(model.Start{vol: start}, calls)
			require.Equal(t, first.Answer, opinion.Second(start, calls, 0), "%v\nfrom %v: %v", calls, start, first)
			said[first.Answer]++
		}
	})
	require.Greater(t, said[model.Yes], 100)
	require.Greater(t, said[model.No], 100)
}

// Too much work is not an answer, and how much is too much does not depend on the machine.
func TestUndecided(t *testing.T) {
	var calls []model.Call
	for i := range 9 {
		id := string(rune('a' + i))
		calls = append(calls, model.Call{Op: model.Op{Kind: model.Mount, Volume: vol, ID: id}, Invoke: 1, Return: 9})
	}
	calls = append(calls, model.Call{Op: model.Op{Kind: model.Remove, Volume: vol}, Invoke: 10, Return: 11}) // not ok: it is held
	start := model.Only(model.Existing("ext4"))
	require.Equal(t, model.Undecided, opinion.Second(start, calls, 100))
	require.Equal(t, model.No, opinion.Second(start, calls, 1<<20))
	require.Equal(t, model.Yes, opinion.Second(start, calls[:9], 100))
}

// By the rules of both judges, a history leaves the same.
func TestTheJudgesLeaveTheSame(t *testing.T) {
	var left [2]int
	rapid.Check(t, func(t *rapid.T) {
		var c model.Checker
		for range 20 {
			start := rapid.SampledFrom(starts).Draw(t, "start")
			calls := rapid.SliceOfN(rapid.Custom(drawCall), 1, 4).Draw(t, "calls")
			for i := range calls {
				if calls[i].Return == model.Pending || calls[i].Result.Kind == model.Unknown {
					calls[i].Return, calls[i].Result = calls[i].Invoke+1, model.Result{}
				}
			}
			final, answer := c.Final(model.Start{vol: start}, calls, vol)
			require.NotEqual(t, model.Undecided, answer)
			if final.Empty() {
				continue
			}
			require.True(t, opinion.Leaves(start, calls, final), "%v from %v: %v", calls, start, final)
			left[0]++
			wrong := final.States()
			if len(wrong) > 1 && rapid.Bool().Draw(t, "less") {
				wrong = wrong[1:]
			} else {
				wrong = append(wrong, model.Existing("ext4", "nobody"))
			}
			require.False(t, opinion.Leaves(start, calls, model.Only(wrong...)))
			left[1]++
		}
	})
	require.Greater(t, left[1], 100)
}
