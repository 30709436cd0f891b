package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim/host"
	"vmdkvol/scenarios"
)

func TestQuirks(t *testing.T) {
	code, out, _ := do(t, "quirks", "--json")
	require.Equal(t, exitFine, code)
	var list []map[string]string
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	require.Len(t, list, len(host.QuirkList())+len(scenarios.NetworkSwitches())-2, "one-receiver and gives-up are of both")
	require.Contains(t, list, map[string]string{"name": "null-get", "fact": "docs/original.md §2.9, D14", "default": "on", "of": "service", "where": "both"})
	require.Contains(t, list, map[string]string{"name": "no-vm-lock", "fact": "docs/original.md §2.7, §2.11, B9", "default": "off", "of": "service", "where": "both"})
	require.Contains(t, list, map[string]string{"name": "backlog-one", "fact": "docs/original.md §1.1, B23", "default": "off", "of": "network", "where": "simulation"})
	require.Contains(t, list, map[string]string{"name": "one-receiver", "fact": "docs/original.md §1.4, D16", "default": "on", "of": "network, serve", "where": "both"})
	require.Contains(t, list, map[string]string{"name": "torn-metadata", "fact": "docs/original.md §2.14, D12", "default": "on", "of": "service", "where": "simulation"})
	names := make([]string, 0, len(list))
	for _, q := range list {
		names = append(names, q["name"])
	}
	require.IsIncreasing(t, names)

	code, out, _ = do(t, "quirks")
	require.Equal(t, exitFine, code)
	require.Len(t, strings.Split(strings.TrimSpace(out), "\n"), 1+len(list))
	code, _, errs := do(t, "quirks", "extra")
	require.Equal(t, exitBadInput, code)
	require.Equal(t, 1, strings.Count(errs, "\n"))
}
