package scenarios_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// TestSmallScopesAreProved: everything that two clients can do with one operation each, and one client with two operations
// and one fault anywhere.
func TestSmallScopesAreProved(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	for _, scope := range []scenarios.Scope{{Clients: 2, Ops: 1}, {Clients: 1, Ops: 2, Faults: 1}} {
		for p := range scope.Programs() {
			proof, err := scenarios.Prove(t.Context(), r, p, explore.Options{}, scenarios.Effort{Runs: 1_000_000, Audit: 100})
			require.NoError(t, err)
			require.Nil(t, proof.Failing, "%+v", proof.Failure)
			require.True(t, proof.Complete)
			require.Positive(t, proof.Traces)
		}
	}
}

// TestProgramsAreAllThereOnce counts the programs of two clients with one operation each by hand: of all ordered pairs and
// beginnings, those that a change of the clients, or of the IDs where the beginning allows it, does not make equal.
func TestProgramsAreAllThereOnce(t *testing.T) {
	ops := []string{"create v", "remove v", "mount v id=id1", "mount v id=id2", "unmount v id=id1", "unmount v id=id2", "get v"}
	rename := strings.NewReplacer("id1", "id2", "id2", "id1")
	want := map[string]bool{}
	for beginning := range 4 {
		for _, a := range ops {
			for _, b := range ops {
				same := []string{a + "|" + b, b + "|" + a}
				if beginning != 2 { // mounted once, with id1
					same = append(same, rename.Replace(same[0]), rename.Replace(same[1]))
				}
				want[strconv.Itoa(beginning)+slices.Min(same)] = true
			}
		}
	}
	n := 0
	for range (scenarios.Scope{Clients: 2, Ops: 1}).Programs() {
		n++
	}
	require.Equal(t, len(want), n)
	require.Equal(t, n, scenarios.Scope{Clients: 2, Ops: 1}.Size())
}

// TestAProofIsBounded: what was not explored to its end is not proved.
func TestAProofIsBounded(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	for p := range (scenarios.Scope{Clients: 2, Ops: 1}).Programs() {
		proof, err := scenarios.Prove(t.Context(), r, p, explore.Options{}, scenarios.Effort{Runs: 1, Audit: 1})
		require.NoError(t, err)
		require.Equal(t, 1, proof.Traces)
		require.Less(t, proof.Runs, 10, "one trace, in its orders")
	}
}
