package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"vmdkvol/scenarios"
)

// mutantRow is one mutant of mutants --json. Its fields may grow and never change meaning.
type mutantRow struct {
	Name   string `json:"name"`
	Class  string `json:"class"`
	Killed bool   `json:"killed"` // from every seed
	// Of all seeds: schedules until the failure, or all that were tried; milliseconds with the shrinking.
	SchedulesP50 int     `json:"schedules_p50"`
	SchedulesP95 int     `json:"schedules_p95"`
	MSP50        float64 `json:"ms_p50"`
	MSP95        float64 `json:"ms_p95"`
	Oracle       string  `json:"oracle"` // that objected most often
	// Of the smallest counterexample.
	Operations  int    `json:"operations"`
	Deviations  int    `json:"deviations"`
	Preemptions int    `json:"preemptions"`
	Faults      int    `json:"faults"`
	Equivalent  string `json:"equivalent"` // why it survives, "" if it should not

	Scenario string `json:"scenario"`
	Seeds    int    `json:"seeds"`
	Found    int    `json:"found"`             // from so many seeds
	Skipped  string `json:"skipped,omitempty"` // why it was not explored
}

// survived reports whether the mutant lives and should not.
func (r *mutantRow) survived() bool { return r.Skipped == "" && !r.Killed && r.Equivalent == "" }

// matrix is what mutants is told.
type matrix struct {
	seeds     int
	schedules int
	asJSON    bool
	source    string
	write     string
}

// hopeless is how many searches that find nothing are enough to give a mutant up.
const hopeless = 3

// atOnce is how many mutants are built or explored at the same time.
const atOnce = 2

func newMutants() *cobra.Command {
	var x matrix
	cmd := &cobra.Command{
		Use:   "mutants [NAME|FILE.mutant]...",
		Short: "Explore every mutant and print who is killed, how fast",
		Long: "mutants builds vmdksim once with each bug in it, explores the scenario that the mutant names from several seeds, and\n" +
			"prints how many schedules and milliseconds it took to find and shrink the failure. Exit status 1 means that a mutant\n" +
			"survived which is not marked as equivalent.",
		Example: "  vmdksim mutants\n" +
			"  vmdksim mutants --json --seeds 5 pr810-merged\n" +
			"  vmdksim mutants --write docs/mutants.md",
		RunE: func(cmd *cobra.Command, args []string) error { return x.run(cmd, args) },
	}
	f := cmd.Flags()
	f.IntVar(&x.seeds, "seeds", 20, "searches for each mutant")
	f.IntVar(&x.schedules, "schedules", 20_000, "try at most so many in each search")
	f.BoolVar(&x.asJSON, "json", false, "print one JSON array instead of a table")
	f.StringVar(&x.source, "source", "", "the source of vmdkvol (default: found from the current directory)")
	f.StringVar(&x.write, "write", "", "also write the table of all mutants as Markdown, with the hash of the sources that it speaks of")
	return cmd
}

func (x *matrix) run(cmd *cobra.Command, names []string) error {
	ctx := cmd.Context()
	switch {
	case x.seeds < 1 || x.schedules < 1:
		return badInput(errors.New("--seeds and --schedules must be at least 1"))
	case x.write != "" && len(names) > 0:
		return badInput(errors.New("--write is for the table of all mutants: name none"))
	}
	mutants, err := chosenMutants(names)
	if err != nil {
		return badInput(err)
	}
	if x.source == "" {
		if x.source, err = moduleRoot(ctx); err != nil {
			return err
		}
	}
	hash, err := sourceHash(x.source, matrixSources) // before the builds: if somebody edits meanwhile, it is stale
	if err != nil {
		return badInput(err)
	}
	if err := fit(mutants, x.source); err != nil {
		return badInput(err)
	}
	rows, err := x.explore(ctx, mutants, progressTo(cmd.ErrOrStderr()))
	if len(rows) > 0 {
		if err := x.print(cmd.OutOrStdout(), rows); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if x.write != "" {
		if err := os.WriteFile(x.write, []byte(mutantsPage(rows, mutants, x, hash)), 0o644); err != nil { //nolint:gosec // a page to read
			return badInput(err)
		}
	}
	if slices.ContainsFunc(rows, func(r mutantRow) bool { return r.survived() }) {
		return errFound
	}
	return nil
}

// chosenMutants loads the named mutants, or all.
func chosenMutants(names []string) ([]*scenarios.Mutant, error) {
	if len(names) == 0 {
		names = scenarios.MutantNames()
	}
	var mutants []*scenarios.Mutant
	for _, name := range names {
		m, err := loadMutant(name)
		if err != nil {
			return nil, err
		}
		mutants = append(mutants, m)
	}
	return mutants, nil
}

// loadMutant takes the name of a mutant of this repository, or of a file.
func loadMutant(name string) (*scenarios.Mutant, error) {
	if filepath.Ext(name) != ".mutant" {
		return scenarios.LoadMutant(name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return scenarios.ParseMutant(strings.TrimSuffix(filepath.Base(name), ".mutant"), string(text))
}

// fit makes sure that every mutant has its place in the source, before the long work begins.
func fit(mutants []*scenarios.Mutant, source string) error {
	dir, err := os.MkdirTemp("", "vmdksim-mutants-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var errs []error
	for _, m := range mutants {
		_, err := m.Overlay(source, dir)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// explore returns the rows of all mutants in their order, or of those that were done when ctx ended.
func (x *matrix) explore(ctx context.Context, mutants []*scenarios.Mutant, progress func(string)) ([]mutantRow, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		i   int
		row mutantRow
		err error
	}
	next := make(chan int)
	answers := make(chan answer)
	for range atOnce {
		go func() {
			for i := range next {
				row, err := x.one(ctx, mutants[i])
				answers <- answer{i, row, err}
			}
		}()
	}
	go func() {
		for i := range mutants {
			next <- i // those that ctx has ended fail at once
		}
		close(next)
	}()
	done := make([]*mutantRow, len(mutants))
	var failed error
	for n := range mutants {
		a := <-answers
		if a.err == nil {
			done[a.i] = &a.row
		} else if failed == nil {
			failed = a.err
			cancel()
		}
		progress(fmt.Sprintf("%d of %d mutants, last %s", n+1, len(mutants), mutants[a.i].Name))
	}
	progress("")
	var rows []mutantRow
	for _, r := range done {
		if r != nil {
			rows = append(rows, *r)
		}
	}
	return rows, failed
}

// one builds a mutant and explores it from every seed.
func (x *matrix) one(ctx context.Context, m *scenarios.Mutant) (mutantRow, error) {
	r := mutantRow{Name: m.Name, Class: m.Class, Equivalent: m.Equivalent, Scenario: m.Scenario, Seeds: x.seeds}
	if m.Test != "" {
		r.Seeds, r.Skipped = 0, "only the race detector sees it: make race, "+m.Test
		return r, nil
	}
	if m.Scenario == "" {
		return r, badInput(fmt.Errorf("mutant %s names no scenario", m.Name))
	}
	bin, clean, err := overlaid(ctx, m, x.source)
	if err != nil {
		return r, err
	}
	defer clean()
	scenario := filepath.Join(x.source, "scenarios", m.Scenario)
	var reports []explored
	for seed := 1; seed <= x.seeds; seed++ {
		rep, err := exploreIn(ctx, bin, scenario, seed, x.schedules)
		if err != nil {
			return r, badInput(fmt.Errorf("mutant %s, seed %d: %w", m.Name, seed, err))
		}
		reports = append(reports, rep)
		if seed == hopeless && !slices.ContainsFunc(reports, func(e explored) bool { return e.Found }) {
			r.Seeds = seed
			break
		}
	}
	r.sum(reports)
	if r.Found > 0 {
		return r, nil
	}
	if err := r.replay(ctx, bin, scenario); err != nil {
		return r, badInput(fmt.Errorf("mutant %s: %w", m.Name, err))
	}
	return r, nil
}

// oracleExpectation stands for the expectations of a scenario, which only its own schedule meets: no oracle that watches every
// schedule sees what is wrong.
const oracleExpectation = "expectation"

// replay runs the scenario under its own schedule.
func (r *mutantRow) replay(ctx context.Context, bin, scenario string) error {
	out, code, err := runIn(ctx, bin, "run", "--json", scenario)
	if err != nil || code != exitFound {
		return err
	}
	var reports []replayed
	if err := json.Unmarshal(out, &reports); err != nil {
		return err
	}
	script, err := parseFile(scenario)
	if err != nil {
		return err
	}
	r.Killed, r.Oracle = true, oracleExpectation
	if o := reports[0].Oracle; o != "" {
		r.Oracle = o
	}
	for _, c := range script.Clients {
		r.Operations += len(c.Ops)
	}
	for _, d := range script.Schedule {
		r.Deviations++
		if d.Preemption() {
			r.Preemptions++
		}
		if d.Costs() {
			r.Faults++
		}
	}
	return nil
}

// exploreIn runs one search in a mutant, so that starting the process is not counted.
func exploreIn(ctx context.Context, bin, scenario string, seed, schedules int) (rep explored, err error) {
	out, _, err := runIn(ctx, bin, "explore", scenario, "--json", "--seed", strconv.Itoa(seed),
		"--schedules", strconv.Itoa(schedules), "--out", filepath.Join(filepath.Dir(bin), "found.scn"))
	if err != nil {
		return rep, err
	}
	return rep, json.Unmarshal(out, &rep)
}

// runIn runs a mutant; it is no error that it finds something.
func runIn(ctx context.Context, bin string, args ...string) (out []byte, code int, err error) {
	var stdout, stderr bytes.Buffer
	c := exec.CommandContext(ctx, bin, args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	err = c.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return stdout.Bytes(), exitFine, nil
	case errors.As(err, &exit) && exit.ExitCode() == exitFound:
		return stdout.Bytes(), exitFound, nil
	}
	return nil, 0, fmt.Errorf("%s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
}

// sum fills the row from the reports of all seeds.
func (r *mutantRow) sum(reports []explored) {
	var schedules []int
	var us []int64
	oracles := map[string]int{}
	var best *explored
	for i := range reports {
		rep := &reports[i]
		schedules, us = append(schedules, rep.Schedules), append(us, rep.ElapsedUS)
		if !rep.Found {
			continue
		}
		r.Found++
		oracles[rep.Oracle]++
		if n := oracles[rep.Oracle]; n > oracles[r.Oracle] || n == oracles[r.Oracle] && rep.Oracle < r.Oracle {
			r.Oracle = rep.Oracle
		}
		if best == nil || slices.Compare(size(rep), size(best)) < 0 {
			best = rep
		}
	}
	r.Killed = r.Found == len(reports)
	r.SchedulesP50, r.SchedulesP95 = percentile(schedules, 50), percentile(schedules, 95)
	r.MSP50, r.MSP95 = float64(percentile(us, 50))/1000, float64(percentile(us, 95))/1000
	if best != nil {
		r.Operations, r.Deviations, r.Preemptions, r.Faults = best.Operations, best.Deviations, best.Preemptions, best.Faults
	}
}

// size orders counterexamples.
func size(e *explored) []int { return []int{e.Operations, e.Deviations, e.Preemptions} }

// percentile is the nearest rank; it sorts its argument.
func percentile[T int | int64](of []T, p int) T {
	slices.Sort(of)
	return of[max(0, (len(of)*p+99)/100-1)]
}

// progressTo shows one line of progress on a terminal, and nothing elsewhere; the empty line takes it away.
func progressTo(w io.Writer) func(string) {
	f, ok := w.(*os.File)
	if !ok {
		return func(string) {}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func(string) {}
	}
	return func(line string) { fmt.Fprint(w, "\r\x1b[K"+line) }
}
