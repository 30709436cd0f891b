package main

import (
	"context"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// run is the whole program: it serves until ctx is done and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd := command(stderr)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	return status(cmd.ExecuteContext(ctx), stderr)
}

func command(logTo io.Writer) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "vmdkd",
		Short: "Docker volume plugin: volumes are VMDKs of the ESX host",
		Long: "vmdkd serves Docker's volume plugin protocol on a unix socket. Each volume is a VMDK on a datastore of the\n" +
			"ESX host, which plugs it into this VM while a container needs it.\n\n" +
			"It runs until SIGTERM or SIGINT, then lets requests in flight finish. Exit status: 0 fine, 1 it failed\n" +
			"while running, 2 wrong input, 3 the machine lacks something.",
		Example:       examples,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return wrongInput("unexpected argument %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			log, err := o.logger(logTo)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), o, log)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return wrongInput("%w", err) })
	cmd.CompletionOptions.DisableDefaultCmd = true
	o.register(cmd.Flags())
	return cmd
}

func version() string {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := b.Main.Version
	for _, s := range b.Settings {
		if s.Key == "-tags" && s.Value != "" {
			v += " tags=" + s.Value
		}
	}
	return v + " " + b.GoVersion
}
