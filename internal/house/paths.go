package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// matches reports whether pkg is what pattern means: the path itself, or with "/..." everything at and below it.
func matches(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return pkg == base || strings.HasPrefix(pkg, base+"/")
	}
	return pkg == pattern
}

func matchesAny(patterns []string, pkg string) bool {
	for _, p := range patterns {
		if matches(p, pkg) {
			return true
		}
	}
	return false
}

// own cuts the module's path off an import path. ok is false for imports from elsewhere.
func own(importPath string) (pkg string, ok bool) {
	return strings.CutPrefix(importPath, Module+"/")
}

// standard reports whether an import path is the standard library's: only other modules have a dot in the first element.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	_, mine := own(importPath)
	return !mine && !strings.Contains(first, ".") && importPath != "C"
}

// source is one Go file of the module.
type source struct {
	pkg  string // path of its directory below the module
	file string // relative to the module's directory, with slashes
	ast  *ast.File
	fset *token.FileSet
}

func (s source) test() bool { return strings.HasSuffix(s.file, "_test.go") }

// external reports whether the file belongs to an external test package.
func (s source) external() bool { return s.test() && strings.HasSuffix(s.ast.Name.Name, "_test") }

func (s source) line(p token.Pos) int { return s.fset.Position(p).Line }

// checkModule makes sure that dir is the module of the tables.
func checkModule(dir string) error {
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return fmt.Errorf("house: no module: %w", err)
	}
	for line := range strings.Lines(string(mod)) {
		if strings.TrimSpace(line) == "module "+Module {
			return nil
		}
	}
	return fmt.Errorf("house: %s is not the module %s", dir, Module)
}

// sources parses every Go file below dir, whatever its build constraints, except those that the go command ignores
// everywhere (testdata, names that begin with a dot or underscore) and nested modules.
func sources(dir string, mode parser.Mode) ([]source, error) {
	if err := checkModule(dir); err != nil {
		return nil, err
	}
	var out []source
	fset := token.NewFileSet() // one for all: the type checker compares positions
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		ignored := name != dir && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_"))
		if d.IsDir() {
			if ignored || base == "testdata" || base == "vendor" {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); name != dir && err == nil {
				return filepath.SkipDir
			}
			return nil
		}
		if ignored || !strings.HasSuffix(base, ".go") {
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, name, nil, mode)
		if err != nil {
			return fmt.Errorf("house: %w", err)
		}
		rel = filepath.ToSlash(rel)
		out = append(out, source{pkg: path.Dir(rel), file: rel, ast: f, fset: fset})
		return nil
	})
	return out, err
}
