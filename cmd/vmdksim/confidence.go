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
	Judged            int                `json:"judged"`          // different histories of volumes; each job counts its own
	Undecided         int                `json:"undecided"`       // of these, a judge could not say whether they are linearizable
	Unseen            float64            `json:"unseen_estimate"` // traces
	Novelty           float64            `json:"novelty"`         // probability that one more schedule has an unseen trace
	Tasks             int                `json:"tasks"`
	Choices           int                `json:"choices"`              // places where a schedule can go more than one way, the most
	Exceeded          int                `json:"exceeded"`             // schedules with more such places than PCT was told of
	Faults            int                `json:"faults_allowed"`       // to each run
	NeverFired        []string           `json:"faults_never_fired"`   // though runs came to them
	NeverReached      []string           `json:"faults_never_reached"` // kinds that no run came to
	NeverTrue         []string           `json:"sometimes_never"`
}

// sure sums up what a hunt has seen.
func sure(q *quarry) *Confidence {
	c := &Confidence{
		Complete: q.complete, Bound: q.bound, Position: q.position, Miss: map[string]float64{},
		DistinctTraces: q.coverage.Traces(), DistinctHistories: q.coverage.Histories(),
		Judged: q.judged, Undecided: q.undecided,
		Unseen: q.coverage.Unseen(), Novelty: q.coverage.Novelty(),
		Tasks: q.Shape.Tasks, Choices: q.Shape.Choices, Exceeded: q.coverage.Exceeded,
		Faults: q.faults, NeverFired: append([]string{}, q.coverage.FaultsNeverFired()...),
		NeverReached: append([]string{}, q.coverage.NeverReached(q.kinds)...),
		NeverTrue:    append([]string{}, q.coverage.NeverTrue(q.sometimes...)...),
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
	if c.Undecided > 0 {
		fmt.Fprintf(out, "undecided: of %d of %d histories of volumes it is not known whether they are linearizable\n", c.Undecided, c.Judged)
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
	if c.Faults == 0 {
		fmt.Fprintln(out, "faults: none were allowed; --faults 1 allows each run one")
	} else {
		told(out, "faults that never happened", c.NeverFired)
		told(out, "faults that no run came to", points(c.NeverReached))
	}
	told(out, "what sometimes holds never did", c.NeverTrue)
}

// told lists names, if there are any.
func told(out io.Writer, what string, names []string) {
	if len(names) > 0 {
		fmt.Fprintf(out, "%s: %s\n", what, strings.Join(names, ", "))
	}
}

// points shortens a sorted list of op:fault to its ops.
func points(kinds []string) []string {
	var ops []string
	for _, k := range kinds {
		if op, _, _ := strings.Cut(k, ":"); len(ops) == 0 || ops[len(ops)-1] != op {
			ops = append(ops, op)
		}
	}
	return ops
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
