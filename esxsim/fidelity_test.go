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

// TestFidelity: what docs/fidelity.md names exists, and it speaks of every section, switch and checkpoint.
func TestFidelity(t *testing.T) {
	text, err := os.ReadFile("../docs/fidelity.md")
	require.NoError(t, err)
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
	missing := map[string]bool{}
	known := map[string]bool{}
	for _, q := range esxsim.QuirkList() {
		known["quirk:"+string(q.Name)], missing["quirk:"+string(q.Name)] = true, true
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
