package bench_test

import (
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// best is how often a figure is measured; the best counts, because the machine is noisy.
const best = 5

// program is what the explorer's figures run, all oracles on.
type program struct{ suffix, text, target string }

// programs are two clients with a pair each and a Remove on one volume, and three with a pair each on three.
func programs() []program {
	return []program{
		{"", "given volume v\nstart c1: mount v; unmount v\nstart c2: mount v; unmount v\nstart c3: remove v\n", "50000"},
		{"_3x3", "given volume a\ngiven volume b\ngiven volume c\n" +
			"start c1: mount a; unmount a\nstart c2: mount b; unmount b\nstart c3: mount c; unmount c\n", "25000"},
	}
}

func (p *program) stage(b *testing.B) *scenarios.Stage {
	b.Helper()
	s, err := scenarios.Parse("figure", p.text)
	must(b, err)
	stage, err := scenarios.NewStage(s)
	must(b, err)
	return stage
}

func BenchmarkFigureSchedules(b *testing.B) {
	for _, p := range programs() {
		b.Run("program"+p.suffix, func(b *testing.B) {
			name := func(what string) string { return "explore/" + what + p.suffix }
			figure := wanted(b, name("schedules_per_s"), name("steps_per_schedule"), name("switches_per_schedule"), name("rpcs_per_schedule"))
			most := 0.0
			for seed := range uint64(best) {
				most = max(most, p.schedulesPerSecond(b, seed))
			}
			figure(name("schedules_per_s"), most)
			steps, switches, rpcs := p.perSchedule(b)
			figure(name("steps_per_schedule"), steps)
			figure(name("switches_per_schedule"), switches)
			figure(name("rpcs_per_schedule"), rpcs)
		})
	}
}

// garbage is how much of it the product lets pile up, in per cent of what is in use: see cmd/vmdksim.
const garbage = 800

func (p *program) schedulesPerSecond(b *testing.B, seed uint64) float64 {
	defer debug.SetGCPercent(debug.SetGCPercent(garbage))
	stage := p.stage(b)
	defer stage.Close()
	const schedules = 20_000
	start := time.Now()
	rep, err := stage.Explore(explore.Search{Strategy: explore.Random(seed), Schedules: schedules})
	must(b, err)
	if rep.Found {
		b.Fatal(rep.Result.Failure)
	}
	return schedules / time.Since(start).Seconds()
}

// perSchedule counts, on average, the steps, how often another task than the one before makes the next step, and the
// requests that reach ESX.
func (p *program) perSchedule(b *testing.B) (steps, switches, rpcs float64) {
	stage := p.stage(b)
	defer stage.Close()
	r := explore.NewRunner()
	defer r.Close()
	const schedules = 2000
	strategy := explore.Random(0)
	for n := range schedules {
		last := ""
		res := r.Run(stage.Program, strategy, n, explore.Options{Observe: func(e explore.Event) {
			if e.Kind != explore.StepEvent {
				return
			}
			if e.Task != last {
				last = e.Task
				switches++
			}
			// esx.get is a request, esx.detach.unplug a place in the service.
			if what, ok := strings.CutPrefix(e.Point.Op, "esx."); ok && !strings.Contains(what, ".") {
				rpcs++
			}
		}})
		if res.Failure != nil {
			b.Fatal(res.Failure)
		}
		steps += float64(res.Steps)
	}
	return steps / schedules, switches / schedules, rpcs / schedules
}
