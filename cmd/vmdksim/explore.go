package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
	ShrinkRuns  int    `json:"shrink_runs"`
	Oracle      string `json:"oracle,omitempty"`
	Detail      string `json:"detail,omitempty"`
	File        string `json:"file,omitempty"`

	*Confidence
	proofRuns int
}

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

// exploration is what explore is told.
type exploration struct {
	strategy  string
	seed      uint64
	schedules int
	budget    time.Duration
	faults    int
	jobs      int
	shard     string
	from      string
	proof     int
	out       string
	asJSON    bool
}

// defaultSchedules bounds an exploration that nothing else bounds, defaultProof a proof.
const (
	defaultSchedules = 100_000
	defaultProof     = 100_000
)

func newExplore() *cobra.Command {
	var x exploration
	var mutant, source string
	cmd := &cobra.Command{
		Use:   "explore FILE",
		Short: "Search the schedules of a scenario for one that fails",
		Long: "explore runs what FILE starts under many schedules until an oracle objects. Then it takes away what the failure does\n" +
			"not need, clients and operations as well as deviations, proves that no schedule with fewer deviations fails, shows\n" +
			"the run as a table and writes it as a scenario file. The file's own schedule and expectations play no part.\n" +
			"Failing or not, it says how sure one can be. Exit status 1 means found.\n\n" +
			"Strategies:\n" +
			"  portfolio  a mixture of those below; the default\n" +
			"  random     any task that can go on\n" +
			"  pct:D      finds bugs of depth D with a known probability\n" +
			"  pos        samples partial orders: conflicting steps in random order\n" +
			"  delay:D    the default schedule with D random delays\n" +
			"  idb:B      every schedule with 0 deviations, then 1, ... up to B; without B until all are done\n" +
			"  dfs        one schedule of every trace, which is a proof if it ends\n" +
			"  default    the sequential schedule, once\n\n" +
			"How many jobs there are changes the speed, not what is found; dfs has but one.",
		Example: "  vmdksim explore scenarios/mount-two-containers.scn\n" +
			"  vmdksim explore scenarios/mount-two-containers.scn --mutant pr810-merged --seed 7 --out found.scn\n" +
			"  vmdksim explore scenarios/attach-storm.scn --budget 30s -j 2\n" +
			"  vmdksim explore scenarios/mount-fails.scn --strategy idb:2 --faults 1 --shard 1/4 --json",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if mutant != "" {
				return uninterrupted(cmd.Context(), rerun(cmd, mutant, source))
			}
			if err := x.check(cmd); err != nil {
				return badInput(err)
			}
			script, err := parseFile(args[0])
			if err != nil {
				return err
			}
			return x.explore(cmd, script)
		},
	}
	f := cmd.Flags()
	f.StringVar(&x.strategy, "strategy", "portfolio", "how to choose schedules: "+strings.Join(explore.StrategyNames(), ", "))
	f.Uint64Var(&x.seed, "seed", 1, "of the random schedules")
	f.IntVar(&x.schedules, "schedules", defaultSchedules, "try at most so many; with --budget, no limit unless given")
	f.DurationVar(&x.budget, "budget", 0, "stop after this time, such as 30s (default: none)")
	f.IntVar(&x.faults, "faults", 0, "faults that one run may have (default: what FILE says)")
	f.IntVarP(&x.jobs, "jobs", "j", 1, "schedules run at the same time")
	f.StringVar(&x.shard, "shard", "1/1", "the i-th of n parts of the schedules: i/n")
	f.StringVar(&x.from, "from", "", "where an earlier --strategy idb stopped")
	f.IntVar(&x.proof, "proof", defaultProof, "schedules that may be spent on proving that the deviations are as few as can be")
	f.StringVar(&x.out, "out", "", "write the failing scenario here (default: found-FILE in the current directory)")
	f.BoolVar(&x.asJSON, "json", false, "print one JSON object instead of text")
	mutantFlags(cmd, &mutant, &source)
	return cmd
}

// uninterrupted takes away the error of a program that Ctrl-C ended and that had nothing to report.
func uninterrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

func (x *exploration) check(cmd *cobra.Command) error {
	if x.budget > 0 && !cmd.Flags().Changed("schedules") {
		x.schedules = math.MaxInt / 2
	}
	shard, shards, err := parseShard(x.shard)
	if err != nil {
		return err
	}
	switch {
	case x.schedules < 1 || x.jobs < 1:
		return errors.New("--schedules and --jobs must be at least 1")
	case x.budget < 0 || x.faults < 0 || x.proof < 0:
		return errors.New("--budget, --faults and --proof must not be negative")
	}
	_, err = explore.NewStrategy(x.strategy, x.seed, shard, shards)
	return err
}

func (x *exploration) explore(cmd *cobra.Command, script *scenarios.Script) error {
	out := cmd.OutOrStdout()
	rep, found, err := x.search(cmd, script)
	if err != nil {
		return badInput(err)
	}
	if rep.Found {
		if x.out == "" {
			x.out = "found-" + filepath.Base(script.File)
		}
		header := fmt.Sprintf("found by vmdksim explore --strategy %s --seed %d in schedule %d; %s: %s",
			x.strategy, x.seed, rep.Schedules, rep.Oracle, oneLine(rep.Detail))
		if err := rep.write(x.out, found.Script, header); err != nil {
			return badInput(err)
		}
	}
	if err := rep.print(out, x.asJSON, found); err != nil {
		return err
	}
	if rep.Found {
		return errFound
	}
	return nil
}

// write puts a failing scenario into a file.
func (e *explored) write(file string, s *scenarios.Script, header string) error {
	e.File = file
	text := s.Text(header, e.minimum())
	return os.WriteFile(file, []byte(text), 0o644) //nolint:gosec // a scenario is for everyone to read
}

// minimum says how small the failure is.
func (e *explored) minimum() string {
	proof := "proved minimal"
	if !e.Proved {
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

// search explores and returns, if it found something, the minimal failing scenario.
func (x *exploration) search(cmd *cobra.Command, script *scenarios.Script) (explored, *scenarios.Shrunk, error) {
	shard, shards, err := parseShard(x.shard)
	if err != nil {
		return explored{}, nil, err
	}
	start := time.Now()
	h := hunt{
		script: script, strategy: x.strategy, seed: x.seed, shard: shard, shards: shards, from: x.from, schedules: x.schedules,
		budget: x.budget, options: explore.Options{Faults: x.faults}, jobs: x.jobs, progress: progressTo(cmd.ErrOrStderr()),
	}
	q, err := h.run(cmd.Context())
	if err != nil {
		return explored{}, nil, err
	}
	e := explored{
		Found: q.Found, Strategy: x.strategy, Schedules: q.Schedules, Steps: q.Steps, Seed: x.seed,
		SearchUS: time.Since(start).Microseconds(), Interrupted: cmd.Context().Err() != nil, Confidence: sure(q),
		Operations: operations(script),
	}
	var found *scenarios.Shrunk
	if q.Found {
		if found, err = e.shrink(script, &q.Result, explore.Options{Faults: x.faults}, x.proof); err != nil {
			return explored{}, nil, err
		}
	}
	e.ElapsedMS, e.ElapsedUS = time.Since(start).Milliseconds(), time.Since(start).Microseconds()
	return e, found, nil
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
	for _, d := range s.Minimized.Deviations {
		e.Deviations++
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

// tell says what was found, for a human.
func (e *explored) tell(out io.Writer, found *scenarios.Shrunk) error {
	if !e.Found {
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
	if e.Confidence != nil {
		e.Confidence.tell(out)
	}
	if e.File != "" {
		fmt.Fprintf(out, "written to %s; replay it with: vmdksim run --table %s\n", e.File, e.File)
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

func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
