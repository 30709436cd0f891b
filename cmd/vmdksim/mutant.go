package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"vmdkvol/scenarios"
)

func mutantFlags(cmd *cobra.Command, mutant, source *string) {
	cmd.Flags().StringVar(mutant, "mutant", "", "use the driver with this bug in it (docs/mutants.md says what there is), or with that of a .mutant file")
	_ = cmd.RegisterFlagCompletionFunc("mutant", cobra.FixedCompletions(scenarios.MutantNames(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	cmd.Flags().StringVar(source, "source", "", "the source of vmdkvol, for --mutant (default: found from the current directory)")
	cmd.Flags().String(mutatedFlag, "", "")
	_ = cmd.Flags().MarkHidden(mutatedFlag) // the flag is there
}

// mutatedFlag tells a program that rerun has built which mutant is in it.
const mutatedFlag = "in-mutant"

// mutated is how to get the mutant that is in this program: " --mutant NAME", or "" if there is none.
func mutated(cmd *cobra.Command) string {
	name, _ := cmd.Flags().GetString(mutatedFlag) // the flag is there
	if name == "" {
		return ""
	}
	return " --mutant " + name
}

// rerun builds this program with a mutant in it and lets that do the command.
func rerun(cmd *cobra.Command, mutant, source string) error {
	bin, clean, err := buildMutant(cmd.Context(), mutant, source)
	if err != nil {
		return err
	}
	defer clean()
	args := []string{"--" + mutatedFlag + "=" + mutant}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "mutant" && f.Name != "source" {
			args = append(args, "--"+f.Name+"="+f.Value.String())
		}
	})
	args = append([]string{cmd.Name()}, append(args, cmd.Flags().Args()...)...)
	return runMutant(cmd.Context(), bin, args, cmd.OutOrStdout(), cmd.ErrOrStderr())
}

func runMutant(ctx context.Context, bin string, args []string, stdout, stderr io.Writer) error {
	c := exec.CommandContext(ctx, bin, args...)
	c.Stdout, c.Stderr = stdout, stderr
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	err := c.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return &exitError{code: exit.ExitCode()}
	}
	return err
}

// buildMutant builds vmdksim from source with the mutant applied. The caller calls clean when it is done with bin.
func buildMutant(ctx context.Context, name, source string) (bin string, clean func(), err error) {
	m, err := loadMutant(name)
	if err != nil {
		return "", nil, badInput(err)
	}
	return overlaid(ctx, m, source)
}

// overlaid is buildMutant for a mutant that is loaded already.
func overlaid(ctx context.Context, m *scenarios.Mutant, source string) (bin string, clean func(), err error) {
	if _, err := exec.LookPath("go"); err != nil {
		return "", nil, lacking(errors.New("a mutant is built from source, and there is no go command: install Go 1.26"))
	}
	if source == "" {
		if source, err = moduleRoot(ctx); err != nil {
			return "", nil, err
		}
	}
	dir, err := os.MkdirTemp("", "vmdksim-mutant-")
	if err != nil {
		return "", nil, lacking(err)
	}
	clean = func() { _ = os.RemoveAll(dir) }
	overlay, err := m.Overlay(source, dir)
	if err != nil {
		clean()
		return "", nil, badInput(err)
	}
	bin = filepath.Join(dir, "vmdksim")
	build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", bin, "./cmd/vmdksim")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		clean()
		return "", nil, badInput(fmt.Errorf("mutant %s does not build: %w\n%s", m.Name, err, bytes.TrimSpace(out)))
	}
	return bin, clean, nil
}

// moduleRoot finds the source that the current directory belongs to.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}} {{.Dir}}").Output()
	path, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || path != "vmdkvol" {
		return "", badInput(errors.New("the current directory is not in the source of vmdkvol: give it with --source DIR"))
	}
	return dir, nil
}
