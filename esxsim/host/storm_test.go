package host_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"testing"

	"vmdkvol/driver/wire"
)

// Many requests of two VMs at once, for few volumes: when all have their replies, the state is as after one at a time.
func TestServiceStorm(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	for round := range rounds {
		for _, memory := range []bool{true, false} {
			w := newTested(t, memory, true, false)
			var clients sync.WaitGroup
			for client := range 8 {
				clients.Go(func() {
					dice := rand.New(rand.NewPCG(uint64(round), uint64(client)))
					for range 30 {
						c := &connection{in: bytes.NewReader(wire.AppendFrame(nil, stormRequest(dice)))}
						if err := w.h.ServeConn(w.patient, vms[client%2], c); err != nil {
							t.Error(err)
						}
						reply, err := wire.ParseFrame(c.out.Bytes(), wire.MaxReply)
						if err != nil || !json.Valid(reply) || bytes.Contains(reply, []byte("no lock of")) {
							t.Errorf("%q %v", reply, err)
						}
					}
				})
			}
			clients.Wait()
			w.check()
			w.restart()
			w.check()
			w.end()
		}
	}
}

// stormRequest is one of few things for one of few volumes.
func stormRequest(dice *rand.Rand) []byte {
	name := func() string { return volumes[dice.IntN(2)] + []string{"@ds1", "@ds2"}[dice.IntN(2)] }
	r := wire.Request{Cmd: commands[dice.IntN(6)], Details: wire.Details{Name: name()}, Version: wire.Version}
	if r.Cmd == wire.Create {
		r.Details.Opts = map[string]string{"size": "1mb"}
		if dice.IntN(2) == 0 {
			r.Details.Opts = map[string]string{"clone-from": name()}
		}
	}
	text, err := wire.AppendRequest(nil, r)
	if err != nil {
		panic(err)
	}
	return text
}
