package bench_test

import (
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"vmdkvol/scenarios"
)

// found is what this package needs of explore --json.
type found struct {
	Found     bool    `json:"found"`
	Schedules int     `json:"schedules"`
	SearchUS  float64 `json:"search_us"`
}

// BenchmarkFigurePR810 searches for the failure of PR #810 as it was merged, from 1,000 seeds, each in a process of its
// own; time is that of the search, without the start of the process and without the shrinking. A seed takes the same
// steps each time, so one that seems slow is tried again, and its best time counts.
func BenchmarkFigurePR810(b *testing.B) {
	names := []string{"pr810/found", "pr810/ms_p50", "pr810/ms_max", "pr810/schedules_p50", "pr810/schedules_max"}
	figure := wanted(b, names...)
	dir := b.TempDir()
	m, err := scenarios.LoadMutant("pr810-merged")
	must(b, err)
	module, err := filepath.Abs(root)
	must(b, err)
	overlay, err := m.Overlay(module, dir)
	must(b, err)
	bin := goBuild(b, filepath.Join(dir, "vmdksim"), overlay, "./cmd/vmdksim")
	const seeds, slowUS = 1000, 5000
	var us []float64
	var schedules []int
	for seed := 1; seed <= seeds; seed++ {
		f := explored(b, bin, m.Scenario, seed)
		for again := 1; again < best && f.SearchUS > slowUS; again++ {
			f.SearchUS = min(f.SearchUS, explored(b, bin, m.Scenario, seed).SearchUS)
		}
		if f.Found {
			us, schedules = append(us, f.SearchUS), append(schedules, f.Schedules)
		}
	}
	figure("pr810/found", float64(len(us)))
	if len(us) == 0 {
		return
	}
	figure("pr810/ms_p50", median(us)/1000)
	figure("pr810/ms_max", slices.Max(us)/1000)
	figure("pr810/schedules_p50", float64(median(schedules)))
	figure("pr810/schedules_max", float64(slices.Max(schedules)))
}

// explored runs one search; exit status 1 says that it found something.
func explored(b *testing.B, bin, scenario string, seed int) (f found) {
	b.Helper()
	cmd := exec.Command(bin, "explore", filepath.Join(root, "scenarios", scenario), "--json", "--schedules", "10000",
		"--proof", "0", "--seed", strconv.Itoa(seed), "--out", filepath.Join(filepath.Dir(bin), "found.scn"))
	out, err := cmd.Output()
	if exit := new(exec.ExitError); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		b.Fatal(err)
	}
	must(b, json.Unmarshal(out, &f))
	return f
}
