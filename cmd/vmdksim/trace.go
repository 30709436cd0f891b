package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"vmdkvol/scenarios"
)

// difference is where a run left its trace.
type difference struct {
	Line   int      `json:"line"`  // of the trace's file
	Event  int      `json:"event"` // number, from 1
	Before []string `json:"before,omitempty"`
	Was    string   `json:"was"` // in the trace; "": it is over
	Is     string   `json:"is"`  // now; "": the run is over

	fatal bool
}

// record writes the trace of a run.
func (r *replaying) record(file, text string, o *scenarios.Outcome) error {
	t, err := r.traced(filepath.Base(file), text, o)
	if err != nil {
		return err
	}
	return os.WriteFile(r.trace, []byte(t.String()), 0o644) //nolint:gosec // a trace is for everyone to read
}

func (r *replaying) traced(name, text string, o *scenarios.Outcome) (*scenarios.Trace, error) {
	if r.build == "" {
		var err error
		if r.build, err = thisBuild(); err != nil {
			return nil, fmt.Errorf("which build this is cannot be told: %w", err)
		}
	}
	return scenarios.NewTrace(r.build, name, text, o), nil
}

// retrace replays a trace. Strictly, every event must be the same, which can be asked of the same build only.
func (r *replaying) retrace(out io.Writer, file, text string) (replayed, error) {
	switch {
	case r.rewrites:
		return replayed{}, fmt.Errorf("%s is a trace, and expects nothing that --update could rewrite", file)
	case r.trace == file:
		return replayed{}, errors.New("--trace " + file + " would write over the trace that it replays")
	}
	t, err := scenarios.ParseTrace(file, text)
	if err != nil {
		return replayed{}, err
	}
	script, err := t.Script()
	if err != nil {
		return replayed{}, err
	}
	o, err := r.replay(script)
	if err != nil {
		return replayed{}, err
	}
	now, err := r.traced(t.Name, t.Scenario, o)
	if err != nil {
		return replayed{}, err
	}
	if !r.lenient && word(t.Build) != word(now.Build) {
		return replayed{}, fmt.Errorf("%s:2: the trace is of build %s, and this is build %s: only the same build takes the same steps; "+
			"replay it with --lenient", file, t.Build, now.Build)
	}
	if r.trace != "" {
		if err := os.WriteFile(r.trace, []byte(now.String()), 0o644); err != nil { //nolint:gosec // a trace is for everyone to read
			return replayed{}, err
		}
	}
	rep := r.report(file, o)
	if d := t.Compare(now); d != nil {
		rep.Differs = &difference{Line: d.Line, Event: d.At, Before: d.Before, Was: d.Was, Is: d.Is, fatal: !r.lenient}
		rep.OK = rep.OK && r.lenient
	}
	r.tell(out, &rep, o)
	return rep, nil
}

// tell shows the two events and what they have in common before.
func (d *difference) tell(out io.Writer) {
	if d == nil {
		return
	}
	if !d.fatal {
		fmt.Fprintf(out, "     not the same run: event %d (line %d) was %s, and is %s\n", d.Event, d.Line, orEnd(d.Was), orEnd(d.Is))
		return
	}
	fmt.Fprintf(out, "     event %d (line %d of the trace) differs:\n", d.Event, d.Line)
	for _, e := range d.Before {
		fmt.Fprintf(out, "         %s\n", e)
	}
	fmt.Fprintf(out, "  trace: %s\n  now:   %s\n", orEnd(d.Was), orEnd(d.Is))
}

func orEnd(event string) string {
	if event == "" {
		return "the end"
	}
	return event
}

// word is what identifies a build; the rest of its line is for humans.
func word(build string) string {
	w, _, _ := strings.Cut(build, " ")
	return w
}

// thisBuild identifies the program by its own bytes: those of a mutant, or of sources with a change that was never
// committed, have the same revision.
func thisBuild() (string, error) {
	file, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(file) //nolint:gosec // it is this program
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	build := hex.EncodeToString(h.Sum(nil)[:8])
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build, nil
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			build += " revision " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			build += " changed"
		}
	}
	return build, nil
}
