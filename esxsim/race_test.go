package esxsim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
	"vmdkvol/seam"
)

// TestConcurrent lets goroutines of several VMs do everything at once on real locks; slots panics if a disk is ever in two
// places.
func TestConcurrent(t *testing.T) {
	for _, noVMLock := range []bool{false, true} {
		bus := newSlots()
		store := esxsim.NewMemStore(seam.Real(), false, "ds1", "ds2")
		s, err := esxsim.New(esxsim.Config{
			Env: seam.Real(), Store: store, Bus: bus, Quirks: esxsim.Quirks{esxsim.NoVMLock: noVMLock},
		})
		require.NoError(t, err)
		ids := []string{"vm0", "vm1", "vm2"}
		for i, id := range ids {
			require.NoError(t, s.AddVM(esxsim.VM{ID: id, Home: []string{"ds1", "ds2"}[i%2]}))
		}
		volumes := []string{"a", "b@ds1", "b@DS2", "c@ds1", "d"}
		commands := []string{"create", "attach", "attach", "attach", "detach", "detach", "get", "list", "remove", "version"}
		ctx := context.Background()
		var wg sync.WaitGroup
		for g := range 12 {
			wg.Go(func() {
				rnd := rand.New(rand.NewSource(int64(g)))
				for i := range 400 {
					vm := ids[rnd.Intn(len(ids))]
					if g == 0 && i%20 == 0 {
						_ = s.PowerOff(ctx, vm)
						_ = s.PowerOn(t.Context(), vm)
						s.Plugged(vm)
					}
					request := fmt.Sprintf(`{"cmd":%q,"details":{"Name":%q}}`, commands[rnd.Intn(len(commands))], volumes[rnd.Intn(len(volumes))])
					if reply := s.Handle(ctx, vm, []byte(request)); !json.Valid(reply) {
						t.Errorf("%s: reply is not JSON: %s", request, reply)
					}
				}
			})
		}
		wg.Wait()
		require.True(t, s.Idle())

		// The VMs, the bus and the file locks agree.
		total := 0
		for _, id := range ids {
			for _, p := range s.Plugged(id) {
				total++
				owner, _ := store.AttachedTo(p.Disk.Datastore, p.Disk.Name)
				require.Equal(t, id, owner)
				require.Equal(t, p.Disk.ID, bus.vm[id][p.At])
			}
			require.NoError(t, s.PowerOff(ctx, id))
		}
		require.LessOrEqual(t, total, 7) // a and d exist on both homes
		require.Empty(t, bus.where)
		for _, d := range store.Disks() {
			_, locked := store.AttachedTo(d.Datastore, d.Name)
			require.False(t, locked)
		}
	}
}
