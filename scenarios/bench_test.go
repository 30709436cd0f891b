package scenarios_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// BenchmarkSchedule runs random schedules of the programs of explore/schedules_per_s; ns/op and allocs/op are those of a
// schedule.
func BenchmarkSchedule(b *testing.B) {
	for name, text := range map[string]string{
		"two": "given volume v\nstart c1: mount v; unmount v\nstart c2: mount v; unmount v\nstart c3: remove v\n",
		"3x3": "given volume a\ngiven volume b\ngiven volume c\n" +
			"start c1: mount a; unmount a\nstart c2: mount b; unmount b\nstart c3: mount c; unmount c\n",
	} {
		b.Run(name, func(b *testing.B) {
			s, err := scenarios.Parse("bench", text)
			require.NoError(b, err)
			stage, err := scenarios.NewStage(s)
			require.NoError(b, err)
			defer stage.Close()
			run := func(seed uint64, schedules int) {
				rep, err := stage.Explore(explore.Search{Strategy: explore.Random(seed), Schedules: schedules})
				require.NoError(b, err)
				require.False(b, rep.Found, "%v", rep.Result.Failure)
			}
			run(1, 2000)
			b.ReportAllocs()
			b.ResetTimer()
			run(0, b.N)
		})
	}
}

// BenchmarkProve proves every fiftieth program of those that verify --clients 2 --ops 2 has.
func BenchmarkProve(b *testing.B) {
	var programs []*scenarios.Script
	i := 0
	for p := range (scenarios.Scope{Clients: 2, Ops: 2}).Programs() {
		if i++; i%50 == 1 {
			programs = append(programs, p)
		}
	}
	r := explore.NewRunner()
	defer r.Close()
	prover := scenarios.NewProver(r)
	runs := 0
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range programs {
			proof, err := prover.Prove(context.Background(), p, explore.Options{}, scenarios.Effort{Runs: 1_000_000, Audit: 1000})
			require.NoError(b, err)
			require.True(b, proof.Complete)
			runs += proof.Runs
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(runs), "ns/run")
	b.ReportMetric(float64(runs)/float64(b.N), "runs/op")
}
