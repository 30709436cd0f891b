package explore

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Portfolio deals the runs out to different strategies, since none is the best for every bug: the first run takes the
// default schedule; of every five after it, one is Random, one POS, two are PCT (2 and 3) and one is Bounded. The random
// ones are swarms, see [Swarm].
type Portfolio struct {
	lanes   [laneCount]Strategy
	bounded *Bounded
	active  Strategy
	watcher Watcher
}

const (
	laneCount   = 5
	boundedLane = laneCount - 1
)

// NewPortfolio makes a portfolio.
func NewPortfolio(seed uint64) *Portfolio {
	b := NewBounded(1, -1) // the empty schedule is the first run
	return &Portfolio{
		bounded: b,
		lanes: [laneCount]Strategy{
			Swarm(seed, Random(seed)), Swarm(seed, PCT(seed, 2)), Swarm(seed, POS(seed)), Swarm(seed, PCT(seed, 3)), b,
		},
	}
}

// Bounded is the part that goes on from run to run. For run n to be the same in every search, a search must make all of
// its runs in order, or none, see [InOrder].
func (p *Portfolio) Bounded() *Bounded { return p.bounded }

// inOrder reports whether run n depends on the runs before it.
func (p *Portfolio) inOrder(n int) bool { return n > 0 && (n-1)%laneCount == boundedLane }

// of returns the strategy of run n.
func (p *Portfolio) of(n int) Strategy {
	if n == 0 {
		return Sequential{}
	}
	lane := (n - 1) % laneCount
	if lane == boundedLane && !p.bounded.More() {
		lane = 0
	}
	return p.lanes[lane]
}

// Size is part of Sized.
func (p *Portfolio) Size(s Shape) {
	for _, lane := range p.lanes {
		if sized, ok := lane.(Sized); ok {
			sized.Size(s)
		}
	}
}

// Begin is called by the runner, as are the other methods. A Search asks the part whose turn it is without this detour.
func (p *Portfolio) Begin(n int) {
	p.active = p.of(n)
	p.watcher, _ = p.active.(Watcher)
	p.active.Begin(n)
}

// Next is the active part's.
func (p *Portfolio) Next(c *Choice) int {
	if p.watcher == nil && len(c.Enabled) == 1 {
		return 0
	}
	return p.active.Next(c)
}

// Fault is the active part's.
func (p *Portfolio) Fault(t *Task, at Point, faults []string) int {
	return p.active.Fault(t, at, faults)
}

// Stepped is the active part's.
func (p *Portfolio) Stepped(t *Task, footprint []Access) {
	if p.watcher != nil {
		p.watcher.Stepped(t, footprint)
	}
}

// StrategyNames are those that NewStrategy knows.
func StrategyNames() []string {
	return []string{"portfolio", "random", "pct:3", "pos", "delay:2", "idb", "dfs", "default"}
}

// Limits of the numbers in the names of strategies.
const (
	mostDepth  = 9
	mostDelays = 99
)

// NewStrategy makes a strategy of its name: portfolio, random, pct:D (depth), pos, delay:D (delays), idb or idb:B (the
// highest bound), dfs, default. Of n shards, numbered from 1, each makes other runs: of random strategies by other random
// numbers, of idb every n-th schedule. The default schedule and dfs cannot be divided.
func NewStrategy(name string, seed uint64, shard, shards int) (Strategy, error) {
	if shards < 1 || shard < 1 || shard > shards {
		return nil, fmt.Errorf("shard %d/%d: want I/N with I from 1 to N", shard, shards)
	}
	if shard > 1 {
		seed = uint64(NewHash().mix(seed).mix(uint64(shard)))
	}
	kind, number, given := strings.Cut(name, ":")
	limit := 0
	value := math.MinInt
	switch kind {
	case "pct":
		limit, value = mostDepth, 3
	case "delay":
		limit, value = mostDelays, 2
	case "idb":
		limit, value = math.MaxInt, -1
	}
	if given {
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n > limit || value == math.MinInt {
			return nil, fmt.Errorf("strategy %q: want one of %s", name, strings.Join(StrategyNames(), ", "))
		}
		value = n
	}
	switch kind {
	case "portfolio":
		p := NewPortfolio(seed)
		p.bounded.Shard(shard, shards)
		return p, nil
	case "random":
		return Random(seed), nil
	case "pct":
		return PCT(seed, value), nil
	case "pos":
		return POS(seed), nil
	case "delay":
		return Delay(seed, value), nil
	case "idb":
		b := NewBounded(0, value)
		b.Shard(shard, shards)
		return b, nil
	case "dfs", "default":
		if shards > 1 {
			return nil, fmt.Errorf("strategy %s cannot be divided into shards", kind)
		}
		if kind == "dfs" {
			return NewExhaustive(false), nil
		}
		return Sequential{}, nil
	}
	return nil, fmt.Errorf("unknown strategy %q: want one of %s", name, strings.Join(StrategyNames(), ", "))
}
