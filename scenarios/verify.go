package scenarios

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"vmdkvol/explore"
)

// Scope is a set of small programs: every way in which so many clients can each do so many operations on one volume,
// from every state that the volume can be in, and with so many faults at every place where one can happen once the clients begin. What
// a fault leaves while the state is made is what it leaves of a client's own operation.
type Scope struct {
	Clients int
	Ops     int // of each client
	Faults  int // of each run
}

// The alphabet of a scope: what a client can do, with either of two mount IDs.
var alphabet = []Op{
	{Verb: "create", Volume: "v"},
	{Verb: "remove", Volume: "v"},
	{Verb: "mount", Volume: "v", ID: "id1"},
	{Verb: "mount", Volume: "v", ID: "id2"},
	{Verb: "unmount", Volume: "v", ID: "id1"},
	{Verb: "unmount", Volume: "v", ID: "id2"},
	{Verb: "get", Volume: "v"},
}

// beginnings are the states in which the volume can be when the clients start: absent, created, mounted once, twice.
var beginnings = []struct {
	exists    bool
	opening   []Op
	symmetric bool // in the mount IDs
}{
	{symmetric: true},
	{exists: true, symmetric: true},
	{exists: true, opening: []Op{{Verb: "mount", Volume: "v", ID: "id1"}}},
	{exists: true, opening: []Op{{Verb: "mount", Volume: "v", ID: "id1"}, {Verb: "mount", Volume: "v", ID: "id2"}}, symmetric: true},
}

// Programs returns the programs of the scope: once, those that differ only in the order of their clients, or in the names
// of the mount IDs where the beginning does not tell these apart.
func (s Scope) Programs() iter.Seq[*Script] {
	return func(yield func(*Script) bool) {
		s.each(func(beginning int, chosen []int) bool { return yield(s.program(beginning, chosen)) })
	}
}

// Size is how many programs there are.
func (s Scope) Size() int {
	n := 0
	s.each(func(int, []int) bool {
		n++
		return true
	})
	return n
}

// each goes through the programs, as their beginnings and what each client does.
func (s Scope) each(yield func(beginning int, chosen []int) bool) {
	lives := 1
	for range s.Ops {
		lives *= len(alphabet)
	}
	chosen := make([]int, s.Clients)
	for {
		renamed := s.renamed(chosen)
		for b := range beginnings {
			if beginnings[b].symmetric && slices.Compare(renamed, chosen) < 0 {
				continue
			}
			if !yield(b, chosen) {
				return
			}
		}
		// Next combination with chosen[0] <= chosen[1] <= ...
		i := len(chosen) - 1
		for ; i >= 0 && chosen[i] == lives-1; i-- {
		}
		if i < 0 {
			return
		}
		next := chosen[i] + 1
		for ; i < len(chosen); i++ {
			chosen[i] = next
		}
	}
}

// renamed is the program in which the mount IDs have changed their names, with its clients in order.
func (s Scope) renamed(chosen []int) []int {
	other := []int{0, 1, 3, 2, 5, 4, 6} // of the alphabet
	swapped := make([]int, len(chosen))
	for i, life := range chosen {
		place := 1
		for range s.Ops {
			swapped[i] += place * other[life%len(alphabet)]
			life /= len(alphabet)
			place *= len(alphabet)
		}
	}
	slices.Sort(swapped)
	return swapped
}

func (s Scope) program(beginning int, chosen []int) *Script {
	b := beginnings[beginning]
	p := &Script{File: "verify", Fine: true, Network: Network{Direct: s.Faults == 0}, Faults: s.Faults, Quirks: map[string]bool{}, Opening: b.opening}
	if b.exists {
		p.Volumes = []Given{{Name: "v"}}
	}
	for i, life := range chosen {
		c := Client{Name: fmt.Sprintf("c%d", i+1)}
		for range s.Ops {
			op := alphabet[life%len(alphabet)]
			if op.ID != "" {
				op.Opts = map[string]string{"id": op.ID}
			}
			c.Ops = append(c.Ops, op)
			life /= len(alphabet)
		}
		p.Clients = append(p.Clients, c)
	}
	return p
}

// Proof is what was seen of one program.
type Proof struct {
	Complete  bool // every trace was run
	Traces    int
	Runs      int
	Audited   int          // pairs of steps run in both orders, see explore.Runner.Audit
	Hash      explore.Hash // of the hashes of all runs
	Undecided int          // different histories of which a judge could not say whether they are linearizable
	Failing   *Script      // with the schedule of the first failure; nil if there is none
	Failure   explore.Failure
}

// Effort bounds a proof.
type Effort struct {
	Runs  int // of one program; those of the last trace are all made
	Audit int // how many pairs of commuting steps there are to one that is run in both orders, at least 1
}

// lookEvery is how many runs pass between two looks whether to stop.
const lookEvery = 64

// Prove proves one program, see Prover.
func Prove(ctx context.Context, r *explore.Runner, p *Script, o explore.Options, e Effort) (Proof, error) {
	return NewProver(r).Prove(ctx, p, o, e)
}

// Prover proves one program after another, which have many histories in common. Use from one goroutine.
type Prover struct {
	runner   *explore.Runner
	search   *explore.Exhaustive
	opinions opinions
}

// NewProver makes a prover; the runner stays the caller's.
func NewProver(r *explore.Runner) *Prover { return &Prover{runner: r, search: explore.NewStrict()} }

// Prove explores a program completely, or until it fails, the runs are made or ctx is done. Its faults and locks are the
// program's. A failed audit is a failure.
//
// A trace is judged in the orders in which its operations overlap least, see explore.NewStrict: what the oracles of this
// package excuse, or cannot decide, because operations overlap, they excuse there too or not at all.
func (v *Prover) Prove(ctx context.Context, p *Script, o explore.Options, e Effort) (Proof, error) {
	o.Faults, o.Locks, o.Records = p.Faults, p.Locks, p.Fine
	r, before := v.runner, v.opinions.undecided
	stage, err := newStageOn(p, r, &v.opinions)
	if err != nil {
		return Proof{}, err
	}
	stage.theatre.audited = true
	proof := Proof{Hash: explore.NewHash()}
	search := v.search
	search.Anew()
	for n := 0; search.More(); n++ {
		if proof.Runs >= e.Runs || n%lookEvery == 0 && ctx.Err() != nil {
			proof.Traces, proof.Undecided = search.Stats().Traces, v.opinions.undecided-before
			return proof, nil
		}
		res := r.Run(stage.Program, search, n, o)
		if stage.err != nil {
			return proof, stage.err
		}
		proof.Runs++
		proof.Hash = proof.Hash.Mix(uint64(res.Hash))
		if res.Failure != nil {
			proof.Failing, proof.Failure = p.WithSchedule(res.Deviations), *res.Failure
			break
		}
		if !res.Abandoned {
			runs, again := r.Strict(stage.Program, search, res, o, stage.theatre.world.judge.spares)
			proof.Runs += runs
			if again.Failure != nil {
				proof.Failing, proof.Failure = p.WithSchedule(again.Deviations), *again.Failure
				break
			}
		}
		pairs, failure := r.Audit(stage.Program, search, o, e.Audit)
		proof.Audited += pairs
		if failure != nil {
			proof.Failing, proof.Failure = p.WithSchedule(nil), *failure
			break
		}
	}
	proof.Traces = search.Stats().Traces
	proof.Undecided = v.opinions.undecided - before
	proof.Complete = proof.Failing == nil
	return proof, nil
}
