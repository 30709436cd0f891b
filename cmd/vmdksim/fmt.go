package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"vmdkvol/scenarios"
)

func newFmt() *cobra.Command {
	var list, write bool
	cmd := &cobra.Command{
		Use:   "fmt FILE...",
		Short: "Format scenarios",
		Long: "fmt prints each scenario in canonical form: the parts in the order of the reference, one blank between words,\n" +
			"blocks indented by two. Comments stay where they belong. Formatting twice changes nothing.",
		Example: "  vmdksim fmt -l scenarios/*.scn\n" +
			"  vmdksim fmt -w found.scn",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, file := range args {
				if err := format(cmd.OutOrStdout(), file, list, write); err != nil {
					return badInput(err)
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&list, "list", "l", false, "list the files that are not in canonical form, and print nothing else")
	cmd.Flags().BoolVarP(&write, "write", "w", false, "write the result to the file instead of printing it")
	return cmd
}

func format(out io.Writer, file string, list, write bool) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	formatted, err := scenarios.Format(file, string(text))
	if err != nil {
		return err
	}
	differs := formatted != string(text)
	if list && differs {
		fmt.Fprintln(out, file)
	}
	if write && differs {
		return rewrite(file, formatted)
	}
	if !list && !write {
		fmt.Fprint(out, formatted)
	}
	return nil
}

// rewrite replaces a file that exists and keeps its mode.
func rewrite(file, text string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), info.Mode().Perm())
}

// update rewrites what a scenario expects to what happens.
func update(out io.Writer, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return badInput(err)
	}
	script, err := scenarios.ParseStale(file, string(text))
	if err != nil {
		return badInput(err)
	}
	stage, err := scenarios.NewStage(script)
	if err != nil {
		return badInput(err)
	}
	defer stage.Close()
	o, err := stage.Replay(false)
	if err != nil {
		return badInput(err)
	}
	updated, err := scenarios.Update(file, string(text), &o)
	if err != nil {
		return &exitError{exitFound, err}
	}
	if updated == string(text) {
		return nil
	}
	if err := rewrite(file, updated); err != nil {
		return badInput(err)
	}
	_, err = fmt.Fprintln(out, "updated", file)
	return err
}
