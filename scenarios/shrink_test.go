package scenarios_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// TestShrinkRefusesWhatPasses: what fails needs a mutant in the driver, and is shrunk in the tests of cmd/vmdksim.
func TestShrinkRefusesWhatPasses(t *testing.T) {
	for _, name := range scenarios.Names() {
		s, err := scenarios.Load(name)
		require.NoError(t, err)
		_, err = scenarios.Shrink(s, s.Schedule, explore.Options{}, 100)
		require.ErrorIs(t, err, scenarios.ErrPasses, name)
	}
}
