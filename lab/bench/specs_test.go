package bench_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryFigureHasALineThatToolsCanParse(t *testing.T) {
	line := regexp.MustCompile(`^bench: [a-z0-9]+/\w+ \d+(\.\d+)? \S+ target=(-|\d+(\.\d+)?)( ceiling=\d+(\.\d+)?)?$`)
	for _, s := range specs() {
		for _, value := range []float64{0, 0.25, 1.0 / 3, 99.99, 999.996, 1234.5, 153_800} {
			require.Regexp(t, line, s.line(value))
		}
	}
}

func TestTheDocumentationListsEveryFigureOnce(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	var documented, known []string
	for _, m := range regexp.MustCompile(`(?m)^//\t([a-z0-9]+/\w+)( |$)`).FindAllStringSubmatch(string(text), -1) {
		documented = append(documented, m[1])
	}
	for _, s := range specs() {
		known = append(known, s.name)
	}
	slices.Sort(documented)
	slices.Sort(known)
	require.Equal(t, known, documented)
}

// A benchmark that announces a figure fails if it does not print it, so it is enough that the name stands there: as it is,
// or put together from a constant beginning and end.
func TestABenchmarkAnnouncesEveryFigure(t *testing.T) {
	files, err := parser.ParseDir(token.NewFileSet(), ".", nil, 0) //nolint:staticcheck // one package, no build tags
	require.NoError(t, err)
	var words []string
	for path, f := range files["bench_test"].Files {
		if path == "figures_test.go" {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				word, err := strconv.Unquote(lit.Value)
				require.NoError(t, err)
				words = append(words, word)
			}
			return true
		})
	}
	for _, s := range specs() {
		name := strings.TrimSuffix(s.name, "_3x3")
		require.True(t, announced(name, words), "no benchmark announces "+s.name)
	}
}

func announced(name string, words []string) bool {
	if slices.Contains(words, name) {
		return true
	}
	for i := 1; i < len(name); i++ {
		if slices.Contains(words, name[:i]) && slices.Contains(words, name[i:]) {
			return true
		}
	}
	return false
}
