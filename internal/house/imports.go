package house

import (
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"strconv"
	"strings"
)

// Imports checks the arrows between the packages of the module in dir, and what its programs link.
//
// Non-test files follow the table [Arrows]. So do the test files of the package itself, which may use testing and other
// modules besides; external test packages may import anything. An error means that the check could not be done.
func Imports(dir string) ([]Finding, error) {
	files, err := sources(dir, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var out []Finding
	embedder := map[[2]string]string{} // package, embedded package -> the one file that imports it
	for _, f := range files {
		if !f.external() {
			out = append(out, importsOf(f, embedder)...)
		}
	}
	linked, err := linkFindings(dir)
	if err != nil {
		return nil, err
	}
	return sorted(append(out, linked...)), nil
}

func importsOf(f source, embedder map[[2]string]string) []Finding {
	row, ok := rowOf(f.pkg)
	if !ok {
		return []Finding{{
			File: f.file, Line: f.line(f.ast.Package), Rule: "unknown package",
			Message: f.pkg + " has no row in internal/house/tables.go: say there what it may import",
		}}
	}
	var out []Finding
	for _, spec := range f.ast.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the compiler reports it
		}
		if rule, msg := f.judge(row, path, embedder); msg != "" {
			out = append(out, Finding{File: f.file, Line: f.line(spec.Pos()), Rule: rule, Message: msg})
		}
	}
	return out
}

// judge says what is wrong with one import, or "" if nothing is.
func (f source) judge(row Arrow, path string, embedder map[[2]string]string) (rule, msg string) {
	to, mine := own(path)
	switch {
	case !mine && !f.test() && underDriver(f.pkg) && matches("testing/...", path):
		return "testing", fmt.Sprintf("%s imports %s: production code has no test support; move it to a _test file",
			f.pkg, path)
	case !mine && row.StdOnly && !f.test() && !standard(path):
		return "standard library only", fmt.Sprintf("%s imports %s, but is a leaf on the standard library: "+
			"move what needs it to the caller", f.pkg, path)
	case !mine, to == f.pkg, matchesAny(row.To, to):
		return "", ""
	case matchesAny(row.Embedded, to):
		return f.judgeEmbedded(to, embedder)
	}
	allowed := "nothing of this module"
	if len(row.To) > 0 {
		allowed = "only " + strings.Join(row.To, ", ")
	}
	return "arrow", fmt.Sprintf("%s imports %s, but may import %s: let the consumer own an interface, "+
		"and wire both in cmd or scenarios", f.pkg, to, allowed)
}

func (f source) judgeEmbedded(to string, embedder map[[2]string]string) (rule, msg string) {
	if !excludedByVMCI(f.ast) {
		return "embedded", fmt.Sprintf("%s imports %s in a file that the tag vmci does not exclude: "+
			"move it to the one file with //go:build !vmci", f.pkg, to)
	}
	key := [2]string{f.pkg, to}
	if first, ok := embedder[key]; ok && first != f.file {
		return "embedded", fmt.Sprintf("%s imports %s in a second file: %s is the one that embeds it", f.pkg, to, first)
	}
	embedder[key] = f.file
	return "", ""
}

func underDriver(pkg string) bool { return matches("driver/...", pkg) }

// rowOf finds the row with the longest path that matches.
func rowOf(pkg string) (best Arrow, ok bool) {
	for _, a := range Arrows() {
		if matches(a.From, pkg) && (!ok || len(a.From) > len(best.From)) {
			best, ok = a, true
		}
	}
	return best, ok
}

// excludedByVMCI reports whether no build with the tag vmci contains the file.
func excludedByVMCI(f *ast.File) bool {
	for _, group := range f.Comments {
		if group.Pos() > f.Package {
			break
		}
		for _, c := range group.List {
			if expr, err := constraint.Parse(c.Text); err == nil {
				return excludes(expr, "vmci")
			}
		}
	}
	return false
}

// excludes reports whether expr is false whenever tag is set, judging each other tag as whatever keeps expr true.
func excludes(expr constraint.Expr, tag string) bool {
	switch e := expr.(type) {
	case *constraint.NotExpr:
		t, ok := e.X.(*constraint.TagExpr)
		return ok && t.Tag == tag
	case *constraint.AndExpr:
		return excludes(e.X, tag) || excludes(e.Y, tag)
	case *constraint.OrExpr:
		return excludes(e.X, tag) && excludes(e.Y, tag)
	}
	return false
}
