package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
)

// determined is determinism --json. Its fields may grow and never change meaning.
type determined struct {
	OK        bool    `json:"ok"` // no hash differs from another that should be the same, and no race is missing
	Seed      uint64  `json:"seed"`
	Programs  int     `json:"programs"`
	Runs      int     `json:"runs"` // of this process
	Steps     int     `json:"steps"`
	Differing int     `json:"differing"` // programs whose two runs gave different events
	First     string  `json:"first,omitempty"`
	Objected  int     `json:"objected"` // programs to which an oracle objected, which is no matter here
	Hash      string  `json:"hash"`     // of all programs, in their order
	Second    string  `json:"second,omitempty"`
	ElapsedMS int64   `json:"elapsed_ms"`
	Guard     []guard `json:"guard,omitempty"`
	Races     *races  `json:"races,omitempty"`
}

// determination is what determinism is told.
type determination struct {
	programs int
	guarded  int
	seed     uint64
	jobs     int
	alone    bool
	races    int
	asJSON   bool
	source   string
	write    string
}

func newDeterminism() *cobra.Command {
	var x determination
	cmd := &cobra.Command{
		Use:   "determinism",
		Short: "Run random programs twice, here and in a second process, and compare",
		Long: "determinism draws PROGRAMS random programs with everything in them that the language has, and runs each twice under a\n" +
			"random schedule: once in new memory and once in what the first run left. A second process does the same with other\n" +
			"settings of the Go runtime. Then GUARDED programs run on coroutines and on goroutines, with 1 and 2 processors and\n" +
			"with a collector that always or never runs. Exit status 1 means that some hash of events differs. With --races, the\n" +
			"seeded data races are looked for, and RACES schedules of the scenarios run under the race detector.",
		Example: "  vmdksim determinism\n" +
			"  vmdksim determinism --programs 20000 --seed 7 --json\n" +
			"  vmdksim determinism --races 100000 --write docs/determinism.md",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return x.run(cmd) },
	}
	f := cmd.Flags()
	f.IntVar(&x.programs, "programs", 100_000, "random programs to run twice")
	f.IntVar(&x.guarded, "guarded", 1000, "random programs to run under every setting of the runtime")
	f.Uint64Var(&x.seed, "seed", 1, "of the programs and their schedules")
	f.IntVarP(&x.jobs, "jobs", "j", runtime.NumCPU(), "programs that run at once; no hash depends on it")
	f.BoolVar(&x.alone, "alone", false, "start no second process")
	f.IntVar(&x.races, "races", 0, "also look for the seeded races, and run so many schedules under the race detector")
	f.BoolVar(&x.asJSON, "json", false, "print one JSON object instead of text")
	f.StringVar(&x.source, "source", "", "the source of vmdkvol, for --races and --write (default: found from the current directory)")
	f.StringVar(&x.write, "write", "", "also write a page of Markdown, with the hash of the sources that it speaks of; needs --races")
	return cmd
}

func (x *determination) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	switch {
	case x.programs < 0 || x.guarded < 0 || x.races < 0 || x.jobs < 1:
		return badInput(errors.New("determinism needs at least one job, and not less than no programs and races"))
	case x.write != "" && (x.races == 0 || x.alone):
		return badInput(errors.New("--write is for the whole of it: give --races, and not --alone"))
	}
	var hash string
	if x.races > 0 || x.write != "" {
		var err error
		if x.source == "" {
			if x.source, err = moduleRoot(ctx); err != nil {
				return err
			}
		}
		if hash, err = sourceHash(x.source, determinismSources); err != nil { // before all work, as in mutants
			return badInput(err)
		}
	}
	progress := progressTo(cmd.ErrOrStderr())
	d, err := x.determine(ctx, progress)
	progress("")
	if err != nil {
		return err
	}
	if x.asJSON {
		err = json.NewEncoder(cmd.OutOrStdout()).Encode(d)
	} else {
		err = d.tell(cmd.OutOrStdout())
	}
	if err != nil {
		return err
	}
	if x.write != "" {
		if err := os.WriteFile(x.write, []byte(determinismPage(d, hash)), 0o644); err != nil { //nolint:gosec // a page to read
			return badInput(err)
		}
	}
	if !d.OK {
		return errFound
	}
	return nil
}

func (x *determination) determine(ctx context.Context, progress func(string)) (*determined, error) {
	start := time.Now()
	d, err := x.twice(ctx, progress)
	if err != nil {
		return nil, err
	}
	d.OK = d.Differing == 0
	if !x.alone && x.programs > 0 {
		progress("the same in a second process")
		if d.Second, err = x.elsewhere(ctx); err != nil {
			return nil, err
		}
		d.OK = d.OK && d.Second == d.Hash
	}
	if x.guarded > 0 {
		if d.Guard, err = x.guard(ctx, progress); err != nil {
			return nil, err
		}
		for _, g := range d.Guard {
			d.OK = d.OK && g.Hash == d.Guard[0].Hash && g.Differing == 0
		}
	}
	d.ElapsedMS = time.Since(start).Milliseconds()
	if x.races > 0 {
		if d.Races, err = lookForRaces(ctx, x.source, x.races, progress); err != nil {
			return nil, err
		}
		d.OK = d.OK && d.Races.ok()
	}
	return d, nil
}

func (d *determined) tell(out io.Writer) error {
	verdict := "no hash differs"
	if !d.OK {
		verdict = "FAILED"
	}
	fmt.Fprintf(out, "%s\n\n  programs      %d of seed %d, %d runs, %d steps; differing: %d\n  hash          %s\n",
		verdict, d.Programs, d.Seed, d.Runs, d.Steps, d.Differing, d.Hash)
	if d.Second != "" {
		fmt.Fprintf(out, "  elsewhere     %s\n", d.Second)
	}
	for _, g := range d.Guard {
		fmt.Fprintf(out, "  %s  %s, differing: %d\n", g.Hash, g.settings(), g.Differing)
	}
	fmt.Fprintf(out, "  time          %.1f s\n", float64(d.ElapsedMS)/1000)
	if r := d.Races; r != nil {
		fmt.Fprintf(out, "  seeded races  %d of %d reported with their lines\n", r.Reported, r.Seeded)
		fmt.Fprintf(out, "  under -race   %d schedules, %d reports, %.1f s\n", r.Schedules, r.Reports, float64(r.ElapsedMS)/1000)
		for _, m := range r.Missing {
			fmt.Fprintf(out, "\n%s\n", m)
		}
	}
	if d.First != "" {
		fmt.Fprintf(out, "\nthe first program that differs:\n\n%s", d.First)
	}
	return nil
}
