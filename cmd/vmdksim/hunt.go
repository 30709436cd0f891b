package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// hunt searches the schedules of one script, on several cores if asked to. How many they are does not change what is
// found: the failure in the run with the lowest number wins, and of idb the first in its order.
type hunt struct {
	script        *scenarios.Script
	strategy      string
	seed          uint64
	shard, shards int
	from          string // where idb goes on
	schedules     int
	budget        time.Duration // 0: none
	options       explore.Options
	jobs          int
	progress      func(string)

	start time.Time
	mu    sync.Mutex // guards what follows
	done  int        // schedules of searches that have ended
	best  *caught
	shown time.Time
}

// caught is the best failure so far.
type caught struct {
	report  explore.Report
	bounded *explore.Bounded // that found it, if that is the strategy
}

// quarry is what a hunt brings back.
type quarry struct {
	explore.Report
	coverage *explore.Coverage
	bound    int    // deviations up to which everything was run, -1 if nothing was
	position string // where idb can go on, "" if nowhere
	complete bool   // there is no other schedule, in any shard

	judged, undecided int // different histories of volumes, and those of which a judge could not say

	faults    int      // that a run could have
	kinds     []string // of faults that its runs can have
	sometimes []string // what its runs can say to the coverage
}

// worker is one core's share.
type worker struct {
	stage    *scenarios.Stage
	strategy explore.Strategy
	bounded  *explore.Bounded // of the strategy, if it has one
	coverage explore.Coverage
}

func (h *hunt) worker(shard, shards int) (*worker, error) {
	s, err := explore.NewStrategy(h.strategy, h.seed, shard, shards)
	if err != nil {
		return nil, err
	}
	w := &worker{strategy: s}
	switch s := s.(type) {
	case *explore.Bounded:
		w.bounded = s
	case *explore.Portfolio:
		w.bounded = s.Bounded()
	}
	if h.from != "" {
		b, ok := s.(*explore.Bounded)
		if !ok || h.jobs > 1 {
			return nil, fmt.Errorf("--from is for --strategy idb with one job")
		}
		if err := b.Resume(h.from); err != nil {
			return nil, err
		}
	}
	w.stage, err = scenarios.NewStage(h.script)
	return w, err
}

// run hunts until something is found, all is done, or ctx or the budget ends.
func (h *hunt) run(ctx context.Context) (*quarry, error) {
	h.start = time.Now()
	defer h.progress("")
	first, err := h.worker(h.shard, h.shards)
	if err != nil {
		return nil, err
	}
	var q *quarry
	_, bounded := first.strategy.(*explore.Bounded)
	switch {
	case h.jobs == 1 || !bounded && explore.InOrder(first.strategy, 0) || h.strategy == "default":
		q, err = h.alone(ctx, first)
	case bounded:
		first.stage.Close()
		return h.bounded(ctx)
	default:
		q, err = h.rounds(ctx, first)
	}
	first.stage.Close()
	return q, err
}

func (h *hunt) search(w *worker) explore.Search {
	return explore.Search{Strategy: w.strategy, Schedules: h.schedules, Options: h.options, Coverage: &w.coverage}
}

func (h *hunt) alone(ctx context.Context, w *worker) (*quarry, error) {
	search := h.search(w)
	if h.strategy == "default" {
		search.Schedules = 1
	}
	search.Progress = func(n int) bool { return h.goOn(ctx, w, n) }
	rep, err := w.stage.Search(search)
	return h.gather(rep, w), err
}

// goOn shows the progress and says whether there is time left.
func (h *hunt) goOn(ctx context.Context, shows *worker, schedules int) bool {
	elapsed := time.Since(h.start)
	h.mu.Lock()
	defer h.mu.Unlock()
	if shows != nil && time.Since(h.shown) > 200*time.Millisecond {
		h.shown = time.Now()
		n := h.done + schedules
		line := fmt.Sprintf("%d schedules, %.0f/s", n, float64(n)/elapsed.Seconds())
		line += fmt.Sprintf(", %.0f s left", math.Ceil(h.left(elapsed, n).Seconds()))
		if b := shows.bounded; b != nil {
			line += fmt.Sprintf(", bound %d done, at %s", b.Bound(), b.Position())
		}
		h.progress(line)
	}
	return ctx.Err() == nil && (h.budget == 0 || elapsed < h.budget)
}

// left is the time until the budget or the schedules end, as fast as it went so far.
func (h *hunt) left(elapsed time.Duration, schedules int) time.Duration {
	left := time.Duration(float64(elapsed) / float64(max(1, schedules)) * float64(h.schedules-schedules))
	if h.budget > 0 && (left < 0 || left > h.budget-elapsed) { // with a budget there are schedules without end
		left = h.budget - elapsed
	}
	return max(0, left)
}

// gather makes a quarry of the report and of what the workers know.
func (h *hunt) gather(rep explore.Report, workers ...*worker) *quarry {
	q := &quarry{Report: rep, coverage: &workers[0].coverage, bound: -1, faults: h.options.Faults}
	if q.faults == 0 {
		q.faults = h.script.Faults
	}
	q.kinds = h.script.FaultKinds()
	q.sometimes = h.script.Sometimes(q.faults > 0)
	for _, w := range workers[1:] {
		q.coverage.Merge(&w.coverage)
	}
	q.Shape.Add(q.coverage.Shape)
	for _, w := range workers {
		judged, undecided := w.stage.Opinions()
		q.judged, q.undecided = q.judged+judged, q.undecided+undecided
	}
	exhausted := rep.Complete
	for i, w := range workers {
		if w.bounded == nil {
			break
		}
		if i == 0 || w.bounded.Bound() < q.bound {
			q.bound = w.bounded.Bound()
		}
		if _, mixed := w.strategy.(*explore.Portfolio); mixed { // then one worker does all of them
			exhausted = w.bounded.Exhausted()
			break
		}
		exhausted = exhausted && w.bounded.Exhausted()
		if len(workers) == 1 && !rep.Complete && !rep.Found && w.bounded.More() {
			q.position = w.bounded.Position()
		}
	}
	q.complete = exhausted && h.shards == 1 && !rep.Found
	return q
}

// chunk is how many run numbers are dealt out at once.
const chunk = 256

// rounds deals out runs by their numbers. Whatever a run is told of others is told between rounds, so that it does not
// matter who makes it. What goes on from run to run is the first worker's.
func (h *hunt) rounds(ctx context.Context, first *worker) (*quarry, error) {
	workers := []*worker{first}
	for range h.jobs - 1 {
		w, err := h.worker(h.shard, h.shards)
		if err != nil {
			return nil, err
		}
		defer w.stage.Close()
		workers = append(workers, w)
	}
	var total explore.Report
	var failed error
	for from := 0; from < h.schedules && h.best == nil && failed == nil && h.goOn(ctx, nil, 0); {
		to := min(explore.NextRound(from), h.schedules)
		next := from
		take := func() (int, bool) {
			h.mu.Lock()
			defer h.mu.Unlock()
			n := next
			next += chunk
			return n, n < to && failed == nil && (h.best == nil || n < h.best.report.Run)
		}
		shape := total.Shape
		part := func(w *worker, from, to int, inOrder bool) {
			search := h.search(w)
			search.From, search.Schedules, search.Shape = from, to-from, shape
			search.Only = func(n int) bool { return explore.InOrder(w.strategy, n) == inOrder }
			shows := first
			if w != first {
				shows = nil
			}
			search.Progress = func(n int) bool { return h.goOn(ctx, shows, n) }
			rep, err := w.stage.Search(search)
			h.mu.Lock()
			defer h.mu.Unlock()
			if err != nil {
				failed = err
			}
			h.done += rep.Schedules
			total.Steps += rep.Steps
			total.Shape.Add(rep.Shape)
			if rep.Found && (h.best == nil || rep.Run < h.best.report.Run) {
				h.best = &caught{report: rep}
			}
		}
		var wg sync.WaitGroup
		for _, w := range workers {
			wg.Go(func() {
				if w == first {
					part(w, from, to, true)
				}
				for n, ok := take(); ok; n, ok = take() {
					if h.goOn(ctx, nil, 0) {
						part(w, n, min(n+chunk, to), false)
					}
				}
			})
		}
		wg.Wait()
		from = to
	}
	total.Schedules = h.done
	if h.best != nil {
		total.Found, total.Result, total.Run = true, h.best.report.Result, h.best.report.Run
		total.Schedules = total.Run + 1
	}
	return h.gather(total, workers...), failed
}

// bounded divides idb into shards, one per job.
func (h *hunt) bounded(ctx context.Context) (*quarry, error) {
	var workers []*worker
	for i := range h.jobs {
		w, err := h.worker(h.shard+h.shards*i, h.shards*h.jobs)
		if err != nil {
			return nil, err
		}
		defer w.stage.Close()
		workers = append(workers, w)
	}
	total := explore.Report{Complete: true}
	var failed error
	var wg sync.WaitGroup
	for _, w := range workers {
		wg.Go(func() {
			search := h.search(w)
			search.Schedules = max(1, h.schedules/h.jobs)
			search.Progress = func(n int) bool {
				shows := w
				if w != workers[0] {
					shows = nil
				}
				if !h.goOn(ctx, shows, n*h.jobs) {
					return false
				}
				h.mu.Lock()
				defer h.mu.Unlock()
				return h.best == nil || !h.best.bounded.Before(w.bounded)
			}
			rep, err := w.stage.Search(search)
			h.mu.Lock()
			defer h.mu.Unlock()
			if err != nil {
				failed = err
			}
			total.Schedules += rep.Schedules
			total.Steps += rep.Steps
			total.Complete = total.Complete && rep.Complete
			if rep.Found && (h.best == nil || w.bounded.Before(h.best.bounded)) {
				h.best = &caught{rep, w.bounded}
			}
		})
	}
	wg.Wait()
	if h.best != nil {
		total.Found, total.Result, total.Run = true, h.best.report.Result, h.best.report.Run
	}
	return h.gather(total, workers...), failed
}

// parseShard reads I/N.
func parseShard(text string) (i, n int, err error) {
	a, b, ok := strings.Cut(text, "/")
	if ok {
		i, err = strconv.Atoi(a)
	}
	if ok && err == nil {
		n, err = strconv.Atoi(b)
	}
	if !ok || err != nil || i < 1 || i > n {
		return 0, 0, fmt.Errorf("shard %q: want i/n with i from 1 to n", text)
	}
	return i, n, nil
}

// maxJobs is more than any machine has cores; each job has a world and a memory of its own.
const maxJobs = 1024

func checkJobs(n int) error {
	if n < 1 || n > maxJobs {
		return fmt.Errorf("--jobs %d must be at least 1 and at most %d", n, maxJobs)
	}
	return nil
}
