package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"vmdkvol/scenarios"
)

func (x *matrix) print(out io.Writer, rows []mutantRow) error {
	if x.asJSON {
		return json.NewEncoder(out).Encode(rows)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "mutant\tclass\tkilled\tschedules p50\tp95\tms p50\tp95\toracle\toperations\tdeviations\tpreemptions\tnote")
	for i := range rows {
		r := &rows[i]
		if r.Skipped != "" {
			fmt.Fprintf(w, "%s\t%s\t%s\t\t\t\t\t\t\t\t\t%s\n", r.Name, r.Class, r.verdict(), r.note())
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%.1f\t%.1f\t%s\t%d\t%d\t%d\t%s\n", r.Name, r.Class, r.verdict(),
			r.SchedulesP50, r.SchedulesP95, r.MSP50, r.MSP95, r.Oracle, r.Operations, r.Deviations, r.Preemptions, r.note())
	}
	return w.Flush()
}

func (r *mutantRow) verdict() string {
	switch {
	case r.Skipped != "":
		return "not here"
	case r.Killed:
		return "yes"
	case r.Found > 0:
		return fmt.Sprintf("%d of %d", r.Found, r.Seeds)
	case r.Equivalent != "":
		return "no"
	}
	return "SURVIVED"
}

func (r *mutantRow) note() string {
	switch {
	case r.Skipped != "":
		return r.Skipped
	case r.Equivalent != "" && r.Found > 0:
		return "found, although it is said to be: " + r.Equivalent
	}
	return r.Equivalent
}

// mutantsPage is docs/mutants.md.
func mutantsPage(rows []mutantRow, mutants []*scenarios.Mutant, x *matrix, hash string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Mutants

Each is today's source with one bug in it, most of them designs and defects that the original really had (the letters are those of
[original.md](original.md)). The explorer has to find every one. Made by `+"`make mutants`"+`; do not edit.

A row is %d searches from different seeds, of at most %d random schedules each: schedules until the failure, milliseconds until it
is found and shrunk, and the smallest counterexample. Deviations are departures from the sequential run, faults included.
The oracle `+"`"+oracleExpectation+"`"+` means that no search found anything: only the scenario under its own schedule sees that its expectations are not
met.

`+hashMark+`%s

| Mutant | Class | Killed | Schedules p50 / p95 | ms p50 / p95 | Oracle | Operations | Deviations | Preemptions | Scenario |
|---|---|---|--:|--:|---|--:|--:|--:|---|
`, x.seeds, x.schedules, hash)
	for i := range rows {
		r := &rows[i]
		if r.Skipped != "" {
			fmt.Fprintf(&b, "| %s | %s | %s | | | | | | | |\n", r.Name, r.Class, r.verdict())
			continue
		}
		oracle, smallest := r.Oracle, fmt.Sprintf("%d | %d | %d", r.Operations, r.Deviations, r.Preemptions)
		if r.Oracle == "" {
			smallest = " | | "
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %d / %d | %.1f / %.1f | %s | %s | [%s](../scenarios/%s) |\n", r.Name, r.Class, r.verdict(),
			r.SchedulesP50, r.SchedulesP95, r.MSP50, r.MSP95, oracle, smallest, strings.TrimSuffix(r.Scenario, ".scn"), r.Scenario)
	}
	b.WriteString("\n## What they are\n\n")
	for i, m := range mutants {
		fmt.Fprintf(&b, "* **[%s](../scenarios/mutants/%s.mutant)** (%s): %s\n", m.Name, m.Name, m.Source, m.Why)
		if note := rows[i].note(); note != "" {
			fmt.Fprintf(&b, "  *%s: %s.*\n", rows[i].verdict(), strings.TrimSuffix(note, "."))
		}
	}
	return b.String()
}

// matrixSources are the files that the matrix speaks of: what mutants change, and what explores them.
var matrixSources = []string{
	"driver/*.go", "driver/vmdkops/*.go", "driver/wire/*.go", "vmcisim/*.go", "esxsim/*.go", "guestsim/*.go", "dockersim/*.go",
	"scenarios/*.scn", "scenarios/mutants/*.mutant",
}
