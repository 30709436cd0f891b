package vmdkops_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/driver/vmdkops"
	"vmdkvol/driver/wire"
	"vmdkvol/seam"
)

func TestRequestsAreThoseOfTheProtocol(t *testing.T) {
	// docs/original.md appendix A.3; version is §1.8.
	want := map[wire.Command]string{
		wire.Create: `{"cmd":"create","details":{"Name":"v@ds1","Opts":{"diskformat":"thin","fstype":"ext4",` +
			`"size":"1gb"}},"version":"2"}`,
		wire.Remove:     `{"cmd":"remove","details":{"Name":"v@ds1"},"version":"2"}`,
		wire.Attach:     `{"cmd":"attach","details":{"Name":"v@ds1"},"version":"2"}`,
		wire.Detach:     `{"cmd":"detach","details":{"Name":"v@ds1"},"version":"2"}`,
		wire.Get:        `{"cmd":"get","details":{"Name":"v@ds1"},"version":"2"}`,
		wire.List:       `{"cmd":"list","details":{"Name":""},"version":"2"}`,
		wire.GetVersion: `{"cmd":"version","details":{"Name":""},"version":"2"}`,
	}
	for _, c := range commands {
		r := newRig(t, 0, step{reply: c.success})
		require.NoError(t, c.call(r.ctx, r.client), c.cmd)
		require.Equal(t, []string{want[c.cmd]}, r.sent)
		require.Empty(t, r.paused)
	}
}

func TestRepliesReachTheCaller(t *testing.T) {
	place := wire.Device{Unit: "0", ControllerPciSlotNumber: "160", ControllerPciBusNumber: "15.0"}

	r := newRig(t, 0, step{reply: device})
	at, err := r.client.Attach(r.ctx, "v")
	require.NoError(t, err)
	require.Equal(t, place, at)

	r = newRig(t, 0, step{reply: volume})
	v, err := r.client.Get(r.ctx, "v")
	require.NoError(t, err)
	require.Equal(t, "ds1", v.Datastore)
	require.Equal(t, &place, v.Device)

	r = newRig(t, 0, step{reply: `[{"Name": "b@ds1", "Attributes": {}}, {"Name": "a@ds2", "Attributes": {}}]`})
	names, err := r.client.List(r.ctx)
	require.NoError(t, err)
	require.Equal(t, []string{"b@ds1", "a@ds2"}, names)

	r = newRig(t, 0, step{reply: `[]`})
	names, err = r.client.List(r.ctx)
	require.NoError(t, err)
	require.Empty(t, names)

	r = newRig(t, 0, step{reply: `{"version": "N/A"}`})
	version, err := r.client.Version(r.ctx)
	require.NoError(t, err)
	require.Equal(t, "N/A", version)
}

func TestGetNullIsUnreadable(t *testing.T) {
	r := newRig(t, 0, step{reply: `null`})
	v, err := r.client.Get(r.ctx, "v")
	require.Equal(t, vmdkops.Unreadable, vmdkops.KindOf(err))
	require.Zero(t, v)

	r = newRig(t, 0, step{reply: `null`}, step{reply: volume})
	v, err = r.client.Get(r.ctx, "v")
	require.NoError(t, err, "a sidecar that was being rewritten is asked for once more")
	require.Equal(t, "ds1", v.Datastore)
}

// malformed are replies that no command takes for a success, among them the two that the original really sends
// (docs/original.md §1.8).
var malformed = []string{
	`{"Error": ["Failed to add PVSCSI Controller: %s", "no slot"]}`,
	`"Failed to delete the row"`,
	``, ` `, "\x00", `nul`, `none`, `nullnull`, `null null`, `true`, `0`, `OK`, `{}`, `{"Error": ""}`, `{"Error": null}`,
	`{"Error": {}}`, `{"error": "lower case"}`, `{"Error": "x"`, `{"Error": "x"} trailing`, `[null]`, `[1]`, `["v"]`, `[{}]`,
	`{"Unit": "0"}`, `{"Unit": 0, "ControllerPciSlotNumber": 160, "ControllerPciBusNumber": "15.0"}`,
	`{"Unit": null, "ControllerPciSlotNumber": null, "ControllerPciBusNumber": null}`, `{"version": 2}`,
	`<html>502 Bad Gateway</html>`, "\xef\xbe\xad\x0b",
}

func TestMalformedReplyIsNeverSuccess(t *testing.T) {
	for _, c := range commands {
		replies := malformed
		for _, other := range commands { // the success of another command is no success either
			if other.success != c.success && !(c.cmd == wire.Get && other.success == `null`) {
				replies = append(replies[:len(replies):len(replies)], other.success)
			}
		}
		for _, reply := range replies {
			r := newRig(t, 0, step{reply: reply})
			err := c.call(r.ctx, r.client)
			require.Error(t, err, "%s %q", c.cmd, reply)
			require.Equal(t, vmdkops.Unknown, vmdkops.KindOf(err), "%s %q: %v", c.cmd, reply, err)
			var bad *wire.BadReplyError
			require.ErrorAs(t, err, &bad)
		}
	}
}

func TestOnlyNullIsTheSuccessOfAVoidCommand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom([]command{commands[0], commands[1], commands[3]}).Draw(t, "command")
		reply := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ \[\{]*(null|"Error"|:|"x"|,)*[ \]\}]*`)).Draw(t, "reply")
		r := newRig(t, 1, step{reply: reply})
		if c.call(r.ctx, r.client) == nil {
			require.Regexp(t, `^\s*null\s*$`, reply)
		}
	})
}

func TestNoValueBesideAnError(t *testing.T) {
	r := newRig(t, 0, told("Failed"))
	at, err := r.client.Attach(r.ctx, "v")
	require.Error(t, err)
	require.Zero(t, at)
	names, err := r.client.List(r.ctx)
	require.Error(t, err)
	require.Nil(t, names)
}

func TestRequestThatCannotBeWrittenIsNotSent(t *testing.T) {
	r := newRig(t, 0, step{reply: `null`})
	long := string(make([]byte, wire.MaxRequest))
	for _, test := range []struct {
		name string
		opts map[string]string
		want vmdkops.Kind
	}{
		{"a\xffb", nil, vmdkops.BadName},
		{"a\xffb", map[string]string{"size": "1gb"}, vmdkops.BadName},
		{long, nil, vmdkops.BadName},
		{"v", map[string]string{"size": "\xff"}, vmdkops.BadOption},
		{"v", map[string]string{"size": long}, vmdkops.BadOption},
	} {
		err := r.client.Create(r.ctx, test.name, test.opts)
		require.Equal(t, test.want, vmdkops.KindOf(err), "%v", err)
	}
	require.Empty(t, r.sent)
}

func TestError(t *testing.T) {
	cause := errors.New("cause")
	err := &vmdkops.Error{Cmd: wire.Attach, Volume: "v@ds", Kind: vmdkops.InUse, Owner: "vm2", Err: cause}
	require.Equal(t, "attach v@ds: in use: cause", err.Error())
	require.ErrorIs(t, err, cause)
	require.NotErrorIs(t, err, wire.ErrNotSent)
	require.ErrorIs(t, &vmdkops.Error{Kind: vmdkops.NotSent}, wire.ErrNotSent)
	require.Equal(t, "list: not sent", (&vmdkops.Error{Cmd: wire.List, Kind: vmdkops.NotSent}).Error())

	require.Equal(t, vmdkops.InUse, vmdkops.KindOf(errors.Join(cause, err)))
	require.Equal(t, vmdkops.Failed, vmdkops.KindOf(cause))

	seen := map[string]bool{}
	for k := vmdkops.Failed; k <= vmdkops.Unreadable; k++ {
		require.NotEmpty(t, k.String())
		require.False(t, seen[k.String()], k)
		seen[k.String()] = true
	}
	require.Equal(t, "invalid kind", (vmdkops.Unreadable + 1).String())
}

func TestNewRefusesAnIncompleteConfig(t *testing.T) {
	_, err := vmdkops.New(vmdkops.Config{Env: seam.Real()})
	require.Error(t, err)
	_, err = vmdkops.New(vmdkops.Config{Transport: &script{}})
	require.Error(t, err)
}

// A mount of a volume costs one attach: what it allocates here is bounded, so that growth is noticed.
func TestAllocations(t *testing.T) {
	r := newRig(t, 0, step{reply: `null`})
	fixed := transportFunc(func([]byte) ([]byte, error) { return nullReply, nil })
	client, err := vmdkops.New(vmdkops.Config{Transport: fixed, Env: r.clock})
	require.NoError(t, err)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if client.Detach(r.ctx, "data@ds1") != nil {
			panic("detach failed")
		}
	}), 1.0, "the request's bytes")
}
