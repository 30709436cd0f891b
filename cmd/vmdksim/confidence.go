package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Confidence is what can be said of the schedules that were not run. It is exported for encoding/json, which cannot fill a
// pointer to what is not.
type Confidence struct {
	Complete          bool               `json:"complete"`           // there are no others
	Bound             int                `json:"bound"`              // every schedule with so many deviations was run; -1: none
	Position          string             `json:"position,omitempty"` // where --from goes on
	Miss              map[string]float64 `json:"miss_probability"`   // by depth of the bug
	DistinctTraces    int                `json:"distinct_traces"`
	DistinctHistories int                `json:"distinct_histories"`
	Unseen            float64            `json:"unseen_estimate"` // traces
	Novelty           float64            `json:"novelty"`         // probability that one more schedule has an unseen trace
	Tasks             int                `json:"tasks"`
	Choices           int                `json:"choices"`  // places where a schedule can go more than one way, the most
	Exceeded          int                `json:"exceeded"` // schedules with more such places than PCT was told of
	NeverFired        []string           `json:"faults_never_fired"`
	NeverTrue         []string           `json:"sometimes_never"`
}

// sure sums up what a hunt has seen.
func sure(q *quarry) *Confidence {
	c := &Confidence{
		Complete: q.complete, Bound: q.bound, Position: q.position, Miss: map[string]float64{},
		DistinctTraces: q.coverage.Traces(), DistinctHistories: q.coverage.Histories(),
		Unseen: q.coverage.Unseen(), Novelty: q.coverage.Novelty(),
		Tasks: q.Shape.Tasks, Choices: q.Shape.Choices, Exceeded: q.coverage.Exceeded,
		NeverFired: append([]string{}, q.coverage.FaultsNeverFired()...), NeverTrue: append([]string{}, q.coverage.NeverTrue()...),
	}
	for depth := 2; depth <= 4; depth++ {
		c.Miss[strconv.Itoa(depth)] = q.coverage.Miss(depth)
		if q.complete {
			c.Miss[strconv.Itoa(depth)] = 0
		}
	}
	if q.complete {
		c.Unseen, c.Novelty = 0, 0
	}
	return c
}

// tell says how sure one can be.
func (c *Confidence) tell(out io.Writer) {
	fmt.Fprintf(out, "seen: %s, %d histories; %s, up to %d places with a choice\n",
		plural(c.DistinctTraces, "trace"), c.DistinctHistories, plural(c.Tasks, "task"), c.Choices)
	switch {
	case c.Complete:
		fmt.Fprintln(out, "complete: there is no other schedule")
	default:
		fmt.Fprintf(out, "unseen: about %.0f traces at least; one more schedule shows a new one with p=%s\n", c.Unseen, probability(c.Novelty))
		fmt.Fprintf(out, "probability that a bug was missed: of depth 2 p<=%s, of depth 3 p<=%s, of depth 4 p<=%s\n",
			probability(c.Miss["2"]), probability(c.Miss["3"]), probability(c.Miss["4"]))
	}
	if c.Exceeded > 0 {
		fmt.Fprintf(out, "%s had more places with a choice than PCT was told of; what it was told before does not count\n", plural(c.Exceeded, "schedule"))
	}
	if c.Bound >= 0 {
		fmt.Fprintf(out, "bound: every schedule with up to %s was run\n", plural(c.Bound, "deviation"))
	}
	if c.Position != "" && !c.Complete {
		fmt.Fprintf(out, "go on with: --from %s\n", c.Position)
	}
	if len(c.NeverFired) > 0 {
		fmt.Fprintf(out, "faults that never happened: %s\n", strings.Join(c.NeverFired, ", "))
	}
	if len(c.NeverTrue) > 0 {
		fmt.Fprintf(out, "what sometimes holds never did: %s\n", strings.Join(c.NeverTrue, ", "))
	}
}

// probability is p in as few characters as say enough.
func probability(p float64) string {
	switch {
	case p < 1e-9:
		return "1e-9"
	case p > 0.9999 && p < 1:
		return "0.9999"
	}
	return strconv.FormatFloat(p, 'g', 2, 64)
}
