package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/model"
	"vmdkvol/scenarios"
)

func stageOf(t *testing.T, text string) *scenarios.Stage {
	t.Helper()
	s, err := scenarios.Parse("x.scn", text)
	require.NoError(t, err)
	stage, err := scenarios.NewStage(s)
	require.NoError(t, err)
	t.Cleanup(stage.Close)
	return stage
}

// oracleOf replays a script and names the oracle that objects, "" if none does.
func oracleOf(t *testing.T, stage *scenarios.Stage) string {
	t.Helper()
	o, err := stage.Replay(false)
	require.NoError(t, err)
	require.Empty(t, o.Unused)
	if o.Result.Failure == nil {
		return ""
	}
	return o.Result.Failure.Oracle
}

// A model that is wrong is noticed on today's driver, which is right: by the other judge of histories if it calls an answer
// wrong, by what is left at the end if it gets the state wrong and every answer right.
func TestAWrongModelIsNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		truth  func(model.State, model.Op) (model.State, model.Result)
		oracle string
	}{
		"a volume in use can be removed": {
			"given volume v\nstart c1: mount v; remove v\n",
			func(s model.State, op model.Op) (model.State, model.Result) {
				if op.Kind == model.Remove {
					return model.State{}, model.Result{Kind: model.OK}
				}
				return model.Step(s, op)
			},
			scenarios.OracleAgree,
		},
		"mount IDs are a set": {
			"given volume v\nstart c1: mount v; mount v; unmount v; get v; remove v\n",
			func(s model.State, op model.Op) (model.State, model.Result) {
				if op.Kind == model.Mount && s.RefCount() > 0 {
					return s, model.Result{Kind: model.OK}
				}
				return model.Step(s, op)
			},
			scenarios.OracleAgree,
		},
		"a Get sees no mounts": {
			"given volume v\nstart c1: mount v; get v\n",
			func(s model.State, op model.Op) (model.State, model.Result) {
				next, r := model.Step(s, op)
				if r.Seen == model.SeenMounted {
					r.Seen = model.SeenUnmounted
				}
				return next, r
			},
			scenarios.OracleAgree,
		},
		"an Unmount keeps the reference": {
			"given volume v\nstart c1: mount v; unmount v\n",
			func(s model.State, op model.Op) (model.State, model.Result) {
				if op.Kind == model.Unmount {
					return s, model.Result{Kind: model.OK}
				}
				return model.Step(s, op)
			},
			scenarios.OracleEnd,
		},
		"a Mount counts twice": {
			"given volume v\nstart c1: mount v\n",
			func(s model.State, op model.Op) (model.State, model.Result) {
				next, r := model.Step(s, op)
				if op.Kind == model.Mount && r.Kind == model.OK {
					next, r = model.Step(next, op)
				}
				return next, r
			},
			scenarios.OracleEnd,
		},
	} {
		t.Run(name, func(t *testing.T) {
			stage := stageOf(t, c.text)
			require.Empty(t, oracleOf(t, stage), "by the true model")
			stage = stageOf(t, c.text)
			stage.Believe(c.truth)
			require.Equal(t, c.oracle, oracleOf(t, stage))
		})
	}
}

// A history that is too much for a judge is counted, and is no failure.
func TestUndecidedIsAnAnswer(t *testing.T) {
	const text = "given volume v\nstart c1: mount v; unmount v\nstart c2: mount v; unmount v\nstart c3: get v; get v\n"
	stage := stageOf(t, text)
	search := explore.Search{Strategy: explore.Random(1), Schedules: 200}
	rep, err := stage.Explore(search)
	require.NoError(t, err)
	require.False(t, rep.Found)
	histories, undecided := stage.Opinions()
	require.Greater(t, histories, 5)
	require.Less(t, histories, 200, "the same history is judged once")
	require.Zero(t, undecided)

	stage = stageOf(t, text)
	stage.Hurry(3)
	rep, err = stage.Explore(search)
	require.NoError(t, err)
	require.False(t, rep.Found)
	again, undecided := stage.Opinions()
	require.Positive(t, undecided)
	require.LessOrEqual(t, undecided, again)
}

// What was not synced may be lost with the power, what was may not; and a Remove ends every promise.
func TestWhatIsKept(t *testing.T) {
	for _, text := range []string{
		"given vm w\ngiven volume v\nstart c1: mount v; write v old; sync v; write v new\nstart op: poweroff vm1\nstart c2@w: mount v; read v\n" +
			"expect\n  c1 mount v -> ok\n  c1 write v old -> ok\n  c1 sync v -> ok\n  c1 write v new -> ok\n  c2 mount v -> ok\n  c2 read v -> old\n",
		"given volume v\nstart c1: mount v; write v old; unmount v; remove v; create v; mount v; read v\n" +
			"expect\n  c1 mount v -> ok\n  c1 write v old -> ok\n  c1 unmount v -> ok\n  c1 remove v -> ok\n  c1 create v -> ok\n" +
			"  c1 mount v -> ok\n  c1 read v -> nothing\n",
		"given volume v\nstart c1: mount v; write v old\nstart op: restart plugin\nstart c2: mount v; read v\n" +
			"expect\n  c1 mount v -> ok\n  c1 write v old -> ok\n  c2 mount v -> ok\n  c2 read v -> old\n",
		"given volume v access=read-only\nstart c1: mount v; write v x; sync v; read v\n" +
			"expect\n  c1 mount v -> ok\n  c1 write v x -> read-only\n  c1 sync v -> ok\n  c1 read v -> nothing\n",
		"given volume v\nstart c1: sync v; mount v; unmount v; sync v\n" +
			"expect\n  c1 sync v -> not mounted\n  c1 mount v -> ok\n  c1 unmount v -> ok\n  c1 sync v -> bare directory\n",
	} {
		stage := stageOf(t, text)
		o, err := stage.Replay(false)
		require.NoError(t, err)
		require.Nil(t, o.Result.Failure, text)
		require.Empty(t, o.Wrong, text)
		rep, err := stage.Explore(explore.Search{Strategy: explore.Random(1), Schedules: 1000, Options: explore.Options{Faults: 1}})
		require.NoError(t, err)
		require.False(t, rep.Found, "%s%v", text, rep.Result)
	}
}
