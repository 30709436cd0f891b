package explore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

func TestAPanicOfAnOracleAfterAStep(t *testing.T) {
	for name, newRunner := range backends {
		for at := 1; at <= 4; at++ {
			r := newRunner()
			n := 0
			program := func(k *explore.Kernel) {
				w := k.World("w")
				k.AtStep(func() {
					if n++; n == at {
						panic("the oracle broke")
					}
				})
				for _, client := range []string{"a", "b"} {
					k.Client(client, w, func() { k.Before("x", "x") })
				}
			}
			res := r.Run(program, explore.Sequential{}, 0, explore.Options{})
			require.NotNil(t, res.Failure, "%s, step %d", name, at)
			require.Equal(t, explore.PanicOracle, res.Failure.Oracle)
			require.Contains(t, res.Failure.Detail, "after a step: the oracle broke")
			require.Equal(t, at, res.Steps)
			require.Nil(t, r.Run(program, explore.Sequential{}, 1, explore.Options{}).Failure, "the runner is of use still")
			r.Close()
		}
	}
}

func TestTaskNamesAreUnique(t *testing.T) {
	r := explore.NewRunner()
	defer r.Close()
	var names []string
	r.Run(func(k *explore.Kernel) {
		w := k.World("w")
		for _, name := range []string{"a'2", "a", "a", "a'2", "clock", "clock", "set-up", "b"} {
			k.Client(name, w, func() {})
		}
	}, explore.Sequential{}, 0, explore.Options{Observe: func(e explore.Event) {
		if e.Kind == explore.SpawnEvent {
			names = append(names, e.Task)
		}
	}})
	require.Equal(t, []string{"a'2", "a'3", "a'4", "a'2'2", "clock'2", "clock'3", "set-up'2", "b"}, names)
}

// stubborn is a server's task that tries again whatever happens to it, so many times.
func stubborn(times int, acted *int) explore.Program {
	return func(k *explore.Kernel) {
		server, w := k.World("server"), k.World("w")
		k.Client("stubborn", server, func() {
			for range times {
				func() {
					defer func() { _ = recover() }()
					k.Before("act", "x")
					*acted++
				}()
			}
		})
		k.Client("crash", w, server.Crash)
	}
}

func TestATaskThatRecoversItsEnd(t *testing.T) {
	crash, err := explore.ParseDeviation("switch stubborn -> crash before act(x)#3")
	require.NoError(t, err)
	for name, newRunner := range backends {
		r := newRunner()
		acted := 0
		replay := explore.NewReplay([]explore.Deviation{crash})
		res := r.Run(stubborn(10, &acted), replay, 0, explore.Options{})
		require.Nil(t, res.Failure, name)
		require.Equal(t, 2, acted, "it never acts again")
		res = r.Run(stubborn(1_000_000_000, &acted), replay, 0, explore.Options{})
		require.NotNil(t, res.Failure, name)
		require.Equal(t, explore.PanicOracle, res.Failure.Oracle)
		require.Contains(t, res.Failure.Detail, "task stubborn recovers the panic that ends it")
		require.Equal(t, 4, acted)
		r.Close()
	}
}
