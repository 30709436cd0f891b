package bench_test

import (
	"fmt"
	"testing"

	"vmdkvol/explore"
)

// BenchmarkFigureSleepSets compares the runs that it takes to see every trace of three clients on three volumes with those
// of plain sleep sets, see explore.NewSleepSets.
func BenchmarkFigureSleepSets(b *testing.B) {
	const name, mostRuns, enough = "explore/runs_vs_sleep_sets", 400_000, 11 // enough times as many runs need no exact count
	figure := wanted(b, name)
	p := programs()[1]
	stage := p.stage(b)
	defer stage.Close()
	runs := func(search *explore.Exhaustive, most int) (n int, complete bool) {
		r := explore.NewRunner()
		defer r.Close()
		for ; search.More(); n++ {
			if n == most {
				return n, false
			}
			if res := r.Run(stage.Program, search, n, explore.Options{}); res.Failure != nil {
				b.Fatal(res.Failure)
			}
		}
		return n, true
	}
	ours, complete := runs(explore.NewExhaustive(false), mostRuns)
	if !complete {
		b.Fatalf("not complete after %d runs", mostRuns)
	}
	theirs, complete := runs(explore.NewSleepSets(), enough*ours)
	figure(name, float64(theirs)/float64(ours))
	least := ""
	if !complete {
		least = "at least "
	}
	fmt.Printf("  runs: %d, with plain sleep sets %s%d\n", ours, least, theirs)
}
