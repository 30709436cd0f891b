package main

import (
	"fmt"
	"io"
	"strings"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// tell says what was found, for a human.
func (e *explored) tell(out io.Writer, found *scenarios.Shrunk) error {
	if !e.Found {
		if e.Interrupted {
			fmt.Fprint(out, "interrupted: ")
		}
		fmt.Fprintf(out, "%s passed, none failed (%d steps, %d ms, strategy %s, seed %d)\n",
			plural(e.Schedules, "schedule"), e.Steps, e.ElapsedMS, e.Strategy, e.Seed)
		e.Confidence.tell(out)
		return nil
	}
	if e.Schedules > 0 {
		fmt.Fprintf(out, "found in schedule %d (%d ms, strategy %s, seed %d)\n", e.Schedules, e.ElapsedMS, e.Strategy, e.Seed)
	}
	fmt.Fprintf(out, "shrunk to %s, %s:\n\n", e.minimum(), plural(e.Preemptions, "preemption"))
	for _, c := range found.Script.Clients {
		ops := make([]string, len(c.Ops))
		for i, o := range c.Ops {
			ops[i] = o.String()
		}
		fmt.Fprintf(out, "  start %s: %s\n", c.Name, strings.Join(ops, "; "))
	}
	for _, d := range found.Script.Schedule {
		fmt.Fprintf(out, "  %s\n", d)
	}
	stage, err := scenarios.NewStage(found.Script)
	if err != nil {
		return err
	}
	defer stage.Close()
	o, err := stage.Replay(true)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n%s: %s\n", scenarios.Table(o.Events), e.Oracle, e.Detail)
	why(out, found.Explanation)
	if e.Early > 1 {
		fmt.Fprintf(out, "it rests on %d early timers: everything else was that slow, while the driver counts on ESX to execute within 2s what it has received\n", e.Early)
	}
	if e.Confidence != nil {
		e.Confidence.tell(out)
	}
	if e.File != "" {
		fmt.Fprintf(out, "written to %s; replay it with: vmdksim run --table%s %s\n", e.File, e.mutated, e.File)
	}
	return nil
}

// why shows the nearest schedule that passes.
func why(out io.Writer, x *explore.Explanation) {
	if x == nil {
		return
	}
	verb := "without"
	if x.Added {
		verb = "with"
	}
	fmt.Fprintf(out, "it passes %s: %s\n", verb, x.Flipped)
	fmt.Fprintf(out, "after %s in common, what decides is that\n  %s\ncomes before, or instead of,\n  %s\n",
		plural(x.Common, "event"), eventText(x.Failing), eventText(x.Instead))
}

func eventText(e explore.Event) string {
	var words []string
	if e.Task != "" {
		words = append(words, e.Task)
	}
	if e.Kind != explore.StepEvent && e.Kind != explore.VisibleEvent {
		words = append(words, e.Kind.String())
	}
	if e.Point.Op != "" {
		words = append(words, e.Point.String())
	}
	if e.Text != "" {
		words = append(words, oneLine(e.Text))
	}
	if len(words) == 0 {
		return "the end"
	}
	return strings.Join(words, " ")
}

func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
