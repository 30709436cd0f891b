package scenarios_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/model"
	"vmdkvol/scenarios"
)

// TestPiecesOfAHistoryAreTheHistory: it is explained, and leaves as many references, if it is judged piece by piece.
func TestPiecesOfAHistoryAreTheHistory(t *testing.T) {
	verdicts := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		state := model.Existing("ext4")
		var calls []model.Call
		now := int64(0)
		for range rapid.IntRange(1, 7).Draw(t, "calls") {
			op := model.Op{
				Kind: model.OpKind(rapid.IntRange(int(model.Create), int(model.Get)).Draw(t, "kind")), Volume: "v", FSType: "ext4",
				ID: rapid.SampledFrom([]string{"m1", "m2"}).Draw(t, "id"),
			}
			var result model.Result
			if state, result = model.Step(state, op); rapid.IntRange(0, 9).Draw(t, "lie") == 0 {
				result = model.Result{Kind: model.ResultKind(rapid.IntRange(0, 5).Draw(t, "result"))}
			}
			calls = append(calls, model.Call{Op: op, Result: result, Invoke: now, Return: now + 1})
			now += 2
		}
		for i := range calls { // let some overlap
			calls[i].Invoke -= 2 * int64(rapid.IntRange(0, 2).Draw(t, "early"))
			calls[i].Return += 2 * int64(rapid.IntRange(0, 2).Draw(t, "late"))
			if calls[i].Result.Kind == model.Unknown && rapid.Bool().Draw(t, "pending") {
				calls[i].Return = model.Pending
			}
		}
		from := model.Only(model.Existing("ext4"))
		oracle, counts := scenarios.Opinion(from, slices.Clone(calls), false)
		pieces, left := scenarios.Opinion(from, calls, true)
		require.Equal(t, oracle, pieces, "%v", calls)
		require.Equal(t, counts, left, "%v", calls)
		verdicts[oracle]++
	})
	require.Len(t, verdicts, 2, "%v", verdicts)
}

// TestJudgesOfPiecesStayApart: a model that is wrong in what a call leaves is noticed by the other judge, also if the driver is wrong in
// the same way, and the next call comes after the answer.
func TestJudgesOfPiecesStayApart(t *testing.T) {
	believe := func(s model.State, op model.Op) (model.State, model.Result) {
		if op.Kind == model.Unmount {
			return model.Existing("ext4"), model.Result{Kind: model.OK} // whoever else holds it
		}
		return model.Step(s, op)
	}
	calls := []model.Call{
		{Op: model.Op{Kind: model.Mount, Volume: "v", ID: "m1"}, Invoke: 1, Return: 2},
		{Op: model.Op{Kind: model.Mount, Volume: "v", ID: "m2"}, Invoke: 3, Return: 4},
		{Op: model.Op{Kind: model.Unmount, Volume: "v", ID: "m1"}, Invoke: 5, Return: 6},
		{Op: model.Op{Kind: model.Get, Volume: "v"}, Result: model.Result{Seen: model.SeenUnmounted}, Invoke: 7, Return: 8},
	}
	for _, piecewise := range []bool{false, true} {
		oracle, _ := scenarios.OpinionOf(believe, model.Only(model.Existing("ext4")), calls, piecewise)
		require.Equal(t, scenarios.OracleAgree, oracle, "piecewise: %v", piecewise)
	}
}
