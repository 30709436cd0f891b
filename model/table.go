package model

// table numbers states and operations and remembers what Step said about them, so that a search handles small integers
// and allocates only when it meets a state for the first time.
type table struct {
	states []State
	keys   map[string]int32
	ops    map[Op]int32 // without their volume
	list   []Op
	edges  [][]edge                        // by state, then by operation; grown on demand
	key    []byte                          // scratch
	truth  func(State, Op) (State, Result) // Step, unless it is nil
}

// edge is a remembered Step.
type edge struct {
	known  bool
	result Result
	to     int32
}

// absent and half are the numbers of the state and the operation that are always there.
const (
	absent int32 = 0
	half   int32 = 0
)

// maxTable is the number of states or operations above which a table starts afresh with the next history.
const maxTable = 1 << 12

// recycle readies the table for another history. Numbers from before are invalid.
func (t *table) recycle() {
	if t.keys != nil && len(t.states) <= maxTable && len(t.list) <= maxTable {
		return
	}
	*t = table{keys: make(map[string]int32), ops: make(map[Op]int32), truth: t.truth}
	t.state(State{})
	t.op(Op{Kind: halfCreate})
}

func (t *table) state(s State) int32 {
	t.key = s.appendKey(t.key[:0])
	n, known := t.keys[string(t.key)]
	if !known {
		n = int32(len(t.states))
		t.keys[string(t.key)] = n
		t.states = append(t.states, s)
		t.edges = append(t.edges, nil)
	}
	return n
}

func (t *table) op(o Op) int32 {
	o.Volume = ""
	n, known := t.ops[o]
	if !known {
		n = int32(len(t.list))
		t.ops[o] = n
		t.list = append(t.list, o)
	}
	return n
}

// step is Step in numbers.
func (t *table) step(state, op int32) (to int32, r Result) {
	if row := t.edges[state]; int(op) < len(row) && row[op].known {
		return row[op].to, row[op].result
	}
	next, result := t.said(t.states[state], t.list[op])
	to = t.state(next)
	row := t.edges[state]
	for len(row) <= int(op) {
		row = append(row, edge{})
	}
	row[op] = edge{known: true, result: result, to: to}
	t.edges[state] = row
	return to, result
}

func (t *table) said(s State, op Op) (State, Result) {
	if t.truth != nil {
		return t.truth(s, op)
	}
	return Step(s, op)
}
