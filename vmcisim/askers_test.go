package vmcisim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/driver/wire"
	"vmdkvol/seam"
	"vmdkvol/vmcisim"
)

// TestRequestsAreCountedForEachAsker: with an Asker the number of a request depends on nothing that another task does, and so
// nothing is said to. Without one, who comes first has the lower number, and that is declared.
func TestRequestsAreCountedForEachAsker(t *testing.T) {
	for name, pool := range map[string]*vmcisim.Pool{"pool": {}, "no pool": nil} {
		t.Run(name, func(t *testing.T) {
			for _, tc := range []struct {
				asked    bool
				askers   []string
				names    []string
				declared []string
			}{
				{true, []string{"c1", "c2", "c1", "let go v@ds1'2"}, []string{
					"esx:vm1:get:v#c1.1", "esx:vm1:get:v#c2.1", "esx:vm1:get:v#c1.2", "esx:vm1:get:v#let go v@ds1'2.1",
				}, nil},
				{true, []string{"c2", "c1", "c1"}, []string{"esx:vm1:get:v#c2.1", "esx:vm1:get:v#c1.1", "esx:vm1:get:v#c1.2"}, nil},
				{false, []string{"c2", "c1"}, []string{"esx:vm1:get:v#1", "esx:vm1:get:v#2"}, []string{"vm1:get:v", "vm1:get:v"}},
			} {
				env, now := &declaring{}, ""
				cfg := vmcisim.Config{Env: env, Stage: seam.Quiet{}, Handler: echo, Cooperative: true, Pool: pool}
				if tc.asked {
					cfg.Asker = func() string { return now }
				}
				e := vmcisim.New(cfg).Endpoint("vm1", env)
				for _, now = range tc.askers {
					_, err := e.RoundTrip(t.Context(), request(t, wire.Get, "v"))
					require.NoError(t, err)
				}
				require.Equal(t, tc.names, env.names)
				var declared []string
				for _, object := range env.written {
					if !strings.HasPrefix(object, "esx:") { // for its carrier
						declared = append(declared, object)
					}
				}
				require.Equal(t, tc.declared, declared)
			}
		})
	}
}

// TestManyAskers: more than a network, and its pool, keep room for.
func TestManyAskers(t *testing.T) {
	env, now, pool := &inline{}, "", &vmcisim.Pool{}
	for range 2 {
		env.names = nil
		e := vmcisim.New(vmcisim.Config{
			Env: env, Stage: seam.Quiet{}, Handler: echo, Cooperative: true, Pool: pool, Asker: func() string { return now },
		}).Endpoint("vm1", env)
		for i := range 200 {
			now = fmt.Sprintf("c%d", i/2)
			_, err := e.RoundTrip(t.Context(), request(t, wire.Get, "v"))
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("esx:vm1:get:v#c%d.%d", i/2, i%2+1), env.names[i])
		}
		now = "c0"
		_, err := e.RoundTrip(t.Context(), request(t, wire.Get, "v"))
		require.NoError(t, err)
		require.Equal(t, "esx:vm1:get:v#c0.3", env.names[200])
	}
}

// declaring is inline that keeps what was written.
type declaring struct {
	inline
	written []string
}

func (e *declaring) Touch(object string, write bool) {
	if write {
		e.written = append(e.written, object)
	}
}
