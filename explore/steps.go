package explore

// trace is the steps of one run with their happens-before order.
type trace struct {
	steps   []step
	ids     map[string]int // of objects, in the whole search
	found   []found        // some of them
	objects []object       // by id, as the steps that are recorded left them

	same  int // the first steps of the next run, or of this one, that are those of the run before
	known int // how many of these have their past from then, and are recorded

	// What has been recorded of steps can be taken back.
	marks  []mark // by step
	former []former

	words          int      // per set of steps; never fewer than before
	room           []uint64 // of the sets
	v              []uint64 // scratch of reverse
	before, rivals []int    // scratch of races
	lockRivals     []holding
	last           []int // latest step of each task, by task index + 1; -1 if none

	denials  []denial  // in the order of the steps
	refused  []int     // by task index + 1: the latest acquisition that denied it a monitor, -1 if none
	refusals []refusal // what these were before
	pending  step      // scratch of blocked
	woken    []int     // see wakes
}

// step is one step of a run.
type step struct {
	task, cause int
	passed      int   // yields that it went over
	stopped     bool  // where a monitor is free that was not, its task would have gone on with its next step
	node        *node // the decision that began it; nil if there was none
	footprint   []Access
	objects     []int    // ids of the objects of footprint
	past        []uint64 // the steps that happened before it
	writes      bool     // anything but to monitors
}

func (t *trace) reset() {
	t.known = min(t.known, t.same)
	t.steps = t.steps[:0]
	for n := len(t.denials); n > 0 && t.denials[n-1].after >= t.same; n-- {
		t.denials = t.denials[:n-1]
	}
}

// again reports whether the step that has just been taken is the one that the run before took in this place, and notes it.
func (t *trace) again() bool {
	if !t.repeating() {
		return false
	}
	t.steps = t.steps[:len(t.steps)+1]
	return true
}

// begin returns the place of the step that a decision began, 0 if there is none.
func (t *trace) begin(n *node) int {
	j := len(t.steps) - 1
	for j >= 0 && t.steps[j].node != n {
		j--
	}
	for j > 0 && t.steps[j-1].node == n { // there may be several, see Exhaustive.turns
		j--
	}
	return max(j, 0)
}

// ends reports whether the last step is one that the decision began.
func (t *trace) ends(n *node) bool { return len(t.steps) > 0 && t.steps[len(t.steps)-1].node == n }

func (t *trace) add(task, cause int, n *node, footprint []Access) {
	if len(t.steps) < cap(t.steps) {
		t.steps = t.steps[:len(t.steps)+1]
	} else {
		t.steps = append(t.steps, step{})
	}
	s := &t.steps[len(t.steps)-1]
	s.task, s.cause, s.node, s.passed, s.stopped, s.writes = task, cause, n, 0, false, false
	s.footprint, s.objects = append(s.footprint[:0], footprint...), s.objects[:0]
	for _, a := range footprint {
		s.objects = append(s.objects, t.id(a.Object))
		s.writes = s.writes || a.Mode == Write
	}
}

// prepare makes room for the sets of steps, and keeps those that are known.
func (t *trace) prepare() {
	n := len(t.steps)
	if words := (n + 63) / 64; words > t.words {
		t.words, t.known = words, 0
	}
	need := n * t.words
	if len(t.room) < need {
		t.room = append(t.room, make([]uint64, need-len(t.room))...)
	}
	clear(t.room[t.known*t.words : need])
	t.takeBack(t.known)
	highest := clockIndex
	for j := t.known; j < n; j++ {
		t.steps[j].past = t.room[j*t.words : (j+1)*t.words]
		highest = max(highest, t.steps[j].task)
	}
	for _, d := range t.denials {
		highest = max(highest, d.task)
	}
	for len(t.last) < highest+2 {
		t.last, t.refused = append(t.last, -1), append(t.refused, -1)
	}
	t.id(everything) // there is one
}

func (t *trace) follow(s *step, i int) {
	for w, b := range t.steps[i].past {
		s.past[w] |= b
	}
	s.past[i/64] |= 1 << (i % 64)
}

func (t *trace) happened(i int, s *step) bool { return s.past[i/64]&(1<<(i%64)) != 0 }
