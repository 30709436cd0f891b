package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
	"vmdkvol/scenarios"
)

// small is a verification that takes a moment.
func small(file string) verification {
	return verification{
		scope: scenarios.Scope{Clients: 2, Ops: 1}, limit: 1_000_000, audit: 1000, jobs: 2, shard: "1/1", violations: 1, resume: file,
		locks: explore.Barging.String(),
	}
}

// same is a certificate without what may differ from call to call.
func same(c *certificate) certificate {
	d := *c
	d.ElapsedMS = 0
	return d
}

func TestAnInterruptedProofIsThatOfTheWhole(t *testing.T) {
	plain := small("")
	whole, err := plain.run(t.Context(), nil)
	require.NoError(t, err)
	require.True(t, whole.Complete)
	require.Positive(t, whole.Audited)

	file := filepath.Join(t.TempDir(), "progress.json")
	programs := 0
	for _, stop := range []int{3, 3, 20, whole.Programs - 1} { // 3 again: stopped before it has done anything more
		ctx, cancel := context.WithCancel(t.Context())
		part := small(file)
		part.counted = func(n int) {
			if n >= stop {
				cancel()
			}
		}
		c, err := part.run(ctx, nil)
		require.NoError(t, err)
		require.False(t, c.Complete)
		require.Greater(t, c.Programs, programs, "it goes on from where it was")
		require.Less(t, c.Programs, whole.Programs)
		programs = c.Programs
		cancel()
	}
	rest := small(file)
	done, err := rest.run(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, same(whole), same(done))

	again := small(file)
	again.counted = func(int) { t.Error("nothing is left to explore") }
	done, err = again.run(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, same(whole), same(done))
}

// TestAKilledProofHasSavedItself: what is in the file while verify runs is enough to go on.
func TestAKilledProofHasSavedItself(t *testing.T) {
	file := filepath.Join(t.TempDir(), "progress.json")
	v := small(file)
	v.counted = func(n int) {
		var p progress
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &p))
		require.Equal(t, n-1, p.Certificate.Programs) // saved after every program: saveEvery is 0
	}
	_, err := v.run(t.Context(), nil)
	require.NoError(t, err)
}

func TestProgressOfSomethingElseIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "progress.json")
	args := []string{"verify", "--clients", "1", "--ops", "1", "--resume", file}
	code, first, _ := do(t, args...)
	require.Equal(t, exitFine, code)
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	code, second, _ := do(t, args...)
	require.Equal(t, exitFine, code)
	require.NotEmpty(t, first)
	require.NotEmpty(t, second)

	edited := func(edit func(p *progress)) string {
		var p progress
		require.NoError(t, json.Unmarshal(before, &p))
		edit(&p)
		text, err := json.Marshal(p)
		require.NoError(t, err)
		return string(text)
	}
	for name, c := range map[string]struct {
		args []string
		text string // of the file
		says string
	}{
		"scope":   {[]string{"--ops", "2"}, string(before), "another scope: 1 clients, 1 operations, 0 faults"},
		"shard":   {[]string{"--shard", "1/2"}, string(before), "other flags: --shard 1/1"},
		"build":   {nil, edited(func(p *progress) { p.Build = "00" }), "another build"},
		"locks":   {[]string{"--locks", "go"}, string(before), "another lock model: barging"},
		"garbage": {nil, "garbage", "no progress of verify"},
		"empty":   {nil, "", "no progress of verify"},
		"hash":    {nil, edited(func(p *progress) { p.Certificate.Hash = "x" }), "no progress of verify"},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(file, []byte(c.text), 0o600))
			code, out, errs := do(t, append(args, c.args...)...)
			require.Equal(t, exitBadInput, code)
			require.Empty(t, out)
			require.Contains(t, errs, c.says)
			require.Contains(t, errs, "it is left as it is")
			after, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, c.text, string(after))
		})
	}
}
