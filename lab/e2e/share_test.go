//go:build e2e

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// onVolume requires that what a container saw at its directory (a line of box's step fs) is the volume's own file
// system, from a disk of the datastore, and not the bare directory of the host.
func onVolume(t *testing.T, line, volume, fstype, access string) {
	t.Helper()
	f := strings.Fields(line)
	require.Len(t, f, 6, "want a line of box fs: %q", line)
	require.Equal(t, []string{"fs", fstype}, f[:2], line)
	require.Equal(t, []string{access, "root=/"}, f[3:5], line)
	if fstype != "btrfs" { // it shows a device number of its own
		dev, err := os.ReadFile(filepath.Join("/sys/block", filepath.Base(f[2]), "dev"))
		require.NoError(t, err, line)
		require.Equal(t, "dev="+strings.TrimSpace(string(dev)), f[5], line)
	}
	file, err := os.ReadFile(filepath.Join("/sys/block", filepath.Base(f[2]), "loop/backing_file"))
	require.NoError(t, err, "not a disk of the lab: %s", line)
	require.Contains(t, string(file), the.store+"/", line)
	require.True(t, strings.HasPrefix(filepath.Base(string(file)), volume), "another volume's disk: %s", file)
}

// together does all at once, and returns when all are done.
func together(do ...func() error) []error {
	errs := make([]error, len(do))
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for i, f := range do {
		wg.Go(func() {
			<-gate
			errs[i] = f()
		})
	}
	close(gate)
	wg.Wait()
	return errs
}

// Two containers that start at once on one volume both get its file system, and each reads what the other writes
// (docs/original.md H4: the one that came second got the host's bare directory). They stop at once too. Afterwards the
// second Docker host reads what they wrote.
func TestTwoContainersAtOnce(t *testing.T) {
	clean(t)
	h, ctx := the.hosts[0], t.Context()
	v := newVolume(t, "shared", nil)
	h.slowly(t, 150*time.Millisecond)
	const rounds = 6
	for round := range rounds {
		mine := func(c int) string { return fmt.Sprintf("/data/%d-%d", round, c) }
		var both [2]*container
		for c := range both {
			both[c] = newContainer(t, h, plainImage, v, "/data", "fs /data",
				fmt.Sprintf("write %s from-%d", mine(c), c), "await "+mine(1-c), "hold")
		}
		for _, err := range together(
			func() error { return both[0].start(ctx) },
			func() error { return both[1].start(ctx) },
		) {
			require.NoError(t, err, "round %d", round)
		}
		for c := range both {
			lines, err := both[c].holding(ctx)
			require.NoError(t, err, "round %d", round)
			onVolume(t, lines[0], v, "ext4", "rw")
			require.Equal(t, fmt.Sprintf("read from-%d", 1-c), lines[2], "round %d", round)
		}
		for _, err := range together(
			func() error { _, err := both[0].end(ctx); return err },
			func() error { _, err := both[1].end(ctx); return err },
		) {
			require.NoError(t, err, "round %d", round)
		}
	}
	lines := run(t, the.hosts[1], v, "fs /data", fmt.Sprintf("read /data/%d-0", rounds-1), "read /data/0-1")
	require.Equal(t, []string{"read from-0", "read from-1"}, lines[1:])
	require.Equal(t, "fs ext4", lines[0][:7])
}

// A container that starts while the last user of the volume stops gets the volume's file system (docs/original.md H4b).
// The start is late by another time in each round, so that its Mount comes before, during and after the Unmount.
func TestStartDuringLastStop(t *testing.T) {
	clean(t)
	h, ctx := the.hosts[0], t.Context()
	v := newVolume(t, "relay", nil)
	runner, _ := hold(t, h, v, "write /data/0 baton")
	const (
		rounds = 12
		step   = 30 * time.Millisecond // an engine unmounts about 10 steps after the stop
	)
	fresh := 0
	for round := 1; round <= rounds; round++ {
		next := newContainer(t, h, plainImage, v, "/data", "fs /data", fmt.Sprintf("read /data/%d", round-1),
			fmt.Sprintf("write /data/%d baton", round), "hold")
		before := attachment(t)
		for _, err := range together(
			func() error { _, err := runner.end(ctx); return err },
			func() error { time.Sleep(time.Duration(round) * step); return next.start(ctx) },
		) {
			require.NoError(t, err, "round %d", round)
		}
		lines, err := next.holding(ctx)
		require.NoError(t, err, "round %d", round)
		onVolume(t, lines[0], v, "ext4", "rw")
		require.Equal(t, "read baton", lines[1], "round %d", round)
		if attachment(t) != before {
			fresh++
		}
		runner = next
	}
	_, err := runner.end(ctx)
	require.NoError(t, err)
	t.Logf("%d of %d rounds attached anew", fresh, rounds)
}

// The same without Docker, which is too slow to come close: the last reference goes and the first one comes at once. A
// Mount that was answered means that the file system is there.
func TestMountDuringLastUnmount(t *testing.T) {
	clean(t)
	h := the.hosts[0]
	v := newVolume(t, "tight", nil)
	at, err := h.mount(v, "0")
	require.NoError(t, err)
	fresh := 0
	const rounds = 60
	for round := range rounds {
		before := attachment(t)
		for _, err := range together(
			func() error { return h.unmount(v, fmt.Sprint(round)) },
			func() error {
				where, err := h.mount(v, fmt.Sprint(round+1))
				if err == nil && where != at {
					err = fmt.Errorf("it is at %s now, not at %s", where, at)
				}
				return err
			},
		) {
			require.NoError(t, err, "round %d", round)
		}
		mounts, err := h.mounts()
		require.NoError(t, err)
		require.Equal(t, []string{at}, mounts, "round %d", round)
		if attachment(t) != before {
			fresh++
		}
	}
	require.NoError(t, h.unmount(v, fmt.Sprint(rounds)))
	t.Logf("%d of %d rounds attached anew", fresh, rounds)
}

// attachment tells one attach of the only disk from the next one: the kernel numbers all disks that ever come.
func attachment(t *testing.T) string {
	t.Helper()
	loops, err := the.loops()
	require.NoError(t, err)
	require.Len(t, loops, 1)
	device, _, _ := strings.Cut(loops[0], " ")
	seq, err := os.ReadFile(filepath.Join("/sys/block", device, "diskseq"))
	require.NoError(t, err)
	return string(seq)
}

// Containers on different volumes start and stop all at once. Each new container's mount namespace begins as a copy
// with the mounts of all others, so an unmounted disk can still be held for a moment; no user notices, and in the end
// every disk is detached and every volume can be had on the other host.
func TestVolumesDoNotDisturbEachOther(t *testing.T) {
	clean(t)
	h, ctx := the.hosts[0], t.Context()
	volumes := []string{"many1", "many2", "many3"}
	for _, v := range volumes {
		newVolume(t, v, nil)
	}
	const rounds = 4
	var turns []func() error
	for _, v := range volumes {
		turns = append(turns, func() error {
			for round := range rounds {
				c, err := create(ctx, h, plainImage, v, "/data", steps("fs /data", fmt.Sprintf("write /data/%d %s", round, v)))
				if err != nil {
					return err
				}
				if err := c.start(ctx); err != nil {
					return errors.Join(err, c.remove(ctx))
				}
				lines, err := c.finish(ctx)
				if err != nil {
					return err
				}
				if !strings.HasPrefix(lines[0], "fs ext4 /dev/loop") {
					return fmt.Errorf("%s: round %d: %q", v, round, lines)
				}
			}
			return nil
		})
	}
	for _, err := range together(turns...) {
		require.NoError(t, err)
	}
	for _, v := range volumes {
		require.Equal(t, []string{"ls 0 1 2 3", "read " + v}, run(t, the.hosts[1], v, "ls /data", "read /data/3"))
	}
}

// While the volume is mounted on one host, the other host's containers are refused it, and the error names the VM that
// has it. Once it is free, the other host gets it.
func TestOneHostAtATime(t *testing.T) {
	clean(t)
	v := newVolume(t, "single", nil)
	holder, lines := hold(t, the.hosts[0], v, "write /data/a 1", "fs /data")
	onVolume(t, lines[1], v, "ext4", "rw")

	_, err := tryRun(t, the.hosts[1], v, "read /data/a")
	text, ok := refused(err)
	require.True(t, ok, "want a refusal, got %v", err)
	require.Contains(t, text, the.hosts[0].name, "the owner must be named")
	_, err = the.hosts[1].mount(v, "e2e")
	text, ok = refused(err)
	require.True(t, ok, "want a refusal, got %v", err)
	require.Contains(t, text, the.hosts[0].name)
	require.NotContains(t, text, "\n")

	_, err = holder.end(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"read 1"}, run(t, the.hosts[1], v, "read /data/a"))
}
