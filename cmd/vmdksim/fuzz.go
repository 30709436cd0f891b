package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// The fuzz target, and where its seeds are.
const (
	fuzzTarget  = "FuzzService"
	fuzzPackage = "./esxsim/host"
	fuzzSeeds   = "esxsim/host/testdata/fuzz/" + fuzzTarget
)

// fuzzing is what fuzz is told.
type fuzzing struct {
	length time.Duration
	source string
	write  string
}

// fuzzed is what came of it.
type fuzzed struct {
	elapsed            string
	execs, interesting int
	seeds, added       int // committed before, and by this run
}

func newFuzz() *cobra.Command {
	var x fuzzing
	cmd := &cobra.Command{
		Use:   "fuzz",
		Short: "Fuzz the whole ESX service over request bytes",
		Long: "fuzz lets two VMs send anything to the ESX service, in memory and on directories, and looks at the whole state after\n" +
			"each request. Exit status 1 means that it found a failure, which is then a seed of the test. With --write, inputs that\n" +
			"reach statements which no seed reaches become seeds, and the page says what was run on which sources.",
		Example: "  vmdksim fuzz --time 30s\n" +
			"  vmdksim fuzz --time 10m --write docs/fuzz.md",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return x.run(cmd) },
	}
	f := cmd.Flags()
	f.DurationVar(&x.length, "time", 10*time.Minute, "how long")
	f.StringVar(&x.source, "source", "", "the source of vmdkvol (default: found from the current directory)")
	f.StringVar(&x.write, "write", "", "also keep new seeds, and write a page of Markdown with the hash of the sources that it speaks of")
	return cmd
}

func (x *fuzzing) run(cmd *cobra.Command) (err error) {
	ctx := cmd.Context()
	if x.length <= 0 {
		return badInput(fmt.Errorf("--time %v: want more than nothing", x.length))
	}
	if x.source == "" {
		if x.source, err = moduleRoot(ctx); err != nil {
			return err
		}
	}
	hash, err := sourceHash(x.source, fuzzSources) // before all work, as in mutants
	if err != nil {
		return badInput(err)
	}
	seeds, err := os.ReadDir(filepath.Join(x.source, filepath.FromSlash(fuzzSeeds)))
	if err != nil {
		return badInput(err)
	}
	r, err := x.fuzz(ctx, cmd.OutOrStdout())
	if err != nil || x.write == "" {
		return err
	}
	r.seeds = len(seeds)
	if r.added, err = x.keep(ctx); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d new seeds\n", r.added)
	if err := os.WriteFile(x.write, []byte(fuzzPage(r, hash)), 0o644); err != nil { //nolint:gosec // a page to read
		return badInput(err)
	}
	return nil
}

// fuzz runs the target and shows what it prints.
func (x *fuzzing) fuzz(ctx context.Context, out io.Writer) (r fuzzed, err error) {
	start := time.Now()
	// Without a bound the fuzzer spends a minute on making each of its finds smaller.
	text, err := x.gotool(ctx, out, "test", "-run", "^$", "-fuzz", "^"+fuzzTarget+"$", "-fuzztime", x.length.String(),
		"-fuzzminimizetime", "20x", fuzzPackage)
	if err != nil {
		return r, err
	}
	r, ok := parseFuzz(text)
	if !ok {
		return r, badInput(errors.New("the fuzzer said nothing of what it did"))
	}
	r.elapsed = time.Since(start).Round(time.Second).String()
	return r, nil
}

var fuzzLine = regexp.MustCompile(`execs: (\d+) .*new interesting: \d+ \(total: (\d+)\)`)

// parseFuzz reads the last line of progress.
func parseFuzz(text []byte) (r fuzzed, ok bool) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		m := fuzzLine.FindSubmatch(lines.Bytes())
		if m == nil {
			continue
		}
		r.execs, _ = strconv.Atoi(string(m[1])) // the pattern has digits only
		r.interesting, _ = strconv.Atoi(string(m[2]))
		ok = true
	}
	return r, ok
}

// gotool runs the go tool in the source and returns what it printed; out, if not nil, gets it, too.
func (x *fuzzing) gotool(ctx context.Context, out io.Writer, args ...string) ([]byte, error) {
	var text bytes.Buffer
	c := exec.CommandContext(ctx, "go", args...)
	c.Dir, c.Stdout = x.source, &text
	if out != nil {
		c.Stdout = io.MultiWriter(&text, out)
	}
	c.Stderr = c.Stdout
	err := c.Run()
	_, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case ctx.Err() != nil:
		return nil, badInput(context.Cause(ctx))
	case exited && out != nil: // it has said why
		return nil, errFound
	case err != nil:
		return nil, lacking(fmt.Errorf("go %s: %w\n%s", args[0], err, text.Bytes()))
	}
	return text.Bytes(), nil
}
