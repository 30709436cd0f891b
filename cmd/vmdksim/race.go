package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// raceExit is the exit status of a program in which the race detector has reported something.
const raceExit = 66

func newRace() *cobra.Command {
	var mutant, source string
	var schedules int
	var seed uint64
	var inside bool
	cmd := &cobra.Command{
		Use:   "race FILE...",
		Short: "Run random schedules of scenarios on goroutines, under the race detector",
		Long: "race builds itself with the race detector and runs what each FILE starts under random schedules, on goroutines that\n" +
			"take turns. The hand-off is hidden from the detector, so that it reports the data races of the driver, with their\n" +
			"lines. Exit status 1 means that there is one.",
		Example: "  vmdksim race scenarios/mount-two-containers.scn --schedules 1000\n" +
			"  vmdksim race scenarios/get-during-mount.scn --mutant race-records-read --schedules 1",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if inside {
				return race(cmd, args, seed, schedules)
			}
			bin, clean, err := buildRace(cmd.Context(), mutant, source)
			if err != nil {
				return err
			}
			defer clean()
			again := append([]string{
				"race", "--in-race", "--seed", strconv.FormatUint(seed, 10),
				"--schedules", strconv.Itoa(schedules),
			}, args...)
			err = runMutant(cmd.Context(), bin, again, cmd.OutOrStdout(), cmd.ErrOrStderr())
			var e *exitError
			if errors.As(err, &e) && e.code == raceExit {
				return errFound
			}
			return err
		},
	}
	f := cmd.Flags()
	f.IntVar(&schedules, "schedules", 1000, "of each file")
	f.Uint64Var(&seed, "seed", 1, "of the random schedules")
	f.BoolVar(&inside, "in-race", false, "")
	_ = f.MarkHidden("in-race") // the flag is there
	mutantFlags(cmd, &mutant, &source)
	return cmd
}

func race(cmd *cobra.Command, files []string, seed uint64, schedules int) error {
	for _, file := range files {
		script, err := parseFile(file)
		if err != nil {
			return err
		}
		stage, err := scenarios.NewThreads(script)
		if err != nil {
			return badInput(err)
		}
		rep, err := stage.Search(explore.Search{Strategy: explore.Random(seed), Schedules: schedules})
		stage.Close()
		if err != nil {
			return badInput(err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %d schedules\n", file, rep.Schedules)
	}
	return nil
}

// buildRace builds this program with the race detector, and with a mutant if there is one.
func buildRace(ctx context.Context, mutant, source string) (bin string, clean func(), err error) {
	if _, err := exec.LookPath("gcc"); err != nil {
		return "", nil, lacking(errors.New("the race detector needs a C compiler: install gcc"))
	}
	if source == "" {
		if source, err = moduleRoot(ctx); err != nil {
			return "", nil, err
		}
	}
	dir, err := os.MkdirTemp("", "vmdksim-race-")
	if err != nil {
		return "", nil, lacking(err)
	}
	clean = func() { _ = os.RemoveAll(dir) }
	bin = filepath.Join(dir, "vmdksim")
	args := []string{"build", "-race", "-o", bin}
	if mutant != "" {
		m, err := scenarios.LoadMutant(mutant)
		if err != nil {
			clean()
			return "", nil, badInput(err)
		}
		overlay, err := m.Overlay(source, dir)
		if err != nil {
			clean()
			return "", nil, badInput(err)
		}
		args = append(args, "-overlay", overlay)
	}
	build := exec.CommandContext(ctx, "go", append(args, "./cmd/vmdksim")...)
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		clean()
		return "", nil, badInput(fmt.Errorf("%s does not build with -race: %w\n%s", strings.TrimSpace("vmdksim "+mutant), err, bytes.TrimSpace(out)))
	}
	return bin, clean, nil
}
