package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// patience is how long one step of a search may take. A step takes microseconds.
const patience = 10 * time.Second

// watched does a search under a watchdog. If a step of it hangs, watched says which and where on stderr and returns
// errFound; the search stays where it is until the program ends.
func watched(cmd *cobra.Command, search func(*explore.Watchdog) error) error {
	return watchedFor(patience, cmd.ErrOrStderr(), search)
}

func watchedFor(patience time.Duration, stderr io.Writer, search func(*explore.Watchdog) error) error {
	hangs := make(chan explore.Blocked, 1)
	w := explore.NewWatchdog(patience, func(b explore.Blocked) {
		select {
		case hangs <- b:
		default: // one is enough
		}
	})
	defer w.Stop()
	done := make(chan error, 1)
	go func() { done <- search(w) }()
	select {
	case err := <-done:
		return err
	case b := <-hangs:
		fmt.Fprintf(stderr, "vmdksim: %s\n", b)
		return errFound
	}
}

// lockModel gives the scenario another lock model, if one is named.
func lockModel(name string, s *scenarios.Script) error {
	if name == "" {
		return nil
	}
	l, err := explore.ParseLockModel(name)
	if err != nil {
		return badInput(err)
	}
	s.Locks = l
	return nil
}

// interrupted says whether Ctrl-C was pressed.
func interrupted(cmd *cobra.Command) func() bool {
	return func() bool { return cmd.Context().Err() != nil }
}
