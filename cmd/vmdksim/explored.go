package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// explored is explore --json, and with fewer fields shrink --json. Its fields may grow and never change meaning.
type explored struct {
	Found       bool   `json:"found"`
	Strategy    string `json:"strategy,omitempty"`
	Seed        uint64 `json:"seed"`
	Schedules   int    `json:"schedules"`
	Steps       int    `json:"steps"`
	ElapsedMS   int64  `json:"elapsed_ms"` // the shrinking included
	ElapsedUS   int64  `json:"elapsed_us"`
	SearchUS    int64  `json:"search_us"` // the search alone
	Interrupted bool   `json:"interrupted,omitempty"`

	// Of the failure, shrunk.
	Operations  int    `json:"operations"`
	Deviations  int    `json:"deviations"`
	Proved      bool   `json:"proved"` // no schedule with fewer deviations fails
	Preemptions int    `json:"preemptions"`
	Faults      int    `json:"faults"`
	Early       int    `json:"early_timers"` // of the faults
	ShrinkRuns  int    `json:"shrink_runs"`
	Cut         string `json:"cut,omitempty"` // what ended the shrinking, so that the failure may be larger than need be
	Oracle      string `json:"oracle,omitempty"`
	Detail      string `json:"detail,omitempty"`
	File        string `json:"file,omitempty"`

	*Confidence
	proofRuns int
	mutated   string // see mutated
}

// write puts a failing scenario into a file.
func (e *explored) write(file string, s *scenarios.Script, header string) error {
	text := s.Text(header, e.minimum())
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // a scenario is for everyone to read
		return err
	}
	e.File = file
	return nil
}

// minimum says how small the failure is.
func (e *explored) minimum() string {
	proof := "proved minimal"
	switch {
	case e.Proved:
	case e.Cut != "":
		proof = "not proved minimal: " + e.Cut + " ended it"
	default:
		proof = "none can be left out"
	}
	return fmt.Sprintf("%s (%s, %d schedules), %s", plural(e.Deviations, "deviation"), proof, e.proofRuns, plural(e.Operations, "operation"))
}

func plural(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return strconv.Itoa(n) + " " + of + "s"
}

func (e *explored) print(out io.Writer, asJSON bool, found *scenarios.Shrunk) error {
	if asJSON {
		return json.NewEncoder(out).Encode(e)
	}
	return e.tell(out, found)
}

// shrink makes the failure small and counts what is left.
func (e *explored) shrink(script *scenarios.Script, res *explore.Result, o explore.Options, proof int) (*scenarios.Shrunk, error) {
	s := scenarios.Shrunk{Script: script.WithSchedule(res.Deviations), Result: *res}
	s.Minimized.Deviations = res.Deviations
	if res.Failure.Oracle != explore.NondeterminismOracle { // that one has no schedule
		var err error
		if s, err = scenarios.Shrink(script, res.Deviations, o, proof); err != nil {
			return nil, err
		}
	}
	e.count(&s)
	return &s, nil
}

// count takes over what a shrunk failure is.
func (e *explored) count(s *scenarios.Shrunk) {
	e.Found = true
	e.Oracle, e.Detail = s.Result.Failure.Oracle, s.Result.Failure.Detail
	e.Operations, e.Proved, e.ShrinkRuns, e.proofRuns = operations(s.Script), s.Minimized.Proved, s.Runs, s.Minimized.Runs
	switch {
	case s.Stopped:
		e.Cut = "Ctrl-C"
	case s.Exhausted:
		e.Cut = "the bound on steps"
	}
	for _, d := range s.Minimized.Deviations {
		e.Deviations++
		if d.Early() {
			e.Early++
		}
		if d.Preemption() {
			e.Preemptions++
		}
		if d.Costs() {
			e.Faults++
		}
	}
}

func operations(s *scenarios.Script) int {
	n := 0
	for _, c := range s.Clients {
		n += len(c.Ops)
	}
	return n
}
