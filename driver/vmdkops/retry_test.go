package vmdkops_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
)

var (
	busy        = told("Another task is already in progress.")
	unavailable = told("Service is being stopped: operation declined!")
	exception   = told("Server returned an error: KeyError('x',)")
	garbled     = step{reply: `{"Error": ["a", "b"]}`}
	failed      = told("Insufficient disk space")
	lost        = step{err: errLost}
	notSent     = step{err: errNotSent}
)

func TestHowOftenEachCommandIsSent(t *testing.T) {
	const untilStopped = 30
	for _, test := range []struct {
		failure string
		step    step
		want    map[wire.Command]int
		end     vmdkops.Kind // when the attempts are used up
	}{
		{"not sent", notSent, map[wire.Command]int{"create": 6, "remove": 6, "attach": 6, "detach": 6, "get": 6, "list": 6, "version": 6}, vmdkops.NotSent},
		{"unavailable", unavailable, map[wire.Command]int{"create": 6, "remove": 6, "attach": 6, "detach": 6, "get": 6, "list": 6, "version": 6}, vmdkops.Unavailable},
		{"busy", busy, map[wire.Command]int{"create": 30, "remove": 30, "attach": 30, "detach": 30, "get": 30, "list": 30, "version": 30}, vmdkops.NotSent},
		{"lost", lost, map[wire.Command]int{"create": 1, "remove": 1, "attach": 6, "detach": 6, "get": 6, "list": 6, "version": 6}, vmdkops.Unknown},
		{"exception", exception, map[wire.Command]int{"create": 1, "remove": 1, "attach": 6, "detach": 6, "get": 6, "list": 6, "version": 6}, vmdkops.Unknown},
		{"malformed", garbled, map[wire.Command]int{"create": 1, "remove": 1, "attach": 6, "detach": 6, "get": 6, "list": 6, "version": 6}, vmdkops.Unknown},
		{"failed", failed, map[wire.Command]int{"create": 1, "remove": 1, "attach": 1, "detach": 1, "get": 1, "list": 1, "version": 1}, vmdkops.Failed},
	} {
		for _, c := range commands {
			r := newRig(t, untilStopped, test.step)
			err := c.call(r.ctx, r.client)
			require.Equal(t, test.end, vmdkops.KindOf(err), "%s after %s: %v", c.cmd, test.failure, err)
			require.Len(t, r.sent, test.want[c.cmd], "%s after %s", c.cmd, test.failure)
			for _, request := range r.sent {
				require.Equal(t, r.sent[0], request, "a repeat is the same request")
			}
		}
	}
}

func TestPausesDoubleUpToASecond(t *testing.T) {
	r := newRig(t, 0, notSent, busy, notSent, unavailable, busy, busy, step{reply: `null`})
	require.NoError(t, r.client.Detach(r.ctx, "v"))
	require.Equal(t, []time.Duration{
		100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, time.Second, time.Second,
	}, r.paused)
}

func TestUnknownIsNotForgotten(t *testing.T) {
	for _, test := range []struct {
		name  string
		stop  int
		steps []step
		want  vmdkops.Kind
	}{
		{"lost, then never sent again", 0, []step{lost, notSent}, vmdkops.Unknown},
		{"lost, then unavailable for good", 0, []step{lost, unavailable}, vmdkops.Unknown},
		{"lost, then stopped in the pause", 1, []step{lost}, vmdkops.Unknown},
		{"lost, then busy until stopped", 4, []step{lost, busy}, vmdkops.Unknown},
		{"lost, not sent, then stopped", 2, []step{lost, notSent}, vmdkops.Unknown},
		{"not sent, then lost, then stopped", 2, []step{notSent, lost}, vmdkops.Unknown},
		{"busy for long, then lost once", 0, []step{busy, busy, busy, busy, busy, busy, busy, lost, failed}, vmdkops.Failed},
		{"lost, then a definite answer", 0, []step{lost, failed}, vmdkops.Failed},
		{"not sent until stopped", 3, []step{notSent}, vmdkops.NotSent},
		{"busy until stopped", 3, []step{busy}, vmdkops.NotSent},
	} {
		r := newRig(t, test.stop, test.steps...)
		_, err := r.client.Attach(r.ctx, "v")
		require.Equal(t, test.want, vmdkops.KindOf(err), "%s: %v", test.name, err)
		require.Equal(t, test.want == vmdkops.NotSent, errors.Is(err, wire.ErrNotSent), "%s: %v", test.name, err)
		require.Equal(t, test.stop > 0, errors.Is(err, errStopped), "%s: %v", test.name, err)
	}
}

func TestContextThatHasEndedSendsNothing(t *testing.T) {
	for _, c := range commands {
		r := newRig(t, 0, step{reply: c.success})
		r.cancel(errStopped)
		err := c.call(r.ctx, r.client)
		require.Equal(t, vmdkops.NotSent, vmdkops.KindOf(err))
		require.ErrorIs(t, err, errStopped)
		require.ErrorIs(t, err, wire.ErrNotSent)
		require.Empty(t, r.sent)
	}
}

// A transport that notices the end of the context may forget to say so; the client does not.
func TestContextThatEndsDuringAnAttempt(t *testing.T) {
	for _, test := range []struct {
		step step
		want vmdkops.Kind
	}{{lost, vmdkops.Unknown}, {notSent, vmdkops.NotSent}} {
		for _, c := range commands {
			r := newRig(t, 0)
			client, err := vmdkops.New(vmdkops.Config{Env: r.clock, Transport: transportFunc(func([]byte) ([]byte, error) {
				r.cancel(errStopped)
				return nil, test.step.err
			})})
			require.NoError(t, err)
			err = c.call(r.ctx, client)
			require.Equal(t, test.want, vmdkops.KindOf(err), "%s: %v", c.cmd, err)
			require.ErrorIs(t, err, errStopped, "%s", c.cmd)
		}
	}
}

// Whatever happens in whatever order: the promise "not sent" is never wrong, and create and remove are never sent again
// once their outcome is unknown.
func TestPromisesHold(t *testing.T) {
	outcomes := []string{"not sent", "busy", "unavailable", "lost", "exception", "failed", "success"}
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(commands).Draw(t, "command")
		plan := rapid.SliceOfN(rapid.SampledFrom(outcomes), 1, 12).Draw(t, "plan")
		stop := rapid.IntRange(1, 15).Draw(t, "stop")
		steps := make([]step, len(plan))
		for i, outcome := range plan {
			steps[i] = map[string]step{
				"not sent": notSent, "busy": busy, "unavailable": unavailable, "lost": lost, "exception": exception,
				"failed": failed, "success": {reply: c.success},
			}[outcome]
		}
		r := newRig(t, stop, steps...)
		err := c.call(r.ctx, r.client)

		perhaps, unknown := false, 0 // what the service saw
		for i := range r.sent {
			switch plan[min(i, len(plan)-1)] {
			case "lost", "exception":
				perhaps = true
				unknown++
			}
		}
		final := plan[min(len(r.sent), len(plan))-1]
		kind := vmdkops.KindOf(err)
		switch {
		case final == "success":
			require.NoError(t, err)
		case final == "failed":
			require.Equal(t, vmdkops.Failed, kind)
		case perhaps:
			require.Equal(t, vmdkops.Unknown, kind, "%v", err)
		default:
			require.Contains(t, []vmdkops.Kind{vmdkops.NotSent, vmdkops.Unavailable}, kind, "%v", err)
		}
		require.Equal(t, err != nil && kind == vmdkops.NotSent, errors.Is(err, wire.ErrNotSent))
		if perhaps {
			require.NotErrorIs(t, err, wire.ErrNotSent)
		}
		if c.cmd == wire.Create || c.cmd == wire.Remove {
			require.LessOrEqual(t, unknown, 1)
			if unknown == 1 {
				require.Contains(t, []string{"lost", "exception"}, final)
			}
		}
	})
}

func TestRepeatsAreLogged(t *testing.T) {
	var out strings.Builder
	r := newRig(t, 0, notSent, step{reply: `null`})
	client, err := vmdkops.New(vmdkops.Config{
		Transport: r.script, Env: r.clock,
		Log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	require.NoError(t, client.Remove(context.Background(), "v"))
	require.Regexp(t, `command=remove volume=v after="not sent" pause=100ms`, out.String())
}
