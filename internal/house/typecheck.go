package house

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/types"
	"io"
	"os"
)

// typeImporter type-checks packages of the module against the compiled types of what they import.
type typeImporter struct {
	export map[string]string // import path -> file with the compiled package's types
}

// newTypeImporter compiles, or finds in the build cache, everything that the packages import.
func newTypeImporter(dir string, pkgs []string) (typeImporter, error) {
	args := []string{"-export", "-deps"}
	for _, p := range pkgs {
		args = append(args, "./"+p)
	}
	deps, err := goList(dir, args...)
	if err != nil {
		return typeImporter{}, err
	}
	export := map[string]string{}
	for _, d := range deps {
		export[d.ImportPath] = d.Export
	}
	return typeImporter{export: export}, nil
}

// open is the lookup function of the gc importer.
func (ti typeImporter) open(path string) (io.ReadCloser, error) {
	file := ti.export[path]
	if file == "" {
		return nil, fmt.Errorf("no compiled types of %s", path)
	}
	return os.Open(file)
}

// check type-checks the files of one package.
func (ti typeImporter) check(pkg string, files []source) (*types.Info, error) {
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{},
		Uses:  map[*ast.Ident]types.Object{},
		Defs:  map[*ast.Ident]types.Object{},
	}
	fset := files[0].fset
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", ti.open)}
	trees := make([]*ast.File, len(files))
	for i, f := range files {
		trees[i] = f.ast
	}
	if _, err := conf.Check(Module+"/"+pkg, fset, trees, info); err != nil {
		return nil, fmt.Errorf("house: %s does not type-check: %w", pkg, err)
	}
	return info, nil
}
