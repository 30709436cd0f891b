package main

import (
	"fmt"
	"strings"
)

// determinismSources are the files on which the outcome of a run depends.
var determinismSources = append([]string{"explore/*.go", "model/*.go", "scenarios/*.go", "seam/*.go"}, matrixSources...)

// determinismPage is docs/determinism.md.
func determinismPage(d *determined, hash string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Determinism

The same program under the same schedule does the same, in every process; otherwise no scenario could be replayed. And the
race detector, which needs real goroutines, sees the same steps as every search. Made by `+"`make determinism`"+`; do not edit.

`+hashMark+`%s

## Random programs, twice

Programs of up to four clients on up to two VMs, with up to two faults, crashes, power losses and quirks, each under a random
schedule: in new memory, and again in what the first run left. A second process, with another number of processors, does
the same. The hash is over all events of all programs in their order.

| Programs | Runs | Steps | Programs whose runs differ | Hash | Hash of the second process |
|--:|--:|--:|--:|---|---|
| %d | %d | %d | %d | %s | %s |

## Settings of the runtime

| Backend | GOMAXPROCS | GOGC | Programs | Programs whose runs differ | Hash |
|---|--:|--:|--:|--:|---|
`, hash, d.Programs, d.Runs, d.Steps, d.Differing, d.Hash, d.Second)
	for _, g := range d.Guard {
		gc := fmt.Sprint(g.GC)
		if g.GC < 0 {
			gc = "off"
		}
		fmt.Fprintf(&b, "| %s | %d | %s | %d | %d | %s |\n", g.Backend, g.Processors, gc, g.Programs, g.Differing, g.Hash)
	}
	fmt.Fprintf(&b, "\nAll of this took %.1f s.\n", float64(d.ElapsedMS)/1000)
	r := d.Races
	fmt.Fprintf(&b, `
## Data races

Of %d mutants that open a data race, the race detector reports %d with the right line within %d schedules (%.0f s, most of it for
building). Of today's driver, %d schedules of all scenarios gave %d reports (%.0f s).
`, r.Seeded, r.Reported, seededSchedules, float64(r.SeededMS)/1000, r.Schedules, r.Reports, float64(r.ElapsedMS)/1000)
	return b.String()
}
