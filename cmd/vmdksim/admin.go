package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"vmdkvol/esxsim/host"
)

// administering are the flags of all admin commands.
type administering struct {
	control string
	output  string
}

const (
	defaultDir  = "/run/vmdksim"
	controlFile = "control.sock" // in the directory of serve's --dir
	configFile  = "auth-db"
)

// newAdmin makes a command for each of host.AdminCommands, whose names are paths in the tree of commands.
func newAdmin() *cobra.Command {
	var o administering
	admin := group("admin", "Administer a simulated ESX host that serves: volumes, vmgroups, configuration")
	admin.Long = "admin speaks to a running serve over its control socket: what the administrator of an ESX host does there. vmgroups need a\n" +
		"config database: without one (\"config init\"), every VM is in _DEFAULT and may do everything.\n\n" +
		"Exit status 1: the host refused. 2: wrong usage. 3: no host answers on that socket."
	admin.Example = "  vmdksim admin config init --local\n" +
		"  vmdksim admin vmgroup create --name app --default-datastore ds1 --vm-list vm1\n" +
		"  vmdksim admin vmgroup access set --name app --datastore ds1 --volume-totalsize 10gb\n" +
		"  vmdksim admin volume ls --output json | jq -r '.[] | select(.[\"attached-to\"] == \"vm1\") | .volume'"
	f := admin.PersistentFlags()
	f.StringVar(&o.control, "control", filepath.Join(defaultDir, controlFile), "control socket of serve")
	f.StringVar(&o.output, "output", "table", "table or json")

	shorts := map[string]string{
		"config": "The config database", "volume": "Volumes", "vmgroup": "vmgroups", "vmgroup vm": "VMs of a vmgroup",
		"vmgroup access": "What a vmgroup may do on datastores", "policy": "vSAN policies",
	}
	tree := map[string]*cobra.Command{"": admin}
	for _, d := range host.AdminCommands() {
		words := strings.Fields(d.Name)
		for i := range len(words) - 1 {
			path := strings.Join(words[:i+1], " ")
			if tree[path] == nil {
				tree[path] = group(words[i], shorts[path])
				tree[strings.Join(words[:i], " ")].AddCommand(tree[path])
			}
		}
		tree[strings.Join(words[:len(words)-1], " ")].AddCommand(o.command(d))
	}
	return admin
}

// group is a command that only has others below it.
func group(name, short string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return badInput(fmt.Errorf("unknown command %q for %q; see '%s --help'", args[0], cmd.CommandPath(), cmd.CommandPath()))
			}
			return badInput(fmt.Errorf("%s needs a command; see '%s --help'", cmd.CommandPath(), cmd.CommandPath()))
		},
	}
}

func (o *administering) command(d host.AdminCommand) *cobra.Command {
	words := strings.Fields(d.Name)
	cmd := &cobra.Command{
		Use: words[len(words)-1], Short: d.Short,
		Example: strings.TrimRight("  vmdksim admin "+d.Name+" "+d.Example, " "),
		Args:    cobra.NoArgs,
	}
	values := map[string]func() string{}
	for _, option := range d.Options {
		letter := ""
		if len(option.Name) == 1 {
			letter = option.Name
		}
		if option.Takes == "" {
			on := cmd.Flags().Bool(option.Name, false, option.Help)
			values[option.Name] = func() string { return strconv.FormatBool(*on) }
		} else {
			text := cmd.Flags().StringP(option.Name, letter, "", "`"+option.Takes+"` "+option.Help)
			values[option.Name] = func() string { return *text }
		}
		if option.Required {
			_ = cmd.MarkFlagRequired(option.Name) // cannot fail: the flag is there
		}
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c := host.Command{Name: d.Name, Options: map[string]string{}}
		for name, value := range values {
			if cmd.Flags().Changed(name) {
				c.Options[name] = value()
			}
		}
		return o.run(cmd.Context(), cmd.OutOrStdout(), c)
	}
	return cmd
}

func (o *administering) run(ctx context.Context, out io.Writer, c host.Command) error {
	if o.output != "table" && o.output != "json" {
		return badInput(fmt.Errorf("--output %q is neither table nor json", o.output))
	}
	result, err := host.Ask(ctx, o.control, c)
	switch {
	case errors.Is(err, host.ErrRefused):
		return &exitError{exitFound, plainError(err)}
	case errors.Is(err, host.ErrUsage):
		return badInput(plainError(err))
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return lacking(fmt.Errorf("no host answers on %s: start one with 'vmdksim serve --control %s …', or name its socket with --control", o.control, o.control))
	case err != nil:
		return lacking(plainError(fmt.Errorf("control socket: %w", err)))
	case o.output == "json":
		return printJSON(out, result)
	}
	return printTable(out, result)
}

// printJSON prints a table as an array of objects, and a text as an object.
func printJSON(out io.Writer, r host.Result) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetIndent("", "  ")
	if err := e.Encode(asObjects(r)); err != nil {
		return err
	}
	_, err := out.Write(plainJSON(text.Bytes()))
	return err
}

func asObjects(r host.Result) any {
	if r.Columns == nil {
		return map[string]string{"text": r.Text}
	}
	rows := []map[string]string{}
	for _, cells := range r.Rows {
		row := map[string]string{}
		for i, c := range r.Columns {
			row[c] = cells[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func printTable(out io.Writer, r host.Result) error {
	if r.Columns == nil {
		_, err := fmt.Fprintln(out, plain(r.Text))
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, plain(c))
		}
		fmt.Fprintln(w)
	}
	header := slices.Clone(r.Columns)
	for i, c := range header {
		header[i] = strings.ToUpper(c)
	}
	row(header)
	for _, cells := range r.Rows {
		row(cells)
	}
	return w.Flush()
}
