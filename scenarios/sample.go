package scenarios

import (
	"fmt"
	"math/rand/v2"

	"vmdkvol/explore"
)

// maxSampleOps is how many operations a sample has at most, all clients together.
const maxSampleOps = 8

// Sample is random program number n of a seed: of the grammar, with one to eight operations. It depends on its arguments
// alone.
func Sample(g Grammar, seed uint64, n int) *Script {
	src := rand.NewPCG(seed, uint64(n))
	draw := func(_ string, n int) int { return int(src.Uint64() >> 33 % uint64(n)) }
	d := NewDraft(fmt.Sprintf("sample %d of seed %d", n, seed), g, draw)
	verbs := d.Verbs()
	for range 1 + draw("operations", maxSampleOps) {
		d.Act(verbs[draw("verb", len(verbs))])
	}
	return d.Script()
}

// Twice runs a script's schedule number n of a random strategy twice, and returns both results. The first run is in a
// world of new memory, the second in what the first has left, as the runs of a search are. The runner may have run
// other programs before; it stays the caller's.
func Twice(r *explore.Runner, s *Script, seed uint64, n int) (first, second explore.Result, err error) {
	stage, err := newStageOn(s, r, &opinions{})
	if err != nil {
		return first, second, err
	}
	o, strategy := explore.Options{Faults: s.Faults}, explore.Random(seed)
	first = r.Run(stage.Program, strategy, n, o)
	second = r.Run(stage.Program, strategy, n, o)
	return first, second, stage.err
}
