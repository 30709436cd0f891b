package explore_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"vmdkvol/explore"
	"vmdkvol/seam"
)

// Programs of statements that nest as they like: tasks outlive those who started them, timers are left or cancelled by others,
// locks nest, deadlines end while somebody queues, servers crash, and two faults happen.

// stmt is a statement of a random program; body is what is nested in it.
type stmt struct {
	kind   string
	object int
	body   []stmt
}

func (s stmt) String() string {
	if s.body == nil {
		return fmt.Sprint(s.kind, s.object)
	}
	return fmt.Sprint(s.kind, s.object, s.body)
}

// The kinds of statements, those with a body first.
var (
	nesting = []string{"lock", "lock", "own", "record", "spawn", "job", "within", "within", "deadline", "defer", "choose", "shared"}
	plainly = []string{"write", "write", "act", "act", "read", "read", "now", "sleep", "wait", "wait", "wake", "wake", "crash", "reboot", "stop", "note", "look"}
)

// Those around the clock: deadlines that end early, at once or one after the other, and are cancelled by whoever made them and
// by others, beside whatever spends faults too.
var (
	timing = []string{"lock", "lock", "own", "spawn", "within", "deadline", "deadline", "deadline", "choose", "shared"}
	timely = []string{"act", "read", "write", "now", "sleep", "sleep", "wait", "wait", "wake", "crash", "stop", "note", "unless"}
)

// Those that yields are passed before: of what is read, timers and sections, beside those who write and keep locks.
var (
	lending  = []string{"lock", "own", "record", "spawn", "lend", "within", "deadline", "deadline", "shared"}
	glancing = []string{"peek", "peek", "glance", "glance", "pause", "pause", "now", "look", "act", "read", "write", "wake", "wait", "sleep", "stop", "crash"}
)

func drawOf(seed uint64, nesting, plainly []string) [][]stmt {
	r := rand.New(rand.NewPCG(seed, 17))
	budget := 3 + r.IntN(5)
	few := func(list []string) []string { // so that what a program has in it meets
		var some []string
		for range 2 + r.IntN(5) {
			some = append(some, list[r.IntN(len(list))])
		}
		return some
	}
	nests, leaves := few(nesting), few(plainly)
	objects := 1 + r.IntN(2)
	var block func(depth, most int) []stmt
	block = func(depth, most int) []stmt {
		list := []stmt{}
		for range 1 + r.IntN(most) {
			if budget <= 0 {
				break
			}
			s := stmt{object: r.IntN(objects)}
			if depth < 4 && r.IntN(5) < 3 {
				s.kind = nests[r.IntN(len(nests))]
				if s.kind == "lock" || s.kind == "own" || s.kind == "record" || s.kind == "job" {
					budget--
				}
				s.body = block(depth+1, 2)
			} else {
				s.kind = leaves[r.IntN(len(leaves))]
				budget--
			}
			list = append(list, s)
		}
		return list
	}
	program := make([][]stmt, 2+r.IntN(2))
	for i := range program {
		program[i] = block(0, 3)
	}
	return program
}

// wide is a program in the making.
type wide struct {
	quiet   bool // nobody tells whether there is a record
	k       *explore.Kernel
	docker  *explore.World
	servers [2]*explore.World
	locks   [2]seam.Monitor
	table   seam.Monitor
	records [2]*wideRecord
	vars    [2]string
	woken   [2]int
	stops   []context.CancelFunc
	logs    map[string]string
}

type wideRecord struct {
	lock  seam.Monitor
	users int
}

// frame is what a task has around a statement.
type frame struct {
	task string
	w    *explore.World
	ctx  context.Context
	held [2]bool
	n    *int // tasks that it has started
}

func (p *wide) state() string {
	var b strings.Builder
	for _, task := range slices.Sorted(maps.Keys(p.logs)) {
		b.WriteString(task + ":" + p.logs[task] + " ")
	}
	return fmt.Sprint(p.vars, p.woken, b.String())
}

func wideProgram(clients [][]stmt, quiet bool, now **wide) func(k *explore.Kernel) {
	return func(k *explore.Kernel) {
		p := newWide(k, quiet)
		*now = p
		for i, c := range clients {
			f := p.client(i)
			k.Client(f.task, p.docker, func() { p.block(c, f) })
		}
	}
}

func newWide(k *explore.Kernel, quiet bool) *wide {
	p := &wide{quiet: quiet, k: k, docker: k.World("docker"), logs: map[string]string{}}
	for i := range p.locks {
		p.servers[i] = k.World(fmt.Sprint("server", i))
		p.locks[i] = p.docker.NewMonitor(fmt.Sprint("l", i))
	}
	p.table = p.docker.NewMonitor("table")
	return p
}

func (p *wide) client(i int) frame {
	return frame{fmt.Sprint("c", i), p.docker, context.Background(), [2]bool{}, new(int)}
}

func (p *wide) say(f frame, what ...any) { p.logs[f.task] += fmt.Sprint(what...) + "," }

func (p *wide) write(f frame, o int) {
	p.docker.Touch(fmt.Sprint("var", o), true)
	p.vars[o] += f.task + ","
}

func (p *wide) block(list []stmt, f frame) {
	for _, s := range list {
		p.do(s, f)
	}
}

func (p *wide) spawn(w *explore.World, s stmt, f frame) {
	*f.n++
	f.task, f.n, f.held, f.ctx, f.w = fmt.Sprint(f.task, ".", *f.n), new(int), [2]bool{}, context.Background(), w
	w.Go(f.task, func() { p.block(s.body, f) })
}

func (p *wide) do(s stmt, f frame) {
	k, o := p.k, s.object
	switch s.kind {
	case "write":
		p.write(f, o)
	case "act":
		k.Before("act", fmt.Sprint(o))
		p.write(f, o)
	case "read":
		k.Before("read", fmt.Sprint(o))
		p.docker.Touch(fmt.Sprint("var", o), false)
		p.say(f, p.vars[o])
	case "now":
		p.say(f, f.w.Now().Nanosecond())
	case "unless": // the time is over
		k.Before("unless", fmt.Sprint(o))
		if f.ctx.Err() == nil {
			p.write(f, o)
		}
	case "note":
		k.Note(f.task)
		p.say(f, "noted")
	case "sleep":
		p.say(f, f.w.Sleep(f.ctx, time.Duration(1+o)))
	case "stop": // whatever is there to be stopped
		k.Before("stop", "all")
		p.docker.Touch("stops", false)
		for _, stop := range p.stops {
			stop()
		}
		p.say(f, len(p.stops))
	case "pause":
		k.Before("pause", "")
	case "peek": // in the step that is under way
		p.docker.Touch(fmt.Sprint("var", o), false)
		p.say(f, p.vars[o])
	case "glance": // under a lock
		if f.held[o] {
			return
		}
		if err := p.locks[o].Lock(f.ctx); err != nil {
			p.say(f, err)
			return
		}
		p.docker.Touch(fmt.Sprint("var", o), false)
		p.say(f, p.vars[o])
		p.locks[o].Unlock()
	case "look": // at a record
		_ = p.table.Lock(context.Background())
		p.docker.Touch(fmt.Sprint("r", o), false)
		if !p.quiet {
			p.say(f, p.records[o] != nil)
		}
		p.table.Unlock()
	case "wait":
		if !f.held[o] {
			if err := p.locks[o].Lock(f.ctx); err != nil {
				p.say(f, err)
				return
			}
			defer p.locks[o].Unlock()
		}
		if p.woken[o] == 0 {
			p.say(f, p.locks[o].Wait(f.ctx))
		}
		p.woken[o]--
		p.touchWoken(o)
	case "wake":
		if !f.held[o] {
			if err := p.locks[o].Lock(f.ctx); err != nil {
				p.say(f, err)
				return
			}
			defer p.locks[o].Unlock()
		}
		p.woken[o]++
		p.touchWoken(o)
		p.locks[o].Wake()
	case "crash":
		k.Before("crash", fmt.Sprint(o))
		p.docker.Touch(fmt.Sprint("server", o), false)
		p.servers[o].Crash()
	case "reboot":
		k.Before("reboot", fmt.Sprint(o))
		p.docker.Touch(fmt.Sprint("server", o), true)
		p.servers[o].Crash()
		p.servers[o] = k.World(fmt.Sprint("server", o))
	case "lock":
		if f.held[o] {
			p.block(s.body, f)
			return
		}
		if err := p.locks[o].Lock(f.ctx); err != nil {
			p.say(f, err)
			return
		}
		f.held[o] = true
		p.block(s.body, f)
		p.locks[o].Unlock()
	case "own": // a lock of its own, with a name that others use
		m := f.w.NewMonitor(fmt.Sprint("own", o))
		_ = m.Lock(f.ctx)
		p.block(s.body, f)
		if f.ctx.Err() == nil {
			m.Unlock()
		}
	case "record":
		_ = p.table.Lock(context.Background())
		name := fmt.Sprint("r", o)
		r := p.records[o]
		p.docker.Touch(name, r == nil)
		if r == nil {
			r = &wideRecord{lock: p.docker.NewMonitor(name)}
			p.records[o] = r
		}
		r.users++
		p.table.Unlock()
		err := r.lock.Lock(f.ctx)
		if err == nil {
			p.block(s.body, f)
			r.lock.Unlock()
		} else {
			p.say(f, err)
		}
		_ = p.table.Lock(context.Background())
		r.users--
		p.docker.Touch(name, true) // who came meanwhile would have made it if he had come later
		if r.users == 0 {
			p.records[o] = nil
		}
		p.table.Unlock()
	case "spawn":
		p.spawn(f.w, s, f)
	case "lend": // its context to another
		ctx := f.ctx
		*f.n++
		g := frame{fmt.Sprint(f.task, ".", *f.n), f.w, ctx, [2]bool{}, new(int)}
		f.w.Go(g.task, func() { p.block(s.body, g) })
	case "job":
		p.spawn(p.docker, s, f)
	case "within":
		p.docker.Touch(fmt.Sprint("server", o), false)
		w := p.servers[o]
		outer := f.w
		f.w = w
		crashed := w.Within(func() { p.block(s.body, f) })
		f.w = outer
		p.say(f, crashed)
	case "deadline":
		ctx, cancel := f.w.WithDeadline(f.ctx, f.w.Now().Add(time.Duration(1+o)))
		f.ctx = ctx
		p.block(s.body, f)
		cancel()
	case "shared":
		ctx, cancel := f.w.WithDeadline(f.ctx, f.w.Now().Add(time.Duration(2+o)))
		p.docker.Touch("stops", true)
		p.stops = append(p.stops, cancel)
		f.ctx = ctx
		p.block(s.body, f)
	case "defer":
		func() {
			defer func() {
				if o == 1 {
					k.Before("undo", "x")
				}
				p.write(f, o)
			}()
			p.block(s.body, f)
		}()
	case "choose":
		k.Before("ask", fmt.Sprint(o))
		if i := k.Choose("ask", fmt.Sprint(o), "one", "two"); i > 0 {
			p.say(f, "fault ", i)
			p.block(s.body, f)
		}
	default:
		panic(s.kind)
	}
}

func (p *wide) touchWoken(o int) { p.docker.Touch(fmt.Sprint("woken", o), true) }
