package model_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/model"
)

var histories = []struct {
	name  string
	start model.Start
	calls []model.Call
}{
	{"4-in-sequence", nil, []model.Call{
		call(1, 2, create("ext4"), model.OK), call(3, 4, mount("c1"), model.OK), call(5, 6, unmount("c1"), model.OK),
		call(7, 8, remove, model.OK),
	}},
	{"4-overlapping", model.Start{vol: model.Only(fresh)}, []model.Call{
		call(1, 5, mount("c1"), model.OK), call(2, 6, mount("c2"), model.OK), call(7, 11, unmount("c1"), model.OK),
		call(8, 10, remove, model.InUse),
	}},
	{"8-overlapping", model.Start{vol: model.Only(fresh)}, []model.Call{
		call(1, 5, mount("c1"), model.OK), call(2, 9, mount("c2"), model.OK), call(3, 12, get, model.OK),
		call(6, 14, unmount("c1"), model.OK), call(10, 15, unmount("c2"), model.OK), call(13, 19, remove, model.OK),
		call(16, 20, mount("c1"), model.NotFound), call(17, 18, create("ext4"), model.OK),
	}},
	{"8-two-volumes-lost", model.Start{vol: model.Only(fresh)}, []model.Call{
		call(1, 5, mount("c1"), model.OK), on("w", call(2, 9, create("ext4"), model.Unknown)), call(3, 12, remove, model.InUse),
		call(6, 14, unmount("c1"), model.OK), on("w", call(10, 15, mount("c2"), model.OK)),
		on("w", call(13, 19, remove, model.InUse)), call(16, 20, remove, model.Unknown), call(21, 22, get, model.NotFound),
	}},
}

// The explorer asks once per schedule: a history that is linearizable costs no memory.
func TestYesDoesNotAllocate(t *testing.T) {
	for _, h := range histories {
		var c model.Checker
		require.Equal(t, model.Yes, c.Linearizable(h.start, h.calls).Answer, h.name)
		require.Zero(t, testing.AllocsPerRun(100, func() { c.Linearizable(h.start, h.calls) }), h.name)
	}
}

func BenchmarkLinearizable(b *testing.B) {
	for _, h := range histories {
		b.Run(h.name, func(b *testing.B) {
			var c model.Checker
			b.ReportAllocs()
			for b.Loop() {
				if c.Linearizable(h.start, h.calls).Answer != model.Yes {
					b.Fatal("not linearizable")
				}
			}
		})
	}
}

func BenchmarkFinal(b *testing.B) {
	h := histories[2]
	var c model.Checker
	b.ReportAllocs()
	for b.Loop() {
		c.Final(h.start, h.calls, vol)
	}
}
