package model_test

import (
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/model"
)

func drawOp(t *rapid.T, volume string) model.Op {
	op := model.Op{Volume: volume, Kind: rapid.SampledFrom([]model.OpKind{
		model.Create, model.Remove, model.Mount, model.Mount, model.Unmount, model.Get,
	}).Draw(t, "kind")}
	switch op.Kind {
	case model.Create:
		op.FSType = rapid.SampledFrom([]string{"ext4", "xfs"}).Draw(t, "fstype")
	case model.Mount, model.Unmount:
		op.ID = rapid.SampledFrom([]string{"c1", "c2"}).Draw(t, "id")
	}
	return op
}

type step func(model.State, model.Op) (model.State, model.Result)

// flaws of a drawn history.
type flaws struct {
	lost bool // outcomes are unknown, refused or never come
	lies bool // results are wrong
}

// drawHistory runs a few clients on one volume: each call takes effect somewhere between its invocation and its return, as
// step says.
func drawHistory(t *rapid.T, step step, start model.State, calls int, flaws flaws) []model.Call {
	const idle, called, acted = 0, 1, 2
	var history []model.Call
	var stage, current [3]int
	s, left := start, calls
	for now := int64(1); left > 0 || stage != [3]int{}; now++ {
		c := rapid.IntRange(0, len(stage)-1).Draw(t, "client")
		switch stage[c] {
		case idle:
			if left == 0 {
				continue
			}
			left--
			current[c] = len(history)
			history = append(history, model.Call{Op: drawOp(t, vol), Invoke: now, Return: model.Pending})
			stage[c] = called
		case called:
			h := &history[current[c]]
			outcome := 3
			if flaws.lost {
				outcome = rapid.IntRange(0, 19).Draw(t, "outcome")
			}
			switch {
			case outcome == 0:
				h.Result.Kind = model.Refused
			case outcome <= 2:
				h.Result.Kind = model.Unknown
				if outcome == 1 && h.Op.Kind != model.Mount || h.Op.Kind == model.Unmount {
					s, _ = step(s, h.Op)
				}
			default:
				s, h.Result = step(s, h.Op)
			}
			if flaws.lies && rapid.IntRange(0, 7).Draw(t, "lie") == 0 {
				h.Result.Kind = rapid.SampledFrom([]model.ResultKind{
					model.OK, model.NotFound, model.InUse, model.Exists,
				}).Draw(t, "result")
			}
			if h.Op.Kind == model.Get && rapid.IntRange(0, 3).Draw(t, "silent") == 0 {
				h.Result.Seen = model.Unsaid
			} else if nowhere(h) && rapid.IntRange(0, 3).Draw(t, "nowhere") == 0 {
				h.Result = model.Result{Kind: model.OK, Seen: model.SeenNowhere}
			} else if flaws.lies && h.Result.Seen != model.Unsaid && rapid.IntRange(0, 3).Draw(t, "squint") == 0 {
				h.Result.Seen = model.SeenMounted
			}
			stage[c] = acted
		case acted:
			if !flaws.lost || rapid.IntRange(0, 11).Draw(t, "stuck") > 0 {
				history[current[c]].Return = now
			}
			stage[c] = idle
		}
	}
	return history
}

// nowhere reports whether a call is a Get that would have been told of no mountpoint.
func nowhere(c *model.Call) bool {
	return c.Op.Kind == model.Get && (c.Result.Kind == model.NotFound || c.Result.Seen == model.SeenUnmounted)
}

// outcomes are the states in which one call can leave a volume, none if its result cannot be; the rules, written again.
func outcomes(s model.State, c model.Call) []model.State {
	next, right := model.Step(s, c.Op)
	pending, kind := c.Return == model.Pending, c.Result.Kind
	switch {
	case pending || kind == model.Unknown && (c.Op.Kind == model.Create || c.Op.Kind == model.Remove):
		if c.Op.Kind == model.Create && !s.Exists() {
			return []model.State{s, next, model.Existing("")}
		}
		return []model.State{s, next}
	case kind == model.Unknown && c.Op.Kind == model.Unmount:
		return []model.State{next}
	case kind == model.Unknown || kind == model.Refused:
		return []model.State{s}
	case kind == model.OK && c.Result.Seen == model.SeenNowhere:
		if s.RefCount() > 0 {
			return nil
		}
		return []model.State{s}
	case kind != right.Kind, c.Result.Seen != model.Unsaid && c.Result.Seen != right.Seen:
		return nil
	}
	return []model.State{next}
}

// plain takes out what the checker does not judge, and gives effects that may come late all the time there is.
func plain(calls []model.Call) []model.Call {
	var kept []model.Call
	for _, c := range calls {
		if c.Op.Kind == model.Get && c.Result.Kind == model.OK && slices.ContainsFunc(calls, func(o model.Call) bool {
			failed := o.Return == model.Pending || o.Result.Kind == model.Unknown || o.Result.Kind == model.Refused
			return o.Op.Kind == model.Create && failed && o.Invoke <= c.Return && c.Invoke <= o.Return
		}) {
			continue
		}
		kept = append(kept, c)
	}
	for i := range kept {
		if k := kept[i].Op.Kind; kept[i].Result.Kind == model.Unknown && (k == model.Create || k == model.Remove) {
			kept[i].Return = model.Pending
		}
	}
	return kept
}

// naive tries every order, without any cleverness, and returns all final states.
func naive(start model.Possible, calls []model.Call) model.Possible {
	ends := map[string]model.State{}
	var try func(model.State, []model.Call)
	try = func(s model.State, rest []model.Call) {
		if len(rest) == 0 {
			ends[s.Key()] = s
			return
		}
		for i, c := range rest {
			if slices.ContainsFunc(rest, func(o model.Call) bool { return o.Return < c.Invoke }) {
				continue
			}
			for _, next := range outcomes(s, c) {
				try(next, slices.Delete(slices.Clone(rest), i, i+1))
			}
		}
	}
	for _, s := range start.States() {
		try(s, plain(calls))
	}
	var states []model.State
	for _, s := range ends {
		states = append(states, s)
	}
	return model.Only(states...)
}

// inOrder is what is possible after the calls have happened in just this order.
func inOrder(p model.Possible, calls []model.Call) model.Possible {
	for _, c := range calls {
		var next []model.State
		for _, s := range p.States() {
			next = append(next, outcomes(s, c)...)
		}
		p = model.Only(next...)
	}
	return p
}

// byPorcupine asks a checker that knows nothing of ours but Step.
func byPorcupine(start model.Possible, calls []model.Call) bool {
	m := porcupine.NondeterministicModel{
		Init: func() []any {
			var all []any
			for _, s := range start.States() {
				all = append(all, s)
			}
			return all
		},
		Step: func(s, in, _ any) []any {
			var all []any
			for _, next := range outcomes(s.(model.State), in.(model.Call)) {
				all = append(all, next)
			}
			return all
		},
		Equal: func(a, b any) bool { return a.(model.State).Equal(b.(model.State)) },
	}
	var ops []porcupine.Operation
	for i, c := range plain(calls) {
		ops = append(ops, porcupine.Operation{ClientId: i, Input: c, Call: c.Invoke, Return: c.Return})
	}
	return porcupine.CheckOperations(m.ToModel(), ops)
}

var starts = []model.Possible{
	model.Only(absent), model.Only(fresh), model.Only(mounted), model.Only(halfMade), model.Only(absent, twice, model.Existing("xfs")),
}

func drawStart(t *rapid.T) (model.Possible, model.State) {
	p := rapid.SampledFrom(starts).Draw(t, "start")
	return p, rapid.SampledFrom(p.States()).Draw(t, "state")
}

func TestAgreesWithNaive(t *testing.T) {
	var c model.Checker
	var said [3]int
	rapid.Check(t, func(t *rapid.T) {
		start, s := drawStart(t)
		calls := drawHistory(t, model.Step, s, rapid.IntRange(1, 5).Draw(t, "calls"), flaws{lost: true, lies: true})
		want := naive(start, calls)
		v := c.Linearizable(model.Start{vol: start}, calls)
		require.Equal(t, !want.Empty(), v.Answer == model.Yes, "%v\n%v", calls, v)
		final, answer := c.Final(model.Start{vol: start}, calls, vol)
		require.Equal(t, v.Answer, answer)
		require.True(t, final.Equal(want), "%v: want %v, got %v", calls, want, final)
		said[v.Answer]++
	})
	require.Positive(t, said[model.Yes])
	require.Positive(t, said[model.No])
}

func TestAgreesWithPorcupine(t *testing.T) {
	var c model.Checker
	var said [3]int
	rapid.Check(t, func(t *rapid.T) {
		start, s := drawStart(t)
		calls := drawHistory(t, model.Step, s, rapid.IntRange(1, 14).Draw(t, "calls"), flaws{lost: true, lies: rapid.Bool().Draw(t, "lies")})
		v := c.Linearizable(model.Start{vol: start}, calls)
		require.Equal(t, byPorcupine(start, calls), v.Answer == model.Yes, "%v\n%v", calls, v)
		said[v.Answer]++
	})
	require.Positive(t, said[model.Yes])
	require.Positive(t, said[model.No])
}

// What the explanation claims is checked by hand: the order is legal, and the call that is stuck does not fit after it.
func TestExplanationsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start, s := drawStart(t)
		calls := drawHistory(t, model.Step, s, rapid.IntRange(4, 9).Draw(t, "calls"), flaws{lost: true, lies: true})
		v := model.Linearizable(model.Start{vol: start}, calls)
		if v.Answer != model.No {
			return
		}
		seen := map[int64]bool{}
		for _, c := range v.Order {
			require.False(t, seen[c.Invoke], "%v: twice in %v", c, v)
			seen[c.Invoke] = true
		}
		require.False(t, seen[v.Stuck.Invoke], "%v", v)
		require.True(t, inOrder(start, v.Order).Has(v.State), "%v", v)
		require.Empty(t, outcomes(v.State, v.Stuck), "%v", v)
		_, want := model.Step(v.State, v.Stuck.Op)
		require.Equal(t, want, v.Want)
	})
}

// One Possible, call by call, and the checker agree on histories without overlaps, except for effects that come late.
func TestAgreesWithPossible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, s := drawStart(t)
		start := model.Start{vol: p}
		var calls []model.Call
		for i := range rapid.IntRange(1, 8).Draw(t, "calls") {
			op := drawOp(t, vol)
			var r model.Result
			if s, r = model.Step(s, op); op.Kind == model.Unmount || rapid.IntRange(0, 5).Draw(t, "refuse") > 0 {
				p = p.After(op, r)
			} else {
				s, r = p.States()[0], is(model.Refused)
			}
			calls = append(calls, model.Call{Op: op, Result: r, Invoke: int64(2 * i), Return: int64(2*i + 1)})
			final, _ := new(model.Checker).Final(start, calls, vol)
			require.True(t, final.Equal(p), "%v: %v and %v", calls, final, p)
		}
	})
}

// A driver that follows a wrong Step is noticed.
func TestWrongDriversAreNoticed(t *testing.T) {
	wrong := func(op model.OpKind, change func(s, next model.State, o model.Op, r model.Result) (model.State, model.Result)) step {
		return func(s model.State, o model.Op) (model.State, model.Result) {
			next, r := model.Step(s, o)
			if o.Kind == op {
				return change(s, next, o, r)
			}
			return next, r
		}
	}
	drivers := map[string]step{
		"remove in use": wrong(model.Remove, func(_, _ model.State, _ model.Op, _ model.Result) (model.State, model.Result) {
			return absent, is(model.OK)
		}),
		"remove does nothing": wrong(model.Remove, func(s, _ model.State, _ model.Op, r model.Result) (model.State, model.Result) {
			return s, r
		}),
		"mounts are a set": wrong(model.Mount, func(s, next model.State, o model.Op, r model.Result) (model.State, model.Result) {
			if slices.Contains(s.Refs(), o.ID) {
				return s, r
			}
			return next, r
		}),
		"unmount of anyone": wrong(model.Unmount, func(s, next model.State, _ model.Op, r model.Result) (model.State, model.Result) {
			if s.RefCount() > 0 {
				return model.Existing(s.FSType(), s.Refs()[1:]...), r
			}
			return next, r
		}),
		"create formats again": wrong(model.Create, func(s, _ model.State, o model.Op, _ model.Result) (model.State, model.Result) {
			return model.Existing(o.FSType, s.Refs()...), is(model.OK)
		}),
		"get forgets": wrong(model.Get, func(s, _ model.State, _ model.Op, r model.Result) (model.State, model.Result) {
			if s.RefCount() > 0 {
				return s, is(model.NotFound)
			}
			return s, r
		}),
		"mount makes the volume": wrong(model.Mount, func(s, next model.State, o model.Op, r model.Result) (model.State, model.Result) {
			if !s.Exists() {
				return model.Existing("ext4", o.ID), is(model.OK)
			}
			return next, r
		}),
	}
	var c model.Checker
	for name, driver := range drivers {
		t.Run(name, func(t *testing.T) {
			noticed := 0
			rapid.Check(t, func(t *rapid.T) {
				for range 8 {
					_, s := drawStart(t)
					start := model.Start{vol: model.Only(s)}
					if c.Linearizable(start, drawHistory(t, driver, s, 16, flaws{})).Answer == model.No {
						noticed++
					}
				}
			})
			require.Positive(t, noticed)
		})
	}
}

func TestRightDriversAreNot(t *testing.T) {
	var c model.Checker
	rapid.Check(t, func(t *rapid.T) {
		_, s := drawStart(t)
		v := c.Linearizable(model.Start{vol: model.Only(s)}, drawHistory(t, model.Step, s, 10, flaws{lost: true}))
		require.Equal(t, model.Yes, v.Answer, "%v", v)
	})
}
