package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// sampleChunk is how many programs a worker takes at once.
const sampleChunk = 64

// twice runs every program twice, dealt out to workers as they come: a runner's past must not matter.
func (x *determination) twice(ctx context.Context, progress func(string)) (*determined, error) {
	d := &determined{Seed: x.seed, Programs: x.programs, Runs: 2 * x.programs}
	hashes := make([]explore.Hash, x.programs)
	var mu sync.Mutex // guards what follows, and d
	next, first := 0, x.programs
	var failed error
	take := func() (from, to int) {
		mu.Lock()
		defer mu.Unlock()
		from = next
		if failed != nil || ctx.Err() != nil {
			from = x.programs
		}
		next = min(from+sampleChunk, x.programs)
		if from%(16*sampleChunk) == 0 {
			progress(fmt.Sprintf("%d of %d programs", from, x.programs))
		}
		return from, next
	}
	var workers sync.WaitGroup
	for range x.jobs {
		workers.Go(func() {
			r := explore.NewRunner()
			defer r.Close()
			for from, to := take(); from < to; from, to = take() {
				for n := from; n < to; n++ {
					s := scenarios.Sample(scenarios.Everything(), x.seed, n)
					a, b, err := scenarios.Twice(r, s, x.seed, n)
					hashes[n] = a.Hash
					mu.Lock()
					if err != nil {
						failed = err
					}
					d.Steps += a.Steps + b.Steps
					if a.Failure != nil {
						d.Objected++
					}
					if a.Hash != b.Hash {
						if d.Differing++; n < first {
							first, d.First = n, s.Text(s.File)
						}
					}
					mu.Unlock()
				}
			}
		})
	}
	workers.Wait()
	if failed == nil {
		failed = ctx.Err()
	}
	all := explore.NewHash()
	for _, h := range hashes {
		all = all.Mix(uint64(h))
	}
	d.Hash = all.String()
	return d, failed
}

// elsewhere has the same programs run by a second process with other settings, and returns its hash.
func (x *determination) elsewhere(ctx context.Context) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", lacking(err)
	}
	c := exec.CommandContext(ctx, self, "determinism", "--json", "--alone", "--guarded", "0", "--jobs", "1",
		"--programs", strconv.Itoa(x.programs), "--seed", strconv.FormatUint(x.seed, 10))
	c.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(max(1, runtime.GOMAXPROCS(0)-1)))
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	var other determined
	if jerr := json.Unmarshal(out, &other); jerr != nil { // exit status 1 is an answer, too
		return "", badInput(fmt.Errorf("the second process: %w: %s", err, bytes.TrimSpace(errs.Bytes())))
	}
	return other.Hash, nil
}

// guard is one setting of the runtime and what came of the programs under it.
type guard struct {
	Backend    string `json:"backend"` // coroutines or goroutines
	Processors int    `json:"processors"`
	GC         int    `json:"gc"` // percent; -1 is off
	Programs   int    `json:"programs"`
	Differing  int    `json:"differing"` // programs whose two runs differed
	Hash       string `json:"hash"`
}

func (g *guard) settings() string {
	gc := "GOGC " + strconv.Itoa(g.GC)
	if g.GC < 0 {
		gc = "GOGC off"
	}
	return fmt.Sprintf("%s, GOMAXPROCS %d, %s", g.Backend, g.Processors, gc)
}

// guard runs the first programs under every setting, and then puts the runtime back as it was.
func (x *determination) guard(ctx context.Context, progress func(string)) ([]guard, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var all []guard
	for _, backend := range []string{"coroutines", "goroutines"} {
		for _, processors := range []int{1, 2} {
			for _, gc := range []int{10, -1} {
				g := guard{Backend: backend, Processors: processors, GC: gc, Programs: x.guarded}
				progress(fmt.Sprintf("%d programs on %s", x.guarded, g.settings()))
				runtime.GOMAXPROCS(processors)
				debug.SetGCPercent(gc)
				if err := g.run(ctx, x.seed); err != nil {
					return nil, err
				}
				all = append(all, g)
			}
		}
	}
	return all, nil
}

func (g *guard) run(ctx context.Context, seed uint64) error {
	r := explore.NewRunner()
	if g.Backend == "goroutines" {
		r = explore.NewThreads()
	}
	defer r.Close()
	hash := explore.NewHash()
	for n := range g.Programs {
		a, b, err := scenarios.Twice(r, scenarios.Sample(scenarios.Everything(), seed, n), seed, n)
		if err != nil {
			return err
		}
		if a.Hash != b.Hash {
			g.Differing++
		}
		hash = hash.Mix(uint64(a.Hash))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	g.Hash = hash.String()
	return nil
}
