package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// Exit codes, which scripts rely on.
const (
	exitFine     = 0
	exitFound    = 1 // a violation, or a failed expectation
	exitBadInput = 2
	exitLacking  = 3 // the machine lacks something
)

// exitError ends the command with a code; its text, if any, has the cause and the remedy.
type exitError struct {
	code int
	err  error // nil: everything was said already
}

func (e *exitError) Error() string {
	if e.err == nil {
		return "found"
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func badInput(err error) error { return &exitError{exitBadInput, err} }

func lacking(err error) error { return &exitError{exitLacking, err} }

var errFound = &exitError{code: exitFound}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitFine
	}
	var e *exitError
	if !errors.As(err, &e) {
		e = &exitError{exitBadInput, err} // cobra's own: an unknown command or flag
	}
	if e.err != nil {
		fmt.Fprintln(stderr, "vmdksim:", e.err)
	}
	return e.code
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "vmdksim",
		Short: "Replay and explore what happens to Docker volumes on a simulated ESX host",
		Long: "vmdksim runs the production driver against a simulated guest, network and ESX service, under a scheduler\n" +
			"that owns every interleaving.",
		Example: "  vmdksim demo\n" +
			"  vmdksim run scenarios/*.scn\n" +
			"  vmdksim explore scenarios/mount-two-containers.scn --mutant pr810-merged --seed 7",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newRun(), newFmt(), newExplore(), newShrink(), newVerify(), newRace(), newDemo(), newMutants(), newDeterminism(), newFuzz(),
		newServe(), newAdmin(), newQuirks())
	return root
}
