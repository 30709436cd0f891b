package house

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// Go visits the keys of a map in a random order, so a range over one makes a run unrepeatable unless its body does the
// same in every order. The rule is narrow on purpose: the body may only
//
//   - collect into a slice with x = append(x, …), or into a map with m[k] = …; what is collected must be sorted before
//     anyone sees its order, which this check does not verify;
//   - delete from a map, or count with ++, --, += and the like on integers;
//   - set a variable to a constant;
//   - return what does not depend on the loop's variables, if it does nothing else and every return is the same;
//   - define variables, and do any of this under an if.
//
// It must not call anything but len, cap, min, max, append, delete, conversions and what pureCall lists. A return may: it
// happens once.

// rangeStmt reports ranges over channels, and over maps in ways that show their order.
func (in *inspection) rangeStmt(n *ast.RangeStmt) {
	t := in.info.TypeOf(n.X)
	if t == nil {
		return
	}
	switch t.Underlying().(type) {
	case *types.Chan:
		in.report(n.Pos(), "channel", "range over a channel: %s", useMonitor)
	case *types.Map:
		o := orderFree{info: in.info, loop: n}
		if bad, why := o.body(); bad != nil {
			in.report(n.Pos(), "map order", "range over a map whose body has %s in line %d: "+
				"range over slices.Sorted(maps.Keys(m))", why, in.line(bad.Pos()))
		}
	}
}

// keysSortedAtOnce finds the names maps.Keys, maps.Values and maps.All where they stand directly inside slices.Sorted,
// SortedFunc or SortedStableFunc.
func (in *inspection) keysSortedAtOnce() map[*ast.Ident]bool {
	ok := map[*ast.Ident]bool{}
	ast.Inspect(in.ast, func(n ast.Node) bool {
		call, isCall := n.(*ast.CallExpr)
		if !isCall || len(call.Args) == 0 {
			return true
		}
		f := in.callee(call)
		if f == nil || f.Pkg() == nil || f.Pkg().Path() != "slices" || !strings.HasPrefix(f.Name(), "Sorted") {
			return true
		}
		if inner, isCall := call.Args[0].(*ast.CallExpr); isCall {
			if id := calledName(inner.Fun); id != nil {
				ok[id] = true
			}
		}
		return true
	})
	return ok
}

func (in *inspection) callee(call *ast.CallExpr) *types.Func {
	id := calledName(call.Fun)
	if id == nil {
		return nil
	}
	f, _ := in.info.Uses[id].(*types.Func)
	return f
}

// calledName is the identifier that names the called function.
func calledName(fun ast.Expr) *ast.Ident {
	switch f := ast.Unparen(fun).(type) {
	case *ast.Ident:
		return f
	case *ast.SelectorExpr:
		return f.Sel
	case *ast.IndexExpr:
		return calledName(f.X)
	}
	return nil
}

// orderFree decides whether the body of a range over a map does the same in every order.
type orderFree struct {
	info    *types.Info
	loop    *ast.RangeStmt
	effects bool // it changes something
	ret     *ast.ReturnStmt
}

// body returns the first node that breaks the rule, and what it is; nil if none does.
func (o *orderFree) body() (bad ast.Node, why string) {
	n := o.loop
	if n.Tok == token.ASSIGN && (n.Key != nil || n.Value != nil) {
		return n, "its own variables outside the loop (the last key wins)"
	}
	if bad, why := o.block(n.Body.List); bad != nil {
		return bad, why
	}
	if o.ret != nil && o.effects {
		return o.ret, "a return that cuts off other work"
	}
	return nil, ""
}

func (o *orderFree) block(list []ast.Stmt) (ast.Node, string) {
	for _, s := range list {
		if bad, why := o.stmt(s); bad != nil {
			return bad, why
		}
	}
	return nil, ""
}

func (o *orderFree) stmt(s ast.Stmt) (ast.Node, string) {
	switch s := s.(type) {
	case nil, *ast.EmptyStmt:
		return nil, ""
	case *ast.BlockStmt:
		return o.block(s.List)
	case *ast.IfStmt:
		return o.ifStmt(s)
	case *ast.AssignStmt:
		return o.assign(s)
	case *ast.IncDecStmt:
		o.effects = true
		if !o.integer(s.X) {
			return s, "arithmetic on something else than integers"
		}
		return o.call(s)
	case *ast.ExprStmt:
		o.effects = true
		if call, ok := s.X.(*ast.CallExpr); ok && o.builtin(call) == "delete" {
			return o.call(s)
		}
		return s, "a call"
	case *ast.BranchStmt:
		if s.Tok == token.CONTINUE && s.Label == nil {
			return nil, ""
		}
		return s, "a " + s.Tok.String()
	case *ast.ReturnStmt:
		return o.returns(s)
	}
	return s, "something else than collecting, deleting and counting"
}

func (o *orderFree) ifStmt(s *ast.IfStmt) (ast.Node, string) {
	if bad, why := o.stmt(s.Init); bad != nil {
		return bad, why
	}
	if bad, why := o.call(s.Cond); bad != nil {
		return bad, why
	}
	if bad, why := o.block(s.Body.List); bad != nil {
		return bad, why
	}
	return o.stmt(s.Else)
}

func (o *orderFree) assign(s *ast.AssignStmt) (ast.Node, string) {
	if bad, why := o.call(s); bad != nil {
		return bad, why
	}
	if s.Tok == token.DEFINE {
		for _, r := range s.Rhs {
			if o.appends(r) {
				return s, "an append to a variable of the loop"
			}
		}
		return nil, ""
	}
	o.effects = true
	if s.Tok != token.ASSIGN {
		if o.integer(s.Lhs[0]) && s.Tok != token.QUO_ASSIGN && s.Tok != token.REM_ASSIGN &&
			s.Tok != token.SHL_ASSIGN && s.Tok != token.SHR_ASSIGN {
			return nil, ""
		}
		return s, "arithmetic whose result depends on the order"
	}
	for i, l := range s.Lhs {
		if len(s.Lhs) != len(s.Rhs) || !o.collects(l, s.Rhs[i]) {
			return s, "an assignment (the last key wins)"
		}
	}
	return nil, ""
}

// collects reports whether l = r is x = append(x, …), m[k] = … on a map, _ = …, or sets l to a constant.
func (o *orderFree) collects(l, r ast.Expr) bool {
	if call, ok := r.(*ast.CallExpr); ok && o.builtin(call) == "append" {
		return types.ExprString(call.Args[0]) == types.ExprString(l)
	}
	if ix, ok := l.(*ast.IndexExpr); ok {
		if t := o.info.TypeOf(ix.X); t != nil {
			if _, ok := t.Underlying().(*types.Map); ok {
				return true
			}
		}
	}
	id, ok := l.(*ast.Ident)
	return ok && id.Name == "_" || o.constant(r)
}

func (o *orderFree) returns(s *ast.ReturnStmt) (ast.Node, string) {
	for _, r := range s.Results {
		if o.dependsOnLoop(r) {
			return s, "a return of what was found first"
		}
	}
	if o.ret != nil && text(o.ret) != text(s) {
		return s, "two different returns"
	}
	o.ret = s
	return nil, ""
}

// dependsOnLoop reports whether e uses a variable that the range statement defines, anywhere in it.
func (o *orderFree) dependsOnLoop(e ast.Expr) (yes bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return !yes
		}
		obj := o.info.Uses[id]
		yes = yes || obj != nil && o.loop.Pos() <= obj.Pos() && obj.Pos() < o.loop.End()
		return !yes
	})
	return yes
}

func text(s *ast.ReturnStmt) string {
	var parts []string
	for _, r := range s.Results {
		parts = append(parts, types.ExprString(r))
	}
	return strings.Join(parts, ", ")
}

// call finds the first call in n that may do something, and the first function literal or receive.
func (o *orderFree) call(n ast.Node) (bad ast.Node, why string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if bad != nil {
			return false
		}
		switch n := n.(type) {
		case *ast.CallExpr:
			switch o.builtin(n) {
			case "len", "cap", "min", "max", "append", "delete":
				return true
			}
			if tv, ok := o.info.Types[n.Fun]; ok && tv.IsType() {
				return true // a conversion
			}
			if o.pureCall(n) {
				return true
			}
			bad, why = n, "a call"
		case *ast.FuncLit:
			bad, why = n, "a function"
		}
		return true
	})
	return bad, why
}

// pureCall reports whether the call is one of a few functions of the standard library that do nothing but answer.
func (o *orderFree) pureCall(call *ast.CallExpr) bool {
	id := calledName(call.Fun)
	if id == nil {
		return false
	}
	f, ok := o.info.Uses[id].(*types.Func)
	if !ok || f.Pkg() == nil || f.Signature().Recv() != nil {
		return false
	}
	switch f.Pkg().Path() {
	case "strings", "bytes", "strconv", "unicode", "unicode/utf8", "cmp", "path":
		return true
	case "slices":
		switch f.Name() {
		case "Contains", "Index", "Equal", "BinarySearch", "Clone":
			return true
		}
	}
	return false
}

func (o *orderFree) appends(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	return ok && o.builtin(call) == "append"
}

// builtin is the name of the built-in function that is called, "" if it is another.
func (o *orderFree) builtin(call *ast.CallExpr) string {
	if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
		if b, ok := o.info.Uses[id].(*types.Builtin); ok {
			return b.Name()
		}
	}
	return ""
}

func (o *orderFree) constant(e ast.Expr) bool {
	tv, ok := o.info.Types[e]
	return ok && (tv.Value != nil || tv.IsNil())
}

func (o *orderFree) integer(e ast.Expr) bool {
	t := o.info.TypeOf(e)
	if t == nil {
		return false
	}
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&types.IsInteger != 0
}
