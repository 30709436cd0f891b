package house_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"vmdkvol/internal/house"
)

type check = func(dir string) ([]house.Finding, error)

// unpack writes a module of testdata into a directory.
func unpack(t *testing.T, name string) (dir string, files []txtar.File) {
	t.Helper()
	arc, err := txtar.ParseFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	dir = t.TempDir()
	require.NoError(t, txtar.Write(arc, dir))
	return dir, arc.Files
}

// wants reads the comments "// want RULE" (about their own line) and "// want-next RULE" as "file:line: rule". A line that
// breaks several rules names them all.
func wants(files []txtar.File) (out []string) {
	for _, f := range files {
		line := 0
		for text := range strings.Lines(string(f.Data)) {
			line++
			text = strings.TrimSpace(text)
			if _, rule, ok := strings.Cut(text, "// want "); ok {
				out = append(out, fmt.Sprintf("%s:%d: %s", f.Name, line, rule))
			} else if rule, ok := strings.CutPrefix(text, "// want-next "); ok {
				out = append(out, fmt.Sprintf("%s:%d: %s", f.Name, line+1, rule))
			}
		}
	}
	return out
}

// places renders findings the way wants does; several of one rule in one line repeat its name.
func places(fs []house.Finding) (out []string) {
	at := map[string][]string{}
	var order []string
	for _, f := range fs {
		if f.Line == 0 {
			continue
		}
		key := fmt.Sprintf("%s:%d: ", f.File, f.Line)
		if at[key] == nil {
			order = append(order, key)
		}
		at[key] = append(at[key], f.Rule)
	}
	for _, key := range order {
		out = append(out, key+strings.Join(at[key], " "))
	}
	return out
}

func TestEveryRuleFailsWhereItIsBrokenAndNowhereElse(t *testing.T) {
	for name, check := range map[string]check{
		"imports.txtar":   house.Imports,
		"linked.txtar":    house.Imports,
		"decisions.txtar": house.Decisions,
	} {
		t.Run(name, func(t *testing.T) {
			dir, files := unpack(t, name)
			found, err := check(dir)
			require.NoError(t, err)
			require.ElementsMatch(t, wants(files), places(found))
		})
	}
}

func TestLinkedPackagesNameTheirImporter(t *testing.T) {
	dir, _ := unpack(t, "linked.txtar")
	found, err := house.Imports(dir)
	require.NoError(t, err)
	want, err := os.ReadFile(filepath.Join(dir, "want.txt"))
	require.NoError(t, err)
	var lines []string
	for _, f := range found {
		lines = append(lines, f.String())
	}
	all := strings.Join(lines, "\n")
	for line := range strings.Lines(string(want)) {
		prefix, rest, _ := strings.Cut(strings.TrimSpace(line), ": linked: ")
		ok := slices.ContainsFunc(lines, func(l string) bool {
			return strings.HasPrefix(l, prefix+": linked: ") && strings.Contains(l, "contains "+rest+":")
		})
		require.True(t, ok, "no finding for %q in\n%s", line, all)
	}
}

func TestCleanModule(t *testing.T) {
	for name, check := range map[string]check{"imports": house.Imports, "decisions": house.Decisions} {
		t.Run(name, func(t *testing.T) {
			dir, _ := unpack(t, "clean.txtar")
			found, err := check(dir)
			require.NoError(t, err)
			require.Empty(t, found)
		})
	}
}

func TestWhatCannotBeCheckedIsAnError(t *testing.T) {
	for name, check := range map[string]check{"imports": house.Imports, "decisions": house.Decisions} {
		t.Run(name+"/no module", func(t *testing.T) {
			_, err := check(t.TempDir())
			require.Error(t, err)
		})
		t.Run(name+"/another module", func(t *testing.T) {
			dir, _ := unpack(t, "clean.txtar")
			require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module other\n"), 0o600))
			_, err := check(dir)
			require.Error(t, err)
		})
		t.Run(name+"/does not parse", func(t *testing.T) {
			dir, _ := unpack(t, "clean.txtar")
			require.NoError(t, os.WriteFile(filepath.Join(dir, "driver", "x.go"), []byte("package"), 0o600))
			_, err := check(dir)
			require.Error(t, err)
		})
	}
	t.Run("decisions/does not type-check", func(t *testing.T) {
		dir, _ := unpack(t, "clean.txtar")
		x := []byte("package driver\n\nvar x int = \"\"\n")
		require.NoError(t, os.WriteFile(filepath.Join(dir, "driver", "x.go"), x, 0o600))
		_, err := house.Decisions(dir)
		require.Error(t, err)
	})
}
