// Command housecheck prints where the repository breaks the rules of package house, one finding a line.
//
// Exit status: 0 nothing found, 1 findings, 2 wrong arguments or a module that cannot be read, 3 no go command.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"

	"vmdkvol/internal/house"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("housecheck", flag.ContinueOnError)
	flags.SetOutput(stderr)
	imports := flags.Bool("imports", false, "check the arrows between packages")
	decisions := flags.Bool("decisions", false, "check the packages that decide")
	flags.Usage = func() {
		_, _ = fmt.Fprintln(stderr, "usage: housecheck [-imports] [-decisions] [DIR]\nwithout a flag it checks both")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 1:
		flags.Usage()
		return 2
	}
	dir := "."
	if flags.NArg() == 1 {
		dir = flags.Arg(0)
	}
	both := !*imports && !*decisions

	var found []house.Finding
	for _, c := range []struct {
		on    bool
		check func(string) ([]house.Finding, error)
	}{{*imports || both, house.Imports}, {*decisions || both, house.Decisions}} {
		if !c.on {
			continue
		}
		fs, err := c.check(dir)
		if err != nil {
			_, _ = fmt.Fprintln(stderr, err)
			if errors.Is(err, exec.ErrNotFound) {
				_, _ = fmt.Fprintln(stderr, "housecheck needs the go command in PATH")
				return 3
			}
			return 2
		}
		found = append(found, fs...)
	}
	for _, f := range found {
		_, _ = fmt.Fprintln(stdout, f)
	}
	if len(found) > 0 {
		return 1
	}
	return 0
}
