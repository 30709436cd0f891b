package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// certificate is verify --json. Its fields may grow and never change meaning.
type certificate struct {
	Complete   bool   `json:"complete"` // every trace of every program was run, every history was judged, and none failed
	Clients    int    `json:"clients"`
	Ops        int    `json:"ops"`
	Faults     int    `json:"faults"`
	Programs   int    `json:"programs"`
	Skipped    int    `json:"skipped"` // programs not explored to their end
	Traces     int    `json:"traces"`
	Runs       int    `json:"runs"`
	Audited    int    `json:"audited"` // pairs of steps that commute, run in both orders
	ElapsedMS  int64  `json:"elapsed_ms"`
	Violations int    `json:"violations"`
	Undecided  int    `json:"undecided"`       // different histories of which a judge could not say whether they are linearizable
	First      string `json:"first,omitempty"` // the first failing program with its schedule
	Oracle     string `json:"oracle,omitempty"`
	Detail     string `json:"detail,omitempty"`
	Hash       string `json:"hash"` // of all runs, in the order of the programs

	hash explore.Hash
}

type verification struct {
	scope      scenarios.Scope
	limit      int
	audit      int
	jobs       int
	shard      string
	violations int
	asJSON     bool
	locks      string
	resume     string        // file for progress, "" for none
	saveEvery  time.Duration // how often that is written
	progress   func(string)  // shows a line, and "" takes it away

	counted func(programs int) // for tests: so many programs have been added up
}

func newVerify() *cobra.Command {
	v := verification{saveEvery: 10 * time.Second}
	var mutant, source string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Explore every program of a small scope completely",
		Long: "verify runs every program of CLIENTS clients that do OPS operations each (create, remove, get, mount and unmount with\n" +
			"two mount IDs) on one volume that is absent, created, mounted once or mounted twice, under every schedule and with\n" +
			"up to FAULTS faults anywhere from then on, and prints a certificate. Programs that differ only in the order of their clients or\n" +
			"in the names of the mount IDs count once; schedules that differ only in the order of steps that commute are run once.",
		Example: "  vmdksim verify --clients 2 --ops 2\n  vmdksim verify --clients 2 --ops 1 --faults 1 --json\n" +
			"  vmdksim verify --clients 2 --ops 2 --mutant pr810-merged\n  vmdksim verify --clients 2 --ops 3 --resume ops3.json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if mutant != "" {
				return rerun(cmd, mutant, source)
			}
			if err := v.check(); err != nil {
				return badInput(err)
			}
			v.progress = progressTo(cmd.ErrOrStderr())
			var c *certificate
			err := watched(cmd, func(w *explore.Watchdog) (err error) {
				c, err = v.run(cmd.Context(), w)
				return err
			})
			if err != nil {
				return err
			}
			if v.asJSON {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(c)
			} else {
				c.tell(cmd.OutOrStdout())
			}
			if err == nil && c.Violations > 0 {
				return errFound
			}
			return err
		},
	}
	f := cmd.Flags()
	f.IntVar(&v.scope.Clients, "clients", 2, "how many clients")
	f.IntVar(&v.scope.Ops, "ops", 2, "operations of each client")
	f.IntVar(&v.scope.Faults, "faults", 0, "faults of each run")
	f.StringVar(&v.locks, "locks", explore.Barging.String(), "how locks are handed on: barging, or go as sync.Mutex does")
	f.IntVar(&v.limit, "limit", 10_000_000, "skip the rest of a program after so many runs")
	f.IntVar(&v.audit, "audit", 1000, "of so many pairs of steps that commute, run one in both orders")
	f.IntVarP(&v.jobs, "jobs", "j", runtime.NumCPU(), "programs explored at once")
	f.StringVar(&v.shard, "shard", "1/1", "only every n-th program, the i-th of each n: i/n")
	f.IntVar(&v.violations, "violations", 1, "stop after so many failing programs")
	f.BoolVar(&v.asJSON, "json", false, "print one JSON object instead of text")
	f.StringVar(&v.resume, "resume", "", "keep the progress in this file, now and then and on Ctrl-C, and go on from it if it is there")
	mutantFlags(cmd, &mutant, &source)
	return cmd
}

// check refuses a scope that would prove nothing: an empty proof must not look like one.
func (v *verification) check() error {
	switch {
	case v.scope.Clients < 1 || v.scope.Ops < 1 || v.scope.Faults < 0:
		return errors.New("verify needs at least one client and one operation, and --faults not below 0")
	case v.limit < 1 || v.audit < 1 || v.violations < 1:
		return errors.New("--limit, --audit and --violations must be at least 1")
	}
	return checkJobs(v.jobs)
}

// run explores the programs, several at once, and adds up the proofs in the order of the programs.
func (v *verification) run(ctx context.Context, w *explore.Watchdog) (*certificate, error) {
	shard, shards, err := parseShard(v.shard)
	if err != nil {
		return nil, badInput(err)
	}
	locks, err := explore.ParseLockModel(v.locks)
	if err != nil {
		return nil, badInput(err)
	}
	start := time.Now()
	p, err := v.begin()
	if err != nil {
		return nil, err
	}
	c := &p.Certificate
	before := c.ElapsedMS
	pace := newPace(v, c.Programs, c.Runs, shard, shards)
	defer v.show("")
	type job struct {
		program *scenarios.Script
		proof   scenarios.Proof
		err     error
		done    chan struct{}
	}
	todo, order := make(chan *job), make(chan *job, 64*v.jobs)
	stop := make(chan struct{})
	go func() {
		defer close(order)
		defer close(todo)
		n, skip := 0, c.Programs
		if v.finished(c) {
			return
		}
		for p := range v.scope.Programs() {
			if n++; n%shards != shard%shards {
				continue
			}
			if skip--; skip >= 0 {
				continue
			}
			p.Locks = locks
			j := &job{program: p, done: make(chan struct{})}
			select {
			case order <- j:
			case <-stop:
				return
			}
			todo <- j
		}
	}()
	proving, halt := context.WithCancel(ctx)
	var workers sync.WaitGroup
	for range v.jobs {
		workers.Go(func() {
			r := explore.NewRunner()
			defer r.Close()
			prover := scenarios.NewProver(r)
			for j := range todo {
				j.proof, j.err = prover.Prove(proving, j.program, explore.Options{Watchdog: w},
					scenarios.Effort{Runs: v.limit, Audit: v.audit})
				close(j.done)
			}
		})
	}
	defer workers.Wait()
	defer func() {
		for range order { // let the workers finish what was handed out
		}
	}()
	defer close(stop)
	defer halt()
	saved := time.Now()
	c.Complete = false // until the end, in what is saved too
	all := true
	for j := range order {
		<-j.done
		if j.err != nil {
			return nil, badInput(j.err)
		}
		if ctx.Err() != nil {
			all = false
			break // what is half explored does not count
		}
		c.add(&j.proof)
		if line := pace.line(c); line != "" {
			v.show(line)
		}
		if v.counted != nil {
			v.counted(c.Programs)
		}
		c.ElapsedMS = before + time.Since(start).Milliseconds()
		if time.Since(saved) >= v.saveEvery {
			if err := v.save(p); err != nil {
				return nil, err
			}
			saved = time.Now()
		}
		if v.finished(c) {
			break
		}
	}
	c.Complete = all && c.Skipped == 0 && c.Violations == 0 && c.Undecided == 0
	c.ElapsedMS = before + time.Since(start).Milliseconds()
	return c, v.save(p)
}

func (v *verification) show(line string) {
	if v.progress != nil {
		v.progress(line)
	}
}

// finished reports whether enough failing programs have been found.
func (v *verification) finished(c *certificate) bool { return c.Violations >= v.violations }

// add counts one more program.
func (c *certificate) add(proof *scenarios.Proof) {
	c.Programs++
	c.Traces += proof.Traces
	c.Runs += proof.Runs
	c.Audited += proof.Audited
	c.Undecided += proof.Undecided
	c.hash = c.hash.Mix(uint64(proof.Hash))
	c.Hash = c.hash.String()
	switch {
	case proof.Failing != nil:
		if c.Violations++; c.Violations == 1 {
			c.First = proof.Failing.Text()
			c.Oracle, c.Detail = proof.Failure.Oracle, proof.Failure.Detail
		}
	case !proof.Complete:
		c.Skipped++
	}
}

func (c *certificate) tell(out io.Writer) {
	verdict := "complete: every trace was run, and none failed"
	switch {
	case c.Violations > 0:
		verdict = fmt.Sprintf("failed: %d programs", c.Violations)
	case c.Undecided > 0:
		verdict = "not complete: there are histories that a judge could not decide"
	case !c.Complete:
		verdict = "not complete"
	}
	fmt.Fprintf(out, "%s\n\n  clients × operations  %d × %d, with %d faults\n  programs              %d, of them skipped %d\n"+
		"  traces                %d\n  runs                  %d in %d ms\n  audited               %d pairs of steps, in both orders\n"+
		"  undecided histories   %d\n  hash                  %s\n",
		verdict, c.Clients, c.Ops, c.Faults, c.Programs, c.Skipped, c.Traces, c.Runs, c.ElapsedMS, c.Audited, c.Undecided, c.Hash)
	if c.First != "" {
		fmt.Fprintf(out, "\n%s: %s\n\n%s", c.Oracle, c.Detail, c.First)
	}
}
