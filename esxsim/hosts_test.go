package esxsim_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

// clockwork is an Env whose time moves when somebody sleeps, or when a test says so.
type clockwork struct {
	seam.Env
	now *time.Time
}

func (c clockwork) Now() time.Time { return *c.now }

func (c clockwork) Sleep(ctx context.Context, d time.Duration) error {
	*c.now = c.now.Add(d)
	return ctx.Err()
}

// pair is two hosts that share ds1 and DS2; ds3 is local to the first. vm1, vm2 and vm3 are on the first, vm4 on the second.
type pair struct {
	*host
	other *host
	now   *time.Time
}

func newPair(t *testing.T, quirks esxsim.Quirks, change ...func(*esxsim.Config)) pair {
	t.Helper()
	now := time.Date(2017, 3, 1, 0, 0, 0, 0, time.UTC)
	change = append([]func(*esxsim.Config){func(c *esxsim.Config) {
		c.Env, c.Quirks, c.SharedStore = clockwork{seam.Real(), &now}, quirks, true
	}}, change...)
	p := pair{host: newHost(t, change...), now: &now}
	p.other = &host{t: t, bus: p.bus, store: p.store, stage: p.stage}
	cfg := esxsim.Config{Stage: p.stage, Store: p.store.Reach("ds1", "DS2"), Bus: p.bus, Host: "esx2"}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	p.other.Service, err = esxsim.New(cfg)
	require.NoError(t, err)
	require.NoError(t, p.other.AddVM(esxsim.VM{ID: "vm4", Home: "ds1"}))
	return p
}

func (p pair) status(v string) string {
	meta, ok := p.store.Meta("ds1", v)
	if !ok {
		return "unreadable"
	}
	return meta.Status
}

func TestLocalDatastore(t *testing.T) {
	p := newPair(t, nil)
	p.want(null, "vm1", "create", "v@ds3", "")
	require.Contains(t, p.other.do("vm4", "get", "v@ds3", ""), `Invalid datastore 'ds3'`)
	require.Equal(t, "[]", p.other.do("vm4", "list", "", ""), "a local volume is not listed elsewhere")
	require.Error(t, p.other.AddVM(esxsim.VM{ID: "vm5", Home: "ds3"}))

	// A VM with a disk there, or at home there, stays.
	p.want(place0, "vm1", "attach", "v@ds3", "")
	require.ErrorContains(t, p.Move(t.Context(), "vm1", p.other.Service), "does not reach datastore ds3 of disk v")
	require.ErrorContains(t, p.Move(t.Context(), "vm3", p.other.Service), "the vm's home")
	p.want(null, "vm1", "detach", "v@ds3", "")
	require.NoError(t, p.Move(t.Context(), "vm1", p.other.Service))
}

// TestMove: vMotion takes the disks along, and no listener hears of it.
func TestMove(t *testing.T) {
	p := newPair(t, nil)
	p.want(null, "vm1", "create", "v", "")
	p.want(place0, "vm1", "attach", "v", "")
	require.NoError(t, p.Move(t.Context(), "vm1", p.other.Service))
	require.False(t, p.Has("vm1"))
	require.Len(t, p.other.Plugged("vm1"), 1)
	require.Equal(t, "attached", p.status("v"))
	p.want(errorText("VM vm1 is not on this host"), "vm1", "get", "v", "")
	p.want(errorText("Failed to lock the file disk "+path+" already attached to VM=vm1"), "vm2", "attach", "v", "")
	p.other.want(null, "vm1", "detach", "v", "")
	p.want(place0, "vm2", "attach", "v", "")
	require.Error(t, p.Move(t.Context(), "vm1", p.other.Service), "it is there already")
	require.Error(t, p.other.Move(t.Context(), "vm1", p.other.Service))

	// What the old host executes for it meets nobody.
	for point, cmd := range map[string]string{"esx.attach.plug": "attach", "esx.detach.unplug": "detach"} {
		p := newPair(t, nil)
		p.want(null, "vm1", "create", "v", "")
		if cmd == "detach" {
			p.want(place0, "vm1", "attach", "v", "")
		}
		p.stage.before[point] = func() { require.NoError(t, p.Move(t.Context(), "vm1", p.other.Service)) }
		require.Contains(t, p.do("vm1", cmd, "v", ""), "Failed to find VM object for vm1")
		_, locked := p.store.AttachedTo("ds1", "v")
		require.Equal(t, cmd == "detach", locked)
		require.Len(t, p.other.Plugged("vm1"), map[bool]int{true: 1}[cmd == "detach"])
	}
	// During a reconfigure it does not go.
	p = newPair(t, nil)
	p.want(null, "vm1", "create", "v", "")
	p.bus.during = func() { require.ErrorContains(t, p.Move(t.Context(), "vm1", p.other.Service), "Another task") }
	p.want(place0, "vm1", "attach", "v", "")
}

// TestHostFails: nobody hears of it. The disks are free for others, the metadata is stale, and the VM starts elsewhere
// with the disks that it had, if they are to be had.
func TestHostFails(t *testing.T) {
	p := newPair(t, nil)
	p.want(null, "vm1", "create", "v", "")
	p.want(place0, "vm1", "attach", "v", "")
	ran, err := p.Fail(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"vm1", "vm2", "vm3"}, ran)
	require.Empty(t, p.Plugged("vm1"))
	require.Equal(t, "attached", p.status("v"))
	p.other.want(errorText("Failed to remove volume v, in use by VM = vm1."), "vm4", "remove", "v", "")
	p.other.want(place0, "vm4", "attach", "v", "")

	require.NoError(t, p.Move(t.Context(), "vm1", p.other.Service))
	require.ErrorIs(t, p.other.PowerOn(t.Context(), "vm1"), esxsim.ErrLocked)
	require.Empty(t, p.other.Plugged("vm1"))
	p.other.want(null, "vm4", "detach", "v", "")
	require.NoError(t, p.other.PowerOn(t.Context(), "vm1"))
	require.Len(t, p.other.Plugged("vm1"), 1)
	p.other.want(place0, "vm1", "attach", "v", "")
	p.other.want(null, "vm1", "detach", "v", "")
	p.other.want(null, "vm1", "remove", "v", "")
}

// TestSuspend: the file lock is free, the guest keeps the disk, and a disk that another VM has keeps the VM asleep.
func TestSuspend(t *testing.T) {
	p := newPair(t, nil)
	p.want(null, "vm1", "create", "v", "")
	p.want(place0, "vm1", "attach", "v", "")
	require.ErrorContains(t, p.Resume(t.Context(), "vm1"), "not in a state")
	require.NoError(t, p.Suspend(t.Context(), "vm1"))
	require.NoError(t, p.Suspend(t.Context(), "vm1"))
	require.Len(t, p.bus.vm["vm1"], 1)
	require.Equal(t, "attached", p.status("v"))
	_, locked := p.store.AttachedTo("ds1", "v")
	require.False(t, locked)
	p.want(null, "vm2", "create", "w", "")
	p.want(errorText("The attempted operation cannot be performed in the current state (Suspended)."), "vm1", "attach", "w", "")
	_, err := p.store.LockDisk(t.Context(), vol("v"), "vm4")
	require.NoError(t, err)
	require.ErrorIs(t, p.Resume(t.Context(), "vm1"), esxsim.ErrLocked)
	require.Error(t, p.PowerOn(t.Context(), "vm1"))
	require.NoError(t, p.store.UnlockDisk(t.Context(), vol("v"), "vm4"))
	require.NoError(t, p.Resume(t.Context(), "vm1"))
	p.want(place0, "vm1", "attach", "v", "")
	require.NoError(t, p.Suspend(t.Context(), "vm1"))
	require.NoError(t, p.PowerOff(t.Context(), "vm1"))
	require.Empty(t, p.bus.vm["vm1"])
	require.Equal(t, "detached", p.status("v"))
	require.ErrorContains(t, p.Suspend(t.Context(), "vm1"), "Powered off")
}

// TestListener: it connects again 2, 6, 14, 30 or 62 seconds after hostd was lost, hears what happens from then on, and
// gives up after the last.
func TestListener(t *testing.T) {
	for _, c := range []struct {
		back    int // seconds until hostd is there again
		again   int // ... and until the listener is, 0: never
		forever int // the same without the quirk
	}{{1, 2, 2}, {2, 2, 2}, {3, 6, 6}, {7, 14, 14}, {40, 62, 62}, {62, 62, 62}, {63, 0, 94}, {100, 0, 126}} {
		for _, ends := range []bool{true, false} {
			p := newPair(t, esxsim.Quirks{esxsim.ListenerEnds: ends})
			p.want(null, "vm1", "create", "v", "")
			p.want(place0, "vm1", "attach", "v", "")
			p.HostdDown()
			p.HostdDown()
			require.Contains(t, p.do("vm1", "get", "v", ""), "presently unavailable")
			*p.now = p.now.Add(time.Duration(c.back) * time.Second)
			pause, ok := p.HostdUp()
			want := c.again
			if !ends {
				want = c.forever
			}
			require.Equal(t, want > 0, ok, c)
			if ok && pause > 0 {
				require.Equal(t, time.Duration(want-c.back)*time.Second, pause)
				*p.now = p.now.Add(pause - 1)
				require.NoError(t, p.PowerOff(t.Context(), "vm1"))
				require.Equal(t, "attached", p.status("v"), "one instant earlier it does not hear")
				require.NoError(t, p.PowerOn(t.Context(), "vm1"))
				*p.now = p.now.Add(1)
			}
			require.NoError(t, p.PowerOff(t.Context(), "vm1"))
			require.Equal(t, ok, p.status("v") == "detached", c)
			if !ok { // only a restart of the service helps, and only for what comes
				p.Started()
				require.NoError(t, p.PowerOn(t.Context(), "vm1"))
				require.NoError(t, p.PowerOff(t.Context(), "vm1"))
				require.Equal(t, "detached", p.status("v"))
			}
		}
	}
}

// TestHostdIsAskedFirst: without the host agent nothing is decoded, nor answered otherwise (docs/original.md §1.4).
func TestHostdIsAskedFirst(t *testing.T) {
	p := newPair(t, esxsim.Quirks{esxsim.MismatchExecutes: true})
	p.HostdDown()
	for _, request := range []string{
		"garbage", `{"cmd":"version"}`, `{"cmd":"create","details":{"Name":"v"},"version":"1"}`, `{}`,
		`{"cmd":"get","details":{"Name":"v"},"version":"2"}`,
	} {
		require.Contains(t, p.raw("vm1", request), "presently unavailable", request)
	}
	p.HostdUp()
	require.Contains(t, p.do("vm1", "get", "v", ""), "not found", "nothing was made")
	require.True(t, p.Idle())
}

// TestFirstSnapshot: what went off while nobody listened stays as it was, unless the first snapshot counts.
func TestFirstSnapshot(t *testing.T) {
	for _, ignored := range []bool{true, false} {
		p := newPair(t, esxsim.Quirks{esxsim.FirstSnapshotIgnored: ignored})
		p.want(null, "vm1", "create", "v", "")
		p.want(place0, "vm1", "attach", "v", "")
		p.HostdDown()
		require.NoError(t, p.PowerOff(t.Context(), "vm1"))
		p.HostdUp()
		p.Resubscribe(t.Context())
		require.Equal(t, ignored, p.status("v") == "attached")
		require.NoError(t, p.PowerOn(t.Context(), "vm1"))
		require.Equal(t, ignored, len(p.Plugged("vm1")) == 1, "what is in the configuration comes back")
	}
}

// TestListenerUnchecked: a late listener takes the disks of a VM that runs again.
func TestListenerUnchecked(t *testing.T) {
	for _, unchecked := range []bool{true, false} {
		p := newPair(t, esxsim.Quirks{esxsim.ListenerUnchecked: unchecked})
		p.want(null, "vm1", "create", "v", "")
		p.want(place0, "vm1", "attach", "v", "")
		heard, err := p.CutPower(t.Context(), "vm1")
		require.NoError(t, err)
		require.True(t, heard)
		require.NoError(t, p.PowerOn(t.Context(), "vm1"))
		p.Notice(t.Context(), "vm1")
		require.Equal(t, unchecked, len(p.Plugged("vm1")) == 0)
		require.Equal(t, unchecked, p.status("v") == "detached")
	}
	// A disk of a VM that is off can be detached; its reconfiguration may fail; a VM that is gone is left alone.
	p := newPair(t, nil)
	p.want(null, "vm1", "create", "v", "")
	p.want(place0, "vm1", "attach", "v", "")
	_, err := p.CutPower(t.Context(), "vm1")
	require.NoError(t, err)
	p.stage.faults["esx.poweroff.disk"] = "fail"
	p.Notice(t.Context(), "vm1")
	require.Equal(t, "attached", p.status("v"))
	p.Notice(t.Context(), "nobody")
	p.want(null, "vm1", "detach", "v", "")
	require.Equal(t, "detached", p.status("v"))
}

func TestRename(t *testing.T) {
	for _, byName := range []bool{true, false} {
		p := newPair(t, esxsim.Quirks{esxsim.OwnerByName: byName})
		p.want(null, "vm1", "create", "v", "")
		p.want(place0, "vm1", "attach", "v", "")
		require.NoError(t, p.Rename("vm1", "web"))
		require.Error(t, p.Rename("vm1", ""))
		require.Error(t, p.Rename("nobody", "web"))
		require.Contains(t, p.do("vm2", "get", "v", ""), `"attached to VM": "web"`)
		require.NoError(t, p.PowerOff(t.Context(), "vm1"))
		require.Equal(t, byName, p.status("v") == "attached")
	}
}

// TestTornMetadata: while one host writes, a reader on another sees nothing, and a crash leaves that behind.
func TestTornMetadata(t *testing.T) {
	for _, torn := range []bool{true, false} {
		quirks := esxsim.Quirks{esxsim.TornMetadata: torn}
		p := newPair(t, quirks)
		p.want(null, "vm1", "create", "v", `{"access":"read-only"}`)
		p.stage.before["esx.meta.write"] = func() {
			require.Equal(t, torn, p.other.do("vm4", "get", "v", "") == null)
		}
		p.want(place0, "vm1", "attach", "v", "")
		require.Contains(t, p.do("vm1", "get", "v", ""), `"access": "read-only"`)
		for _, fault := range []string{"fail", "torn"} {
			p.stage.faults["esx.meta.write"] = fault
			p.want(null, "vm1", "detach", "v", "")
			_, readable := p.store.Meta("ds1", "v")
			require.Equal(t, torn, !readable)
			delete(p.stage.faults, "esx.meta.write")
			p.want(place0, "vm1", "attach", "v", "")
			require.Equal(t, torn, p.do("vm1", "get", "v", "") == null, "the options are lost for good")
		}
	}
}

// TestBusySidecar: it is tried seven times in all, with a second between, and then reads as none.
func TestBusySidecar(t *testing.T) {
	for _, c := range []struct {
		busy int
		once bool
		ok   bool
	}{{0, true, true}, {1, true, false}, {1, false, true}, {6, false, true}, {7, false, false}} {
		for _, under := range []bool{true, false} {
			left := 0
			var stage *script
			p := newPair(t, esxsim.Quirks{esxsim.BusyOnce: c.once, esxsim.BusyUnderLock: under}, func(c *esxsim.Config) {
				stage, _ = c.Stage.(*script)
				c.Stage = countdown{stage, &left}
			})
			p.want(null, "vm1", "create", "v", "")
			before := *p.now
			left = c.busy
			require.Equal(t, c.ok, p.do("vm1", "get", "v", "") != null, c)
			pauses := c.busy
			if c.once {
				pauses = 0
			}
			require.Equal(t, time.Duration(min(pauses, 6))*time.Second, p.now.Sub(before), c)
			p.want(place0, "vm1", "attach", "v", "")
			require.True(t, p.Idle())
		}
	}
}

// countdown lets the next sidecars be busy.
type countdown struct {
	*script
	left *int
}

func (c countdown) Choose(op, object string, faults ...string) int {
	if op == "esx.meta.read" && *c.left > 0 {
		*c.left--
		return 1
	}
	return c.script.Choose(op, object, faults...)
}
