//go:build !vmci

package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver"
	"vmdkvol/driver/wire"
	"vmdkvol/seam"
)

// shelf is an ESX host that keeps its promises: volumes on one datastore, a slot for each attached one.
type shelf struct {
	mu      sync.Mutex
	fstype  map[string]string
	slot    map[string]int
	gets    int
	refused error
}

func short(name string) string { s, _, _ := strings.Cut(name, "@"); return s }

func (s *shelf) Create(_ context.Context, name string, opts map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fstype[short(name)] = opts["fstype"]
	return s.refused
}

func (s *shelf) Remove(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.fstype, short(name))
	return s.refused
}

func (s *shelf) Attach(_ context.Context, name string) (driver.Place, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused != nil {
		return driver.Place{}, s.refused
	}
	slot, ok := s.slot[short(name)]
	for i := 0; !ok; i++ { // the first free one
		slot, ok = i, true
		for _, other := range s.slot {
			ok = ok && other != i
		}
	}
	s.slot[short(name)] = slot
	return place(slot), nil
}

func place(slot int) driver.Place {
	return driver.Place{Unit: string(rune('0' + slot)), ControllerPciSlotNumber: "160", ControllerPciBusNumber: "-1"}
}

func (s *shelf) Detach(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused == nil {
		delete(s.slot, short(name))
	}
	return s.refused
}

func (s *shelf) Get(_ context.Context, name string) (wire.Volume, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gets++
	return wire.Volume{Datastore: "DS1", FSType: s.fstype[short(name)]}, nil
}

func (s *shelf) List(context.Context) ([]string, error) { return nil, nil }

// bench is a simulated guest before a shelf.
func bench(t *testing.T) (*shelf, driver.Backend, driver.Guest) {
	t.Helper()
	s := &shelf{fstype: make(map[string]string), slot: make(map[string]int)}
	var said output
	t.Cleanup(func() { require.Empty(t, said.String(), "the guest saw something bad") })
	m, err := simGuest().open(settings{env: seam.Real(), log: slog.New(slog.NewTextHandler(&said, nil))}, backend{}, s)
	require.NoError(t, err)
	return s, m.ops, m.guest
}

// content attaches a volume, says what its disk holds, and detaches it.
func content(t *testing.T, ops driver.Backend, g driver.Guest, name, mkfs string) string {
	t.Helper()
	at, err := ops.Attach(t.Context(), name)
	require.NoError(t, err)
	disk, err := g.Disk(t.Context(), at)
	require.NoError(t, err)
	c, err := g.Probe(t.Context(), disk)
	require.NoError(t, err)
	if mkfs != "" {
		require.NoError(t, g.Mkfs(t.Context(), disk, mkfs, ""))
	}
	require.NoError(t, ops.Detach(t.Context(), name))
	return c
}

func TestSimulatedDisksFollowTheirVolumes(t *testing.T) {
	s, ops, g := bench(t)
	require.NoError(t, ops.Create(t.Context(), "a", nil))
	require.NoError(t, ops.Create(t.Context(), "b@DS1", nil))
	require.Empty(t, content(t, ops, g, "a", "xfs"))
	require.Empty(t, content(t, ops, g, "b@DS1", "")) // in the same slot as a before
	require.Equal(t, "xfs", content(t, ops, g, "a@DS1", ""))
	require.Equal(t, "xfs", content(t, ops, g, "a@", ""))
	require.Empty(t, content(t, ops, g, "b", ""))

	asked := s.gets
	require.Equal(t, "xfs", content(t, ops, g, "a", ""))
	require.Equal(t, asked, s.gets, "a known name costs no request")

	// Removed and made again, it is another disk.
	require.NoError(t, ops.Remove(t.Context(), "a@DS1"))
	require.NoError(t, ops.Create(t.Context(), "a", nil))
	require.Empty(t, content(t, ops, g, "a", ""))
}

func TestSimulatedDiskFromBeforeThisProcessIsFormatted(t *testing.T) {
	s, ops, g := bench(t)
	s.fstype["old"], s.fstype["older"] = "btrfs", ""
	require.Equal(t, "btrfs", content(t, ops, g, "old", ""))
	require.Equal(t, "btrfs", content(t, ops, g, "old@DS1", ""))
	require.Equal(t, "ext4", content(t, ops, g, "older", ""))
}

func TestSimulatedDiskStaysWhenESXRefuses(t *testing.T) {
	s, ops, g := bench(t)
	require.NoError(t, ops.Create(t.Context(), "a", nil))
	at, err := ops.Attach(t.Context(), "a")
	require.NoError(t, err)
	again, err := ops.Attach(t.Context(), "a") // ESX answers a repeated attach with the same place
	require.NoError(t, err)
	require.Equal(t, at, again)

	s.refused = errors.New("no")
	require.Error(t, ops.Detach(t.Context(), "a"))
	require.Error(t, ops.Remove(t.Context(), "a"))
	_, err = g.Disk(t.Context(), at)
	require.NoError(t, err)

	s.refused = nil
	require.NoError(t, ops.Detach(t.Context(), "a"))
	require.NoError(t, ops.Detach(t.Context(), "a"))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = g.Disk(gone, at)
	require.Error(t, err)
}
