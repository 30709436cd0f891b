package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vmdkvol/esxsim/host"
	"vmdkvol/scenarios"
)

// quirk is one of quirks --json. Its fields may grow and never change meaning.
type quirk struct {
	Name    string `json:"name"`
	Fact    string `json:"fact"`
	Default string `json:"default"` // "on" or "off": what the last release did
	Of      string `json:"of"`      // whose it is: service, network or serve; or "network, serve"
	Where   string `json:"where"`   // where it changes something: "simulation", or "both", which is serve, too
}

// allQuirks are the switches of the service, of the simulated network and of serve, sorted by name.
func allQuirks() []quirk {
	value := map[bool]string{true: "on", false: "off"}
	var list []quirk
	for _, q := range host.QuirkList() {
		of, where := "service", "both"
		if q.Name == host.OneReceiver || q.Name == host.GivesUp {
			of = "serve"
		}
		if host.OnlySimulated(q.Name) {
			where = "simulation"
		}
		list = append(list, quirk{string(q.Name), q.Fact, value[q.Default], of, where})
	}
	for _, s := range scenarios.NetworkSwitches() {
		i := slices.IndexFunc(list, func(q quirk) bool { return q.Name == s.Name })
		if i >= 0 {
			list[i].Of = "network, " + list[i].Of
			continue
		}
		list = append(list, quirk{s.Name, s.Fact, value[s.Default], "network", "simulation"})
	}
	slices.SortFunc(list, func(a, b quirk) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func newQuirks() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "quirks",
		Short: "List the switches of the simulated ESX service",
		Long: "quirks lists what the original ESX service did and one would not build, and bugs that it once had, each with the\n" +
			"section of docs/original.md that describes it. The default is what its last release did: \"faithful\". A scenario\n" +
			"turns single ones with \"given quirk NAME=on\" or \"=off\", or all off with \"given quirks fixed\"; serve takes them by --quirks.\n" +
			"Those of the network are off in a scenario until it says \"given network NAME\". serve has gives-up and one-receiver, too, off\n" +
			"unless they are asked for; the switches of the service whose column WHERE says \"simulation\" change nothing in it.",
		Example: "  vmdksim quirks\n" +
			"  vmdksim quirks --json | jq -r '.[] | select(.default == \"on\") | .name'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list := allQuirks()
			if asJSON {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(list)
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tDEFAULT\tOF\tWHERE\tFACT")
			for _, q := range list {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", q.Name, q.Default, q.Of, q.Where, q.Fact)
			}
			return w.Flush()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON array")
	return cmd
}
