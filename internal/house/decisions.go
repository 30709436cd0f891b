package house

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strconv"
)

// Decisions checks that the non-test files of [DecisionPackages] in the module in dir contain no concurrency, clock,
// chance or I/O of their own, and no range over a map whose order can be seen. A package of the table that does not exist
// is skipped.
//
// The packages are type-checked, so that renamed imports, dot imports and method values do not hide anything. An error
// means that the check could not be done, for example because a package does not compile.
func Decisions(dir string) ([]Finding, error) {
	all, err := sources(dir, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	byPackage := map[string][]source{}
	var existing []string
	for _, f := range all {
		if f.test() || !slices.Contains(DecisionPackages(), f.pkg) {
			continue
		}
		if _, ok := byPackage[f.pkg]; !ok {
			existing = append(existing, f.pkg)
		}
		byPackage[f.pkg] = append(byPackage[f.pkg], f)
	}
	if len(existing) == 0 {
		return nil, fmt.Errorf("house: %s has none of the decision packages", dir)
	}
	imports, err := newTypeImporter(dir, existing)
	if err != nil {
		return nil, err
	}
	var out []Finding
	for _, pkg := range existing {
		files, tagged := withoutTags(dir, byPackage[pkg])
		out = append(out, tagged...)
		if len(files) == 0 {
			continue
		}
		info, err := imports.check(pkg, files)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			in := inspection{source: f, info: info}
			in.run()
			out = append(out, in.found...)
		}
	}
	return sorted(out), nil
}

// withoutTags reports files with a build constraint, which decisions have no use for, and returns the others: files of
// different builds cannot be type-checked together.
func withoutTags(dir string, files []source) (plain []source, found []Finding) {
	for _, f := range files {
		line := tagLine(f)
		if line == 0 && anywhere(dir, f.file) {
			plain = append(plain, f)
			continue
		}
		if line == 0 {
			line = f.line(f.ast.Package) // the name is to blame
		}
		found = append(found, Finding{
			File: f.file, Line: line, Rule: "build tag",
			Message: "a decision is the same in every build; put what differs into a shell package",
		})
	}
	return plain, found
}

// anywhere reports whether the file's name, such as disk_linux.go, leaves it in every build.
func anywhere(dir, file string) bool {
	ctx := build.Default
	ctx.GOOS, ctx.GOARCH = "nonesuch", "nonesuch"
	ok, err := ctx.MatchFile(filepath.Join(dir, filepath.Dir(file)), filepath.Base(file))
	return ok && err == nil
}

// tagLine is the line of the file's build constraint, 0 if it has none.
func tagLine(f source) int {
	for _, group := range f.ast.Comments {
		for _, c := range group.List {
			if c.Pos() < f.ast.Package && constraint.IsGoBuild(c.Text) {
				return f.line(c.Pos())
			}
		}
	}
	return 0
}

// inspection looks at one file.
type inspection struct {
	source
	info  *types.Info
	found []Finding
}

func (in *inspection) report(at token.Pos, rule, format string, args ...any) {
	in.found = append(in.found, Finding{
		File: in.file, Line: in.line(at), Rule: rule, Message: fmt.Sprintf(format, args...),
	})
}

func (in *inspection) run() {
	in.imports()
	sortedAtOnce := in.keysSortedAtOnce()
	ast.Inspect(in.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			in.report(n.Pos(), "goroutine", "go statement: use seam.Env.Go")
		case *ast.ChanType:
			in.report(n.Pos(), "channel", "channel type: %s", useMonitor)
		case *ast.SendStmt:
			in.report(n.Pos(), "channel", "send: %s", useMonitor)
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				in.report(n.Pos(), "channel", "receive: %s; for a context ask Err or context.Cause", useMonitor)
			}
		case *ast.SelectStmt:
			in.report(n.Pos(), "channel", "select: %s", useMonitor)
		case *ast.RangeStmt:
			in.rangeStmt(n)
		case *ast.Ident:
			if !sortedAtOnce[n] {
				in.use(n)
			}
		}
		return true
	})
}

// imports reports imports that are forbidden as such.
func (in *inspection) imports() {
	for _, spec := range in.ast.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the type checker reports it
		}
		if b, ok := in.banOf(path); ok && len(b.names) == 0 {
			in.report(spec.Pos(), b.rule, "import of %s: %s", path, b.instead)
		}
	}
}

// use reports the use of a forbidden name of a package, however the file spells it.
func (in *inspection) use(id *ast.Ident) {
	switch obj := in.info.Uses[id].(type) {
	case nil:
	case *types.Builtin:
		switch obj.Name() {
		case "close":
			in.report(id.Pos(), "channel", "close: %s", useMonitor)
		case "print", "println":
			in.report(id.Pos(), "io", "%s: take a *slog.Logger in the Config", obj.Name())
		}
	default:
		if obj.Pkg() == nil || obj.Parent() != obj.Pkg().Scope() {
			return // local, a field or a method
		}
		b, ok := in.banOf(obj.Pkg().Path())
		if ok && slices.Contains(b.names, obj.Name()) {
			in.report(id.Pos(), b.rule, "%s.%s: %s", obj.Pkg().Name(), obj.Name(), b.instead)
		}
	}
}

func (in *inspection) banOf(path string) (ban, bool) {
	for _, b := range bans() {
		switch {
		case !matches(b.path, path), slices.Contains(b.except, path):
		case len(b.only) > 0 && !slices.Contains(b.only, in.pkg):
		default:
			return b, true
		}
	}
	return ban{}, false
}
