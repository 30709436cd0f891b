package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"vmdkvol/scenarios"
)

// What the demonstration shows.
const (
	demoScenario  = "mount-two-containers.scn"
	demoMutant    = "pr810-merged"
	demoSchedules = 100_000
)

func newDemo() *cobra.Command {
	var source string
	var inMutant bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show the race of PR #810 found, shrunk and replayed, and today's driver without it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			x := exploration{
				strategy: "portfolio", seed: uint64(time.Now().UnixNano()), schedules: demoSchedules, //nolint:gosec // any bits will do
				jobs: 1, shard: "1/1", proof: defaultProof,
			}
			script, err := scenarios.Load(demoScenario)
			if err != nil {
				return badInput(err)
			}
			if inMutant {
				return x.show(cmd, script, true)
			}
			out := cmd.OutOrStdout()
			fmt.Fprintln(out, "1. The scenarios of this repository, on today's driver:")
			fmt.Fprintln(out)
			for _, name := range scenarios.Names() {
				s, err := scenarios.Load(name)
				if err != nil {
					return badInput(err)
				}
				var r replaying
				o, err := r.replay(s)
				if err != nil {
					return badInput(err)
				}
				rep := r.report(s.File, o)
				if r.tell(out, &rep, o); !rep.OK {
					return errFound
				}
			}
			fmt.Fprintf(out, "\n2. Two containers start together on one volume, with the locking of PR #810 as it was merged:\n\n")
			bin, clean, err := buildMutant(cmd.Context(), demoMutant, source)
			if err != nil {
				return err
			}
			defer clean()
			if err := runMutant(cmd.Context(), bin, []string{"demo", "--in-mutant"}, out, cmd.ErrOrStderr()); err != nil {
				return err
			}
			fmt.Fprintf(out, "\n3. The same on today's driver:\n\n")
			return x.show(cmd, script, false)
		},
	}
	cmd.Flags().StringVar(&source, "source", "", "the source of vmdkvol (default: found from the current directory)")
	cmd.Flags().BoolVar(&inMutant, "in-mutant", false, "")
	_ = cmd.Flags().MarkHidden("in-mutant") // the flag is there
	return cmd
}

// show explores without writing a file; it fails if what it finds is not what the story says.
func (x *exploration) show(cmd *cobra.Command, script *scenarios.Script, want bool) error {
	rep, found, err := x.search(cmd, script)
	if err != nil {
		return badInput(err)
	}
	if err := rep.tell(cmd.OutOrStdout(), found); err != nil {
		return err
	}
	if rep.Found != want {
		return errFound
	}
	return nil
}
