package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"vmdkvol/explore"
)

func TestASearchThatHangsSaysWhere(t *testing.T) {
	var stderr bytes.Buffer
	free := make(chan struct{})
	defer close(free)
	err := watchedFor(10*time.Millisecond, &stderr, func(w *explore.Watchdog) error {
		r := explore.NewRunner()
		defer r.Close()
		r.Search(explore.Search{Strategy: explore.Random(1), Schedules: 10, Options: explore.Options{Watchdog: w}}, func(k *explore.Kernel) {
			k.Client("c1", k.World("w"), func() { <-free })
		})
		return nil
	})
	require.ErrorIs(t, err, errFound)
	require.Contains(t, stderr.String(), "task c1")
	require.Contains(t, stderr.String(), "chan receive")
	require.Contains(t, stderr.String(), "watch_test.go:")
}

func TestLocks(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "gets.scn")
	text := "given volume v\nstart c1: mount v id=x\nstart c2: mount v id=y\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	steps := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := run(t.Context(), append([]string{"explore", file, "--strategy", "idb:2", "--json"}, args...), &out, &errs)
		return code, out.String() + errs.String()
	}
	code, barging := steps("--locks", "barging")
	require.Equal(t, exitFine, code, barging)
	code, fair := steps("--locks", "go")
	require.Equal(t, exitFine, code, fair)
	require.NotEqual(t, schedulesOf(t, barging), schedulesOf(t, fair), "queueing is a step")
	require.NoError(t, os.WriteFile(file, []byte("given locks go\n"+text), 0o600))
	_, given := steps()
	require.Equal(t, schedulesOf(t, fair), schedulesOf(t, given))
	code, said := steps("--locks", "fifo")
	require.Equal(t, exitBadInput, code)
	require.Contains(t, said, `unknown lock model "fifo": want barging or go`)
	var out, errs bytes.Buffer
	require.Equal(t, exitFine, run(t.Context(), []string{"verify", "--clients", "1", "--ops", "2", "--locks", "go"}, &out, &errs), errs.String())
	require.Equal(t, exitBadInput, run(t.Context(), []string{"verify", "--locks", "fifo"}, &out, &errs))
}

func schedulesOf(t *testing.T, report string) int {
	t.Helper()
	var e explored
	require.NoError(t, json.Unmarshal([]byte(report), &e), report)
	return e.Schedules
}
