package explore

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Blocked is a step that does not end.
type Blocked struct {
	Task  string
	Began Point         // what the task was about to do when the step began
	Took  time.Duration // so far, at least
	State string        // of its goroutine, as the runtime names it: "chan receive", "sync.Mutex.Lock", "runnable"
	Where string        // function and file:line of the first frame outside of this package, the seam and the runtime
	Stack string        // of that goroutine
}

// String says all in one line, and then the stack.
func (b Blocked) String() string {
	return fmt.Sprintf("explore: task %s has not ended the step that began at %s for %v: %s in %s; tasks wait in the seam only\n%s",
		b.Task, b.Began, b.Took.Round(time.Millisecond), b.State, b.Where, b.Stack)
}

// blocked finds out who hangs, and where. It is false if nobody does any more.
//
// It reads the kernel while its owner does not synchronise with anyone. Whoever has not ended a step for so long has
// written what is read here long ago; if the step has ended meanwhile, so that this may be torn, the flag is down.
//
//go:norace
func (p *pulse) blocked() (Blocked, bool) {
	stacks := allStacks()
	t := p.k.current
	if t == nil {
		return Blocked{}, false
	}
	name, point, id := t.name, t.point, p.runner
	if w := t.worker; w != nil {
		id = w.id
	}
	if !p.flag.Load() || !p.running.Load() {
		return Blocked{}, false
	}
	b := Blocked{Task: name, Began: point}
	b.Stack = stackOf(stacks, id)
	if function, _ := frame(b.Stack, "runtime"); strings.HasPrefix(function, "vmdkvol/explore.(*nursery).newThread") ||
		strings.HasPrefix(function, "vmdkvol/explore.(*worker).serve") {
		b.Stack = stackOf(stacks, p.runner) // the task has given way: a strategy or an oracle hangs
	}
	_, state, _ := strings.Cut(firstLine(b.Stack), "[")
	b.State, _, _ = strings.Cut(state, "]")
	function, line := frame(b.Stack, passed...)
	b.Where = function + " at " + line
	return b, true
}

// mostStacks bounds what the stacks of all goroutines may take.
const mostStacks = 64 << 20

func allStacks() []byte {
	for n := 1 << 16; ; n *= 4 {
		b := make([]byte, n)
		if got := runtime.Stack(b, true); got < n || n >= mostStacks {
			return b[:got]
		}
	}
}

// stackOf picks one goroutine's.
func stackOf(stacks []byte, id int64) string {
	for _, s := range bytes.Split(stacks, []byte("\n\n")) {
		if bytes.HasPrefix(s, []byte("goroutine "+strconv.FormatInt(id, 10)+" ")) {
			return string(s)
		}
	}
	return ""
}

// passed are the packages whose frames say nothing about who blocks.
var passed = []string{
	"runtime", "sync", "sync/atomic", "internal/sync", "internal/runtime/atomic", "time", "iter", "vmdkvol/seam", "vmdkvol/explore",
}

// frame returns the function and the file:line of the first frame of a stack that is in none of the packages.
func frame(stack string, packages ...string) (function, line string) {
	lines := strings.Split(stack, "\n")
	for i := 1; i+1 < len(lines); i += 2 {
		function := lines[i]
		if open := strings.LastIndexByte(function, '('); open > 0 {
			function = function[:open] // without the arguments
		}
		slash := strings.LastIndexByte(function, '/') + 1
		name, _, _ := strings.Cut(function[slash:], ".")
		if slices.Contains(packages, function[:slash]+name) {
			continue
		}
		line, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), " +0x")
		return function, line
	}
	return "code without a frame of its own", "an unknown line"
}

// goroutine is the number of the calling goroutine.
func goroutine() int64 {
	var b [64]byte
	words := bytes.Fields(b[:runtime.Stack(b[:], false)])
	id, err := strconv.ParseInt(string(words[1]), 10, 64)
	if err != nil {
		panic("explore: the runtime's stacks have another form: " + string(words[1]))
	}
	return id
}
