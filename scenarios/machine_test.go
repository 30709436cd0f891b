package scenarios_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"vmdkvol/explore"
	"vmdkvol/guestsim"
	"vmdkvol/scenarios"
)

// The size of what the machine does. Both bounds are numbers and not times, so that a program fails here and everywhere
// or not at all.
const (
	machineSchedules = 25 // of every program
	machineProof     = 20_000
)

// TestMachine draws volumes, a fault budget and what containers do, and searches the schedules of that for one that an
// oracle objects to. What it finds is shrunk and written to a file.
//
// What today's driver is known not to survive is left out. Nothing ends a plugin's life: without recovery its next life may
// wait for ever for the mounts of the last one, and a request of the last one may arrive late; TestNoFalseAlarms has such
// lives, written by hand. With two faults a detach may arrive so late, too. With a fault, an Unmount under another name than
// the Mount had may be lost. On two hosts, a Remove and a failing Create can cost a third Create its volume.
func TestMachine(t *testing.T) {
	var verbs []string
	for _, v := range scenarios.Verbs() {
		if v.Group == "docker" || v.Group == "guest" || v.Group == "time" {
			verbs = append(verbs, v.Name)
		}
	}
	t.Run("faults", func(t *testing.T) {
		machine(t, scenarios.Grammar{Clients: 3, Faults: 1, Verbs: verbs})
	})
	t.Run("names", func(t *testing.T) {
		machine(t, scenarios.Grammar{Clients: 3, Aliases: true, Verbs: verbs})
	})
	t.Run("hosts", func(t *testing.T) {
		unsafe := func(verb string) bool { return verb == "remove" }
		machine(t, scenarios.Grammar{Clients: 3, VMs: 2, Faults: 1, Verbs: slices.DeleteFunc(verbs, unsafe)})
	})
}

func machine(t *testing.T, g scenarios.Grammar) {
	var found catch
	t.Cleanup(func() { found.write(t) })
	rapid.Check(t, func(t *rapid.T) {
		d := scenarios.NewDraft("machine", g, func(label string, n int) int {
			return rapid.IntRange(0, n-1).Draw(t, label)
		})
		acts := map[string]func(*rapid.T){}
		for _, verb := range d.Verbs() {
			acts[verb] = func(*rapid.T) { d.Act(verb) }
		}
		t.Repeat(acts)
		script := d.Script()
		if script == nil {
			return
		}
		stage, err := scenarios.NewStage(script)
		if err != nil {
			t.Fatal(err)
		}
		defer stage.Close()
		rep, err := stage.Search(explore.Search{Strategy: explore.NewPortfolio(1), Schedules: machineSchedules})
		if err != nil {
			t.Fatal(err)
		}
		if rep.Found {
			found = catch{script, rep.Result}
			objects(t, rep.Result.Failure)
		}
	})
}

// objects fails the test, on a line of its own for each oracle: rapid takes two failures for the same if they come from
// the same line with the same text, and would slip from one bug to another otherwise.
func objects(t *rapid.T, f *explore.Failure) {
	switch f.Oracle {
	case scenarios.OracleReply:
		t.Fatal(scenarios.OracleReply)
	case scenarios.OracleHolder:
		t.Fatal(scenarios.OracleHolder)
	case scenarios.OracleModel:
		t.Fatal(scenarios.OracleModel)
	case scenarios.OracleEnd:
		t.Fatal(scenarios.OracleEnd)
	case scenarios.OraclePending:
		t.Fatal(scenarios.OraclePending)
	case guestsim.OracleMkfsOnData:
		t.Fatal(guestsim.OracleMkfsOnData)
	case guestsim.OracleMkfsOnMounted:
		t.Fatal(guestsim.OracleMkfsOnMounted)
	case guestsim.OracleSurpriseRemoval:
		t.Fatal(guestsim.OracleSurpriseRemoval)
	case guestsim.OracleMountOverMount:
		t.Fatal(guestsim.OracleMountOverMount)
	case guestsim.OracleModes:
		t.Fatal(guestsim.OracleModes)
	case guestsim.OracleTwoGuests:
		t.Fatal(guestsim.OracleTwoGuests)
	case explore.DeadlockOracle:
		t.Fatal(explore.DeadlockOracle)
	case explore.LivelockOracle:
		t.Fatal(explore.LivelockOracle)
	case explore.PanicOracle:
		t.Fatal(explore.PanicOracle)
	case explore.NondeterminismOracle:
		t.Fatal(explore.NondeterminismOracle)
	default:
		t.Fatal("an oracle that this test does not know: ", f.Oracle)
	}
}

// catch is what a property found last, which is the smallest that rapid came to.
type catch struct {
	script *scenarios.Script
	result explore.Result
}

// foundDir is where counterexamples go, if the environment does not name another directory; git ignores it.
const foundDir = "found"

const foundDirVariable = "VMDKVOL_FOUND"

// write makes the counterexample canonical, puts it into a file and says how to replay it.
func (c *catch) write(t *testing.T) {
	if c.script == nil {
		return
	}
	small, err := scenarios.Shrink(c.script, c.result.Deviations, explore.Options{}, machineProof)
	if err != nil { // a schedule that fails only sometimes, say
		t.Errorf("%s, but shrinking says: %v\n%s", c.result.Failure.Oracle, err, c.script.WithSchedule(c.result.Deviations).Text())
		return
	}
	dir := os.Getenv(foundDirVariable)
	if dir == "" {
		dir = foundDir
	}
	f := small.Result.Failure
	detail, _, _ := strings.Cut(f.Detail, "\n")
	file := filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+"-"+f.Oracle+".scn")
	text := small.Script.Text("found by go test -run "+t.Name()+"; "+f.Oracle+": "+detail,
		fmt.Sprintf("deviations: %d, proved to be the fewest: %t", len(small.Script.Schedule), small.Minimized.Proved))
	require.NoError(t, os.MkdirAll(dir, 0o755))                 //nolint:gosec // a file to read
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644)) //nolint:gosec // a file to read
	file, err = filepath.Abs(file)
	require.NoError(t, err)
	t.Logf("%s; shrunk, and written to a file:\n%s\nreplay it with: go run ./cmd/vmdksim run --table %s", f.Oracle, text, file)
}
