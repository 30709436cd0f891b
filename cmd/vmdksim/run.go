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
	File   string   `json:"file"`
	OK     bool     `json:"ok"`
	Hash   string   `json:"hash"`
	Steps  int      `json:"steps"`
	Oracle string   `json:"oracle,omitempty"`
	Detail string   `json:"detail,omitempty"`
	Wrong  []string `json:"wrong,omitempty"`
	Unused []string `json:"unused,omitempty"`
}

func newRun() *cobra.Command {
	var asJSON, table, rewrites bool
	var mutant, source string
	cmd := &cobra.Command{
		Use:   "run FILE...",
		Short: "Replay scenarios and check what they expect",
		Long: "run replays each scenario under its own schedule, with all oracles watching, and compares what comes out with\n" +
			"what the file expects. The same file gives the same hash in every process.",
		Example: "  vmdksim run scenarios/*.scn\n" +
			"  vmdksim run --table scenarios/mount-two-containers.scn\n" +
			"  vmdksim run --mutant pr810-merged found.scn",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if rewrites {
				if mutant != "" || asJSON {
					return badInput(errors.New("--update goes with neither --mutant nor --json"))
				}
				for _, file := range args {
					if err := update(cmd.OutOrStdout(), file); err != nil {
						return err
					}
				}
			}
			if mutant != "" {
				return rerun(cmd, mutant, source)
			}
			failed := false
			reports := []replayed{}
			for _, file := range args {
				script, err := parseFile(file)
				if err != nil {
					return err
				}
				rep, err := replay(cmd.OutOrStdout(), script, !asJSON, table)
				if err != nil {
					return badInput(err)
				}
				failed = failed || !rep.OK
				reports = append(reports, rep)
			}
			if asJSON {
				if err := json.NewEncoder(cmd.OutOrStdout()).Encode(reports); err != nil {
					return err
				}
			}
			if failed {
				return errFound
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array instead of lines")
	cmd.Flags().BoolVar(&table, "table", false, "print every run as a table of tasks and steps, not only those that fail")
	cmd.Flags().BoolVar(&rewrites, "update", false, "first rewrite the expect block of each file to what happens; refused if an oracle objects")
	mutantFlags(cmd, &mutant, &source)
	return cmd
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

// replay runs a script once and, if human, says what came of it.
func replay(out io.Writer, script *scenarios.Script, human, table bool) (replayed, error) {
	stage, err := scenarios.NewStage(script)
	if err != nil {
		return replayed{}, err
	}
	defer stage.Close()
	o, err := stage.Replay(true)
	if err != nil {
		return replayed{}, err
	}
	rep := replayed{
		File: script.File, OK: !o.Failed(), Hash: o.Result.Hash.String(), Steps: o.Result.Steps, Wrong: o.Wrong,
	}
	for _, d := range o.Unused {
		rep.Unused = append(rep.Unused, d.String())
	}
	if f := o.Result.Failure; f != nil {
		rep.Oracle, rep.Detail = f.Oracle, f.Detail
	}
	if !human {
		return rep, nil
	}
	verdict := "ok  "
	if !rep.OK {
		verdict = "FAIL"
	}
	fmt.Fprintf(out, "%s %s  hash %s  %d steps\n", verdict, rep.File, rep.Hash, rep.Steps)
	if table || !rep.OK {
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
	return rep, nil
}
