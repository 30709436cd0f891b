package scenarios_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// The size of what the machine draws.
const (
	machineClients   = 3
	machineSchedules = 30 // of every program
)

// TestMachine draws what up to three containers do to two volumes, and runs it under random schedules against the
// model. There is one failure line per oracle, so that shrinking does not slip from one bug to another.
func TestMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		script := &scenarios.Script{File: "machine", Quirks: map[string]bool{}}
		if rapid.Bool().Draw(t, "given") {
			script.Volumes = []scenarios.Given{{Name: "v"}}
		}
		clients := make([][]scenarios.Op, machineClients)
		act := func(verb string) func(*rapid.T) {
			return func(t *rapid.T) {
				c := rapid.IntRange(0, machineClients-1).Draw(t, "client")
				op := scenarios.Op{
					Verb:   verb,
					Volume: rapid.SampledFrom([]string{"v", "v@ds1", "w"}).Draw(t, "volume"),
					ID:     rapid.SampledFrom([]string{"id1", "id2"}).Draw(t, "id"),
				}
				if verb == "mount" || verb == "unmount" {
					op.Opts = map[string]string{"id": op.ID}
				}
				clients[c] = append(clients[c], op)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"create": act("create"), "remove": act("remove"), "mount": act("mount"), "unmount": act("unmount"), "get": act("get"),
		})
		for i, ops := range clients {
			if len(ops) > 0 {
				script.Clients = append(script.Clients, scenarios.Client{Name: fmt.Sprintf("c%d", i+1), Ops: ops})
			}
		}
		stage, err := scenarios.NewStage(script)
		if err != nil {
			t.Fatal(err)
		}
		defer stage.Close()
		rep, err := stage.Explore(explore.Search{
			Strategy: explore.Random(rapid.Uint64().Draw(t, "seed")), Schedules: machineSchedules,
		})
		if err != nil {
			t.Fatal(err)
		}
		if !rep.Found {
			return
		}
		text := "\n" + script.WithSchedule(rep.Result.Deviations).Text() + rep.Result.Failure.Detail
		switch rep.Result.Failure.Oracle {
		case scenarios.OracleReply:
			t.Fatal(scenarios.OracleReply, text)
		case scenarios.OracleHolder:
			t.Fatal(scenarios.OracleHolder, text)
		case scenarios.OracleModel:
			t.Fatal(scenarios.OracleModel, text)
		case scenarios.OracleEnd:
			t.Fatal(scenarios.OracleEnd, text)
		case explore.DeadlockOracle:
			t.Fatal(explore.DeadlockOracle, text)
		case explore.PanicOracle:
			t.Fatal(explore.PanicOracle, text)
		default:
			t.Fatal(rep.Result.Failure.Oracle, text)
		}
	})
}
