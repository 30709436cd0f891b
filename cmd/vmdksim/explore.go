package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// explored is explore --json. Its fields may grow and never change meaning.
type explored struct {
	Found       bool   `json:"found"`
	Schedules   int    `json:"schedules"`
	Steps       int    `json:"steps"`
	ElapsedMS   int64  `json:"elapsed_ms"`
	ElapsedUS   int64  `json:"elapsed_us"`
	Operations  int    `json:"operations"`
	Deviations  int    `json:"deviations"`
	Preemptions int    `json:"preemptions"`
	Faults      int    `json:"faults"`
	Oracle      string `json:"oracle,omitempty"`
	Detail      string `json:"detail,omitempty"`
	File        string `json:"file,omitempty"`
	Seed        uint64 `json:"seed"`
}

// exploration is what explore is told.
type exploration struct {
	seed      uint64
	schedules int
	budget    time.Duration
	faults    int
	out       string
	asJSON    bool
}

func newExplore() *cobra.Command {
	var x exploration
	var mutant, source string
	cmd := &cobra.Command{
		Use:   "explore FILE",
		Short: "Search the schedules of a scenario for one that fails",
		Long: "explore runs what FILE starts under random schedules until an oracle objects, takes every deviation away that the\n" +
			"failure does not need, shows the run as a table and writes it as a scenario file. The file's own schedule and\n" +
			"expectations play no part. Exit status 1 means found.",
		Example: "  vmdksim explore scenarios/mount-two-containers.scn\n" +
			"  vmdksim explore scenarios/mount-two-containers.scn --mutant pr810-merged --seed 7 --out found.scn",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if mutant != "" {
				return rerun(cmd, mutant, source)
			}
			script, err := parseFile(args[0])
			if err != nil {
				return err
			}
			return x.explore(cmd, script)
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&x.seed, "seed", 1, "of the random schedules")
	f.IntVar(&x.schedules, "schedules", 100_000, "try at most so many")
	f.DurationVar(&x.budget, "budget", 0, "stop after this time (default: none)")
	f.IntVar(&x.faults, "faults", 0, "faults that one run may have (default: what FILE says)")
	f.StringVar(&x.out, "out", "", "write the failing scenario here (default: found-FILE in the current directory)")
	f.BoolVar(&x.asJSON, "json", false, "print one JSON object instead of text")
	mutantFlags(cmd, &mutant, &source)
	return cmd
}

func (x *exploration) explore(cmd *cobra.Command, script *scenarios.Script) error {
	out := cmd.OutOrStdout()
	rep, found, err := x.search(cmd, script)
	if err != nil {
		return badInput(err)
	}
	if rep.Found {
		if x.out == "" {
			x.out = "found-" + filepath.Base(script.File)
		}
		rep.File = x.out
		text := found.Text(
			fmt.Sprintf("found by vmdksim explore seed=%d, schedule %d; %s: %s", x.seed, rep.Schedules, rep.Oracle, oneLine(rep.Detail)),
			fmt.Sprintf("%d deviations, none of which can be left out", rep.Deviations))
		if err := os.WriteFile(x.out, []byte(text), 0o644); err != nil { //nolint:gosec // a scenario is for everyone to read
			return badInput(err)
		}
	}
	if x.asJSON {
		if err := json.NewEncoder(out).Encode(rep); err != nil {
			return err
		}
	} else {
		if err := tell(out, rep, found); err != nil {
			return err
		}
	}
	if rep.Found {
		return errFound
	}
	return nil
}

// search explores and returns, if it found something, the minimal failing scenario.
func (x *exploration) search(cmd *cobra.Command, script *scenarios.Script) (explored, *scenarios.Script, error) {
	stage, err := scenarios.NewStage(script)
	if err != nil {
		return explored{}, nil, err
	}
	defer stage.Close()
	start := time.Now()
	rep, err := stage.Explore(explore.Search{
		Strategy: explore.Random(x.seed), Schedules: x.schedules, Options: explore.Options{Faults: x.faults},
		Progress: func(int) bool {
			return cmd.Context().Err() == nil && (x.budget == 0 || time.Since(start) < x.budget)
		},
	})
	if err != nil {
		return explored{}, nil, err
	}
	e := explored{
		Found: rep.Found, Schedules: rep.Schedules, Steps: rep.Steps, Seed: x.seed,
		ElapsedMS: time.Since(start).Milliseconds(), ElapsedUS: time.Since(start).Microseconds(),
	}
	for _, c := range script.Clients {
		e.Operations += len(c.Ops)
	}
	if !rep.Found {
		return e, nil, nil
	}
	e.Oracle, e.Detail = rep.Result.Failure.Oracle, rep.Result.Failure.Detail
	for _, d := range rep.Result.Deviations {
		e.Deviations++
		if d.Preemption() {
			e.Preemptions++
		}
		if d.Costs() {
			e.Faults++
		}
	}
	return e, script.WithSchedule(rep.Result.Deviations), nil
}

// tell says what was found, for a human.
func tell(out io.Writer, rep explored, found *scenarios.Script) error {
	if !rep.Found {
		fmt.Fprintf(out, "%d schedules passed, none failed (%d steps, %d ms, seed %d)\n",
			rep.Schedules, rep.Steps, rep.ElapsedMS, rep.Seed)
		return nil
	}
	fmt.Fprintf(out, "found in schedule %d (%d ms, seed %d), shrunk to %d deviations, %d of them preemptions:\n\n",
		rep.Schedules, rep.ElapsedMS, rep.Seed, rep.Deviations, rep.Preemptions)
	for _, d := range found.Schedule {
		fmt.Fprintf(out, "  %s\n", d)
	}
	stage, err := scenarios.NewStage(found)
	if err != nil {
		return err
	}
	defer stage.Close()
	o, err := stage.Replay(true)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s", scenarios.Table(o.Events))
	if rep.File != "" {
		fmt.Fprintf(out, "written to %s; replay it with: vmdksim run --table %s\n", rep.File, rep.File)
	}
	return nil
}

func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
