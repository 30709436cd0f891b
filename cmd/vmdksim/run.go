package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"vmdkvol/scenarios"
)

// replayed is one file of run --json.
type replayed struct {
	File    string      `json:"file"`
	OK      bool        `json:"ok"`
	Hash    string      `json:"hash"`
	Steps   int         `json:"steps"`
	Oracle  string      `json:"oracle,omitempty"`
	Detail  string      `json:"detail,omitempty"`
	Wrong   []string    `json:"wrong,omitempty"`
	Unused  []string    `json:"unused,omitempty"` // deviations that the run never came to
	Differs *difference `json:"differs,omitempty"`
}

// replaying is what run is told.
type replaying struct {
	asJSON, table, rewrites bool
	strict, lenient         bool
	trace                   string // file to write
	build                   string // of this program; "" until somebody asks
}

func newRun() *cobra.Command {
	var r replaying
	var mutant, source string
	cmd := &cobra.Command{
		Use:   "run FILE...",
		Short: "Replay scenarios and traces, and check what they expect",
		Long: "run replays each scenario under its own schedule, with all oracles watching, and compares what comes out with\n" +
			"what the file expects. The same file gives the same hash in every process.\n\n" +
			"A schedule names who and where, so it survives changes of the code; what no longer applies is shown as \"never came\n" +
			"to\". That fails a scenario that expects something, with --strict every one, and with --lenient none.\n\n" +
			"--trace OUT writes the run down, event by event. A FILE that is such a trace is replayed by the same build only, and\n" +
			"the first event that differs is shown; with --lenient any build replays it, as far as its deviations apply.",
		Example: "  vmdksim run scenarios/*.scn\n" +
			"  vmdksim run --table scenarios/mount-two-containers.scn\n" +
			"  vmdksim run --mutant pr810-merged found.scn\n" +
			"  vmdksim run --trace found.trace found.scn && vmdksim run --strict found.trace\n" +
			"  vmdksim run --lenient found.trace",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := r.check(args, mutant); err != nil {
				return badInput(err)
			}
			if r.rewrites {
				for _, file := range args {
					if err := update(cmd.OutOrStdout(), file); err != nil {
						return err
					}
				}
			}
			if mutant != "" {
				return rerun(cmd, mutant, source)
			}
			return r.files(cmd.OutOrStdout(), args)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&r.asJSON, "json", false, "print one JSON array instead of lines")
	f.BoolVar(&r.table, "table", false, "print every run as a table of tasks and steps, not only those that fail")
	f.BoolVar(&r.rewrites, "update", false, "first rewrite the expect block of each file to what happens; refused if an oracle objects")
	f.BoolVar(&r.strict, "strict", false, "every deviation must apply and, of a trace, every event be the same (default for traces)")
	f.BoolVar(&r.lenient, "lenient", false, "say which deviations no longer apply, and go on without them")
	f.StringVar(&r.trace, "trace", "", "write the run, event by event, to this file")
	_ = cmd.MarkFlagFilename("trace", "trace") // the flag is there
	mutantFlags(cmd, &mutant, &source)
	return cmd
}

func (r *replaying) check(args []string, mutant string) error {
	switch {
	case r.rewrites && (mutant != "" || r.asJSON || r.lenient || r.trace != ""):
		return errors.New("--update goes with none of --mutant, --json, --lenient and --trace")
	case r.strict && r.lenient:
		return errors.New("--strict and --lenient: choose one")
	case r.trace != "" && len(args) > 1:
		return fmt.Errorf("--trace %s is the trace of one run: give one FILE, not %d", r.trace, len(args))
	}
	return nil
}

func (r *replaying) files(out io.Writer, files []string) error {
	failed := false
	reports := []replayed{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return badInput(err)
		}
		var rep replayed
		if scenarios.IsTrace(file, string(text)) {
			rep, err = r.retrace(out, file, string(text))
		} else {
			rep, err = r.scenario(out, file, string(text))
		}
		if err != nil {
			return badInput(err)
		}
		failed = failed || !rep.OK
		reports = append(reports, rep)
	}
	if r.asJSON {
		if err := json.NewEncoder(out).Encode(reports); err != nil {
			return err
		}
	}
	if failed {
		return errFound
	}
	return nil
}

func (r *replaying) scenario(out io.Writer, file, text string) (replayed, error) {
	script, err := scenarios.Parse(file, text)
	if err != nil {
		return replayed{}, err
	}
	o, err := r.replay(script)
	if err != nil {
		return replayed{}, err
	}
	if r.trace != "" {
		if err := r.record(file, text, o); err != nil {
			return replayed{}, err
		}
	}
	rep := r.report(file, o)
	r.tell(out, &rep, o)
	return rep, nil
}

func parseFile(file string) (*scenarios.Script, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, badInput(err)
	}
	script, err := scenarios.Parse(file, string(text))
	if err != nil {
		return nil, badInput(err)
	}
	return script, nil
}

// replay runs a script once.
func (r *replaying) replay(script *scenarios.Script) (*scenarios.Outcome, error) {
	stage, err := scenarios.NewStage(script)
	if err != nil {
		return nil, err
	}
	defer stage.Close()
	o, err := stage.Replay(true)
	return &o, err
}

// report is what came of a run, as strictly as was asked for.
func (r *replaying) report(file string, o *scenarios.Outcome) replayed {
	rep := replayed{
		File: file, Hash: o.Result.Hash.String(), Steps: o.Result.Steps, Wrong: o.Wrong,
		OK: o.Result.Failure == nil && len(o.Wrong) == 0 && (r.lenient || !o.Astray) && (!r.strict || len(o.Unused) == 0),
	}
	for _, d := range o.Unused {
		rep.Unused = append(rep.Unused, d.String())
	}
	if f := o.Result.Failure; f != nil {
		rep.Oracle, rep.Detail = f.Oracle, f.Detail
	}
	return rep
}

// tell says what came of a run, for a human.
func (r *replaying) tell(out io.Writer, rep *replayed, o *scenarios.Outcome) {
	if r.asJSON {
		return
	}
	verdict := "ok  "
	if !rep.OK {
		verdict = "FAIL"
	}
	fmt.Fprintf(out, "%s %s  hash %s  %d steps\n", verdict, rep.File, rep.Hash, rep.Steps)
	if r.table || !rep.OK && rep.Differs == nil {
		fmt.Fprintf(out, "\n%s\n", scenarios.Table(o.Events))
	}
	for _, d := range rep.Unused {
		fmt.Fprintf(out, "     never came to: %s\n", d)
	}
	for _, w := range rep.Wrong {
		fmt.Fprintf(out, "     %s\n", w)
	}
	if rep.Oracle != "" {
		fmt.Fprintf(out, "     %s: %s\n", rep.Oracle, rep.Detail)
	}
	rep.Differs.tell(out)
}
