package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vmdkvol/esxsim/host"
)

// quirk is one of quirks --json. Its fields may grow and never change meaning.
type quirk struct {
	Name    string `json:"name"`
	Fact    string `json:"fact"`
	Default string `json:"default"` // "on" or "off": what the last release did
}

func newQuirks() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "quirks",
		Short: "List the switches of the simulated ESX service",
		Long: "quirks lists what the original ESX service did and one would not build, and bugs that it once had, each with the\n" +
			"section of docs/original.md that describes it. The default is what its last release did: \"faithful\". A scenario\n" +
			"turns single ones with \"given quirk NAME=on\" or \"=off\", or all off with \"given quirks fixed\"; serve takes them by --quirks.\n" +
			"one-receiver belongs to serve alone, which has it off unless it is asked for.",
		Example: "  vmdksim quirks\n" +
			"  vmdksim quirks --json | jq -r '.[] | select(.default == \"on\") | .name'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := make([]quirk, 0, len(host.QuirkList()))
			for _, q := range host.QuirkList() {
				value := "off"
				if q.Default {
					value = "on"
				}
				list = append(list, quirk{string(q.Name), q.Fact, value})
			}
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(list)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tDEFAULT\tFACT")
			for _, q := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\n", q.Name, q.Default, q.Fact)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}
