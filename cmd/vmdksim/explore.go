package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// exploration is what explore is told.
type exploration struct {
	strategy  string
	seed      uint64
	schedules int
	budget    time.Duration
	faults    int
	locks     string
	jobs      int
	shard     string
	from      string
	proof     int
	out       string
	asJSON    bool
	watchdog  *explore.Watchdog
}

// defaultSchedules bounds an exploration that nothing else bounds, defaultProof a proof.
const (
	defaultSchedules = 100_000
	defaultProof     = 100_000
)

func newExplore() *cobra.Command {
	var x exploration
	var mutant, source, program string
	cmd := &cobra.Command{
		Use:   "explore FILE | --program TEXT",
		Short: "Search the schedules of a scenario for one that fails",
		Long: "explore runs what FILE starts under many schedules until an oracle objects. Then it takes away what the failure does\n" +
			"not need, clients and operations as well as deviations, proves that no schedule with fewer deviations fails, shows\n" +
			"the run as a table and writes it as a scenario file. The file's own schedule and expectations play no part.\n" +
			"Failing or not, it says how sure one can be. Exit status 1 means found.\n\n" +
			"Strategies:\n" +
			"  portfolio  a mixture of those below; the default\n" +
			"  random     any task that can go on\n" +
			"  pct:D      finds bugs of depth D with a known probability\n" +
			"  pos        samples partial orders: conflicting steps in random order\n" +
			"  delay:D    the default schedule with D random delays\n" +
			"  idb:B      every schedule with 0 deviations, then 1, ... up to B; without B until all are done\n" +
			"  dfs        one schedule of every trace, which is a proof if it ends\n" +
			"  default    the sequential schedule, once\n\n" +
			"How many jobs there are changes the speed, not what is found; dfs has but one.\n\n" +
			"Instead of FILE, --program takes what would be in it: clients, separated by |, each CLIENT[@VM]: OP; OP, and parts that\n" +
			"begin with \"given\". A volume that some client uses, no client creates and no given names, exists.",
		Example: "  vmdksim explore scenarios/mount-two-containers.scn\n" +
			"  vmdksim explore scenarios/mount-two-containers.scn --mutant pr810-merged --seed 7 --out found.scn\n" +
			"  vmdksim explore scenarios/attach-storm.scn --budget 30s -j 2\n" +
			"  vmdksim explore scenarios/mount-fails.scn --strategy idb:2 --faults 1 --shard 1/4 --json\n" +
			"  vmdksim explore --program 'c1: mount data; unmount data | c2: remove data'",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := x.check(cmd); err != nil {
				return badInput(err)
			}
			if mutant != "" {
				return uninterrupted(cmd.Context(), rerun(cmd, mutant, source))
			}
			script, err := given(args, program)
			if err != nil {
				return err
			}
			if err := lockModel(x.locks, script); err != nil {
				return err
			}
			return watched(cmd, func(w *explore.Watchdog) error {
				x.watchdog = w
				return x.explore(cmd, script)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&program, "program", "", "explore this program instead of a FILE: 'c1: OP; OP | c2: OP'")
	f.StringVar(&x.strategy, "strategy", "portfolio", "how to choose schedules: "+strings.Join(explore.StrategyNames(), ", "))
	f.Uint64Var(&x.seed, "seed", 1, "of the random schedules")
	f.IntVar(&x.schedules, "schedules", defaultSchedules, "try at most so many; with --budget, no limit unless given")
	f.DurationVar(&x.budget, "budget", 0, "stop after this time, such as 30s, the shrinking included (default: none)")
	f.IntVar(&x.faults, "faults", 0, "faults that one run may have (default: what FILE says)")
	f.StringVar(&x.locks, "locks", "", "how locks are handed on: barging, or go as sync.Mutex does (default: what FILE says)")
	f.IntVarP(&x.jobs, "jobs", "j", 1, "schedules run at the same time")
	f.StringVar(&x.shard, "shard", "1/1", "the i-th of n parts of the schedules: i/n")
	f.StringVar(&x.from, "from", "", "where an earlier --strategy idb stopped")
	f.IntVar(&x.proof, "proof", defaultProof, "schedules that may be spent on proving that the deviations are as few as can be")
	f.StringVar(&x.out, "out", "", "write the failing scenario here (default: found-FILE in the current directory)")
	f.BoolVar(&x.asJSON, "json", false, "print one JSON object instead of text")
	mutantFlags(cmd, &mutant, &source)
	return cmd
}

// uninterrupted takes away the error of a program that Ctrl-C ended and that had nothing to report.
func uninterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

func (x *exploration) check(cmd *cobra.Command) error {
	if x.budget > 0 && !cmd.Flags().Changed("schedules") {
		x.schedules = math.MaxInt / 2
	}
	shard, shards, err := parseShard(x.shard)
	if err != nil {
		return err
	}
	switch {
	case x.schedules < 1:
		return errors.New("--schedules must be at least 1")
	case cmd.Flags().Changed("budget") && x.budget == 0:
		return errors.New("--budget 0s leaves no time; without --budget, --schedules alone counts")
	case x.budget < 0 || x.faults < 0 || x.proof < 0:
		return errors.New("--budget, --faults and --proof must not be negative")
	}
	if err := cmp.Or(checkJobs(x.jobs), writable(x.out)); err != nil {
		return err
	}
	_, err = explore.NewStrategy(x.strategy, x.seed, shard, shards)
	return err
}

// writable reports early whether what a long search may find can be written.
func writable(name string) error {
	if name == "" {
		return nil
	}
	if at, err := os.Stat(name); err == nil && at.IsDir() {
		return fmt.Errorf("--out %s is a directory: want the name of a file", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".vmdksim-*")
	if err != nil {
		return fmt.Errorf("--out %s cannot be written: %w", name, errors.Unwrap(err))
	}
	return cmp.Or(f.Close(), os.Remove(f.Name()))
}

func (x *exploration) explore(cmd *cobra.Command, script *scenarios.Script) error {
	out := cmd.OutOrStdout()
	rep, found, err := x.search(cmd, script)
	if err != nil {
		return badInput(err)
	}
	var unwritten error // does not keep the report back
	if rep.Found {
		if x.out == "" {
			x.out = "found-" + filepath.Base(script.File)
		}
		rep.mutated = mutated(cmd)
		header := fmt.Sprintf("found by vmdksim explore --strategy %s --seed %d%s in schedule %d; %s: %s",
			x.strategy, x.seed, rep.mutated, rep.Schedules, rep.Oracle, oneLine(rep.Detail))
		unwritten = rep.write(x.out, found.Script, header)
	}
	if err := rep.print(out, x.asJSON, found); err != nil {
		return err
	}
	if unwritten != nil {
		return badInput(unwritten)
	}
	if rep.Found {
		return errFound
	}
	return nil
}

// search explores and returns, if it found something, the minimal failing scenario.
func (x *exploration) search(cmd *cobra.Command, script *scenarios.Script) (explored, *scenarios.Shrunk, error) {
	shard, shards, err := parseShard(x.shard)
	if err != nil {
		return explored{}, nil, err
	}
	start := time.Now()
	h := hunt{
		script: script, strategy: x.strategy, seed: x.seed, shard: shard, shards: shards, from: x.from, schedules: x.schedules,
		budget: x.budget, options: explore.Options{Faults: x.faults, Watchdog: x.watchdog}, jobs: x.jobs, progress: progressTo(cmd.ErrOrStderr()),
	}
	q, err := h.run(cmd.Context())
	if err != nil {
		return explored{}, nil, err
	}
	e := explored{
		Found: q.Found, Strategy: x.strategy, Schedules: q.Schedules, Steps: q.Steps, Seed: x.seed,
		SearchUS: time.Since(start).Microseconds(), Interrupted: cmd.Context().Err() != nil, Confidence: sure(q),
		Operations: operations(script),
	}
	var found *scenarios.Shrunk
	if q.Found {
		ctrlC := interrupted(cmd)
		late := func() bool { return x.budget > 0 && time.Since(start) >= x.budget }
		o := explore.Options{Faults: x.faults, Watchdog: x.watchdog, Stop: func() bool { return ctrlC() || late() }}
		if found, err = e.shrink(script, &q.Result, o, x.proof); err != nil {
			return explored{}, nil, err
		}
		if found.Stopped && !ctrlC() {
			e.Cut = "--budget"
		}
	}
	e.ElapsedMS, e.ElapsedUS = time.Since(start).Milliseconds(), time.Since(start).Microseconds()
	return e, found, nil
}
