package dockersim_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/dockersim"
	"vmdkvol/seam"
)

// stage lets something happen before a step, and a question fail.
type stage struct {
	before map[string]func() // by op
	fault  int
}

func (s *stage) Before(op, _ string) {
	if f := s.before[op]; f != nil {
		f()
	}
}

func (s *stage) Choose(string, string, ...string) int { return s.fault }

func list(t *testing.T, d *dockersim.Daemon) []dockersim.Container {
	t.Helper()
	all, err := d.Containers(t.Context(), seam.Real())
	require.NoError(t, err)
	return all
}

func one(id string, running bool, volumes ...string) []dockersim.Container {
	return []dockersim.Container{{ID: "container " + id, Running: running, Volumes: volumes}}
}

// TestAContainerIsShownLate: what Docker does is in its list one step after the plugin's answer.
func TestAContainerIsShownLate(t *testing.T) {
	s := &stage{before: map[string]func(){}}
	d := dockersim.New(dockersim.Config{Env: seam.Real(), Stage: s, Host: "vm1"})
	d.Asks("web", "data")
	require.Equal(t, one("web of data", false, "data"), list(t, d))
	seen := 0
	s.before["docker.started"] = func() {
		seen++
		require.Equal(t, one("web of data", false, "data"), list(t, d))
	}
	d.Mounted("web", "data")
	require.Equal(t, one("web of data", true, "data"), list(t, d))
	delete(s.before, "docker.started")
	d.Mounted("web", "data@ds1") // docker cp: the same ID again, and another name
	require.Equal(t, one("web of data", true, "data", "data@ds1"), list(t, d))
	s.before["docker.ended"] = func() {
		seen++
		require.Equal(t, one("web of data", true, "data", "data@ds1"), list(t, d))
	}
	d.Unmounted("web", "data")
	require.Equal(t, one("web of data", true, "data", "data@ds1"), list(t, d), "one of two")
	d.Unmounted("web", "data")
	require.Equal(t, one("web of data", false, "data", "data@ds1"), list(t, d))
	d.Unmounted("nobody", "data")
	require.Len(t, list(t, d), 1)
	require.Equal(t, 3, seen)
}

func TestPowerOffEndsContainers(t *testing.T) {
	d := dockersim.New(dockersim.Config{Env: seam.Real(), Stage: &stage{}, Host: "vm1"})
	d.Mounted("web", "data")
	d.PowerOff()
	require.Equal(t, one("web of data", false, "data"), list(t, d))
}

// TestFaults: a refused question has an error, and one that hangs ends with its context.
func TestFaults(t *testing.T) {
	s := &stage{fault: 1}
	d := dockersim.New(dockersim.Config{Env: seam.Real(), Stage: s, Host: "vm1"})
	_, err := d.Containers(t.Context(), seam.Real())
	require.ErrorContains(t, err, "refused")
	s.fault = 2
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = d.Containers(ctx, seam.Real())
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, []string{"docker.ps:refused", "docker.ps:hang"}, dockersim.Faults())
}
