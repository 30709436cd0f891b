package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

func newShrink() *cobra.Command {
	var mutant, source, out string
	var proof, faults int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "shrink FILE",
		Short: "Make a failing scenario small",
		Long: "shrink replays FILE, to whose schedule an oracle must object, and takes away the clients, operations, volumes and\n" +
			"deviations that the failure does not need. Then it runs every schedule with fewer deviations, which proves that the\n" +
			"number is minimal, and looks for the nearest schedule that passes. Exit status 1 means that it did its work: the\n" +
			"result fails.",
		Example: "  vmdksim shrink found.scn\n" +
			"  vmdksim shrink --mutant pr810-merged --out small.scn found.scn",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if mutant != "" {
				return uninterrupted(cmd.Context(), rerun(cmd, mutant, source))
			}
			if proof < 0 || faults < 0 {
				return badInput(errors.New("--proof and --faults must not be negative"))
			}
			script, err := parseFile(args[0])
			if err != nil {
				return err
			}
			start := time.Now()
			var s scenarios.Shrunk
			err = watched(cmd, func(w *explore.Watchdog) (err error) {
				s, err = scenarios.Shrink(script, script.Schedule, explore.Options{Faults: faults, Watchdog: w, Stop: interrupted(cmd)}, proof)
				return err
			})
			if errors.Is(err, errFound) {
				return err
			}
			if err != nil {
				return badInput(fmt.Errorf("%s: %w", args[0], err))
			}
			e := explored{mutated: mutated(cmd)}
			e.count(&s)
			e.ElapsedMS, e.ElapsedUS = time.Since(start).Milliseconds(), time.Since(start).Microseconds()
			if out == "" {
				out = "small-" + filepath.Base(args[0])
			}
			if err := e.write(out, s.Script, "shrunk by vmdksim shrink; "+e.Oracle+": "+oneLine(e.Detail)); err != nil {
				return badInput(err)
			}
			if err := e.print(cmd.OutOrStdout(), asJSON, &s); err != nil {
				return err
			}
			return errFound
		},
	}
	f := cmd.Flags()
	f.IntVar(&proof, "proof", defaultProof, "schedules that may be spent on proving that the deviations are as few as can be")
	f.IntVar(&faults, "faults", 0, "faults that one run may have (default: what FILE says, or its schedule has)")
	f.StringVar(&out, "out", "", "write the result here (default: small-FILE in the current directory)")
	f.BoolVar(&asJSON, "json", false, "print one JSON object instead of text")
	mutantFlags(cmd, &mutant, &source)
	return cmd
}
