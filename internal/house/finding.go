package house

import (
	"cmp"
	"fmt"
	"slices"
)

// Finding is one place where a rule is broken.
type Finding struct {
	File    string // relative to the module's directory; a package path if no single file is to blame
	Line    int    // 0 if no single line is to blame
	Rule    string // short name of the rule, such as "goroutine"
	Message string // what is there, and what to do instead
}

// String is "file:line: rule: message", without the line if there is none.
func (f Finding) String() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s: %s", f.File, f.Rule, f.Message)
	}
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Rule, f.Message)
}

// sorted puts findings in the order of files and lines and drops repetitions.
func sorted(fs []Finding) []Finding {
	slices.SortFunc(fs, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message),
		)
	})
	return slices.Compact(fs)
}
