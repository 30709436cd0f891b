package esxsim_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/esxsim"
)

// packages are where the tests of docs/fidelity.md are.
var packages = map[string]string{
	"wire": "../driver/wire", "vmdkops": "../driver/vmdkops", "vmci": "../driver/vmci", "vmcisim": "../vmcisim",
	"esxsim": ".", "host": "host", "configdb": "host/configdb", "vmdksim": "../cmd/vmdksim",
	"conform": "../lab/conform",
}

// allTests are the tests of the packages, as docs/fidelity.md names them.
func allTests(t *testing.T) map[string]bool {
	t.Helper()
	tests := map[string]bool{}
	for name, dir := range packages {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(source, -1) {
				tests[name+"."+string(m[1])] = true
			}
		}
	}
	return tests
}

// switchFacts are the facts of all switches of service and network, as docs/fidelity.md names them.
func switchFacts(t *testing.T) map[string]string {
	t.Helper()
	facts := map[string]string{}
	for _, q := range esxsim.QuirkList() {
		facts["quirk:"+string(q.Name)] = q.Fact
	}
	source, err := os.ReadFile("../vmcisim/switches.go") // which this package knows nothing of
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`\{"([a-z-]+)", "([^"]+)", (?:true|false)\}`).FindAllSubmatch(source, -1) {
		facts["network:"+string(m[1])] = string(m[2])
	}
	require.Contains(t, facts, "network:backlog-one")
	return facts
}

// TestFidelity: what docs/fidelity.md names exists, and it speaks of every section, switch and checkpoint.
func TestFidelity(t *testing.T) {
	text, err := os.ReadFile("../docs/fidelity.md")
	require.NoError(t, err)
	tests := allTests(t)
	missing := map[string]bool{}
	known := map[string]bool{}
	for name := range switchFacts(t) {
		known[name], missing[name] = true, true
	}
	for _, p := range esxsim.Checkpoints() {
		known[p.Name], missing[p.Name] = true, true
	}
	for i := 1; i <= 10; i++ {
		missing[fmt.Sprint("1.", i)] = true
	}
	for i := 1; i <= 16; i++ {
		missing[fmt.Sprint("2.", i)] = true
	}

	rows := 0
	for n, line := range strings.Split(string(text), "\n") {
		at := fmt.Sprintf("docs/fidelity.md:%d", n+1)
		cells := strings.Split(line, " |")
		if len(cells) != 5 || !regexp.MustCompile(`^\| ([12]\.\d+|6\.2|A) \|`).MatchString(line) {
			require.NotRegexp(t, `^\| ?[12]\.\d`, line, "%s: a row has four cells", at)
			continue
		}
		rows++
		section, status := strings.TrimPrefix(cells[0], "| "), cells[2]
		delete(missing, section)
		require.Regexp(t, `^ (faithful|simplified|absent|never run on VMware)([:;,]| |$)`, status, at)
		names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[3], -1)
		require.False(t, strings.HasPrefix(status, " faithful") && len(names) == 0, "%s: nothing shows that it is faithful", at)
		for _, m := range names {
			name := m[1]
			delete(missing, name)
			if strings.Contains(name, "/") {
				require.FileExists(t, filepath.Join("..", name), at)
				continue
			}
			require.True(t, known[name] || tests[name], "%s: there is no %s", at, name)
		}
	}
	require.Greater(t, rows, 60)
	require.Empty(t, missing, "docs/fidelity.md does not speak of these")
}

// TestBugsAndDefects: docs/fidelity.md has a row for each bug and each defect of docs/original.md, with every switch that
// brings it back, or it says whose it is.
func TestBugsAndDefects(t *testing.T) {
	text, err := os.ReadFile("../docs/fidelity.md")
	require.NoError(t, err)
	tests, facts := allTests(t), switchFacts(t)
	rows := map[string][]string{}
	for _, line := range strings.Split(string(text), "\n") {
		m := regexp.MustCompile(`^\| ([BD]\d+) \| (.*) \|(.*)\|$`).FindStringSubmatch(line)
		if m == nil {
			continue
		}
		item := m[1]
		require.NotContains(t, rows, item, "twice")
		rows[item] = nil
		for _, n := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(m[3], -1) {
			name := n[1]
			if strings.Contains(name, "/") {
				require.FileExists(t, filepath.Join("..", name), item)
				continue
			}
			_, isSwitch := facts[name]
			require.True(t, isSwitch || tests[name], "%s: there is no %s", item, name)
			if isSwitch {
				rows[item] = append(rows[item], name)
			}
		}
		require.Equal(t, len(rows[item]) == 0, strings.HasPrefix(m[2], "elsewhere, of "), line)
	}
	for letter, last := range map[string]int{"B": 45, "D": 29} {
		for i := 1; i <= last; i++ {
			require.Contains(t, rows, fmt.Sprint(letter, i))
		}
	}
	for name, fact := range facts {
		for _, item := range regexp.MustCompile(`\b[BD]\d+`).FindAllString(fact, -1) {
			require.Contains(t, rows[item], name)
		}
	}
	for item, names := range rows {
		for _, name := range names {
			require.Regexp(t, item+`\b`, facts[name], "%s says nothing of %s", name, item)
		}
	}
}
