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
	"time"

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

func TestSamplesBelongToSomebody(t *testing.T) {
	const ruler = "-----------+-----\n"
	stack := func(frames ...string) string {
		return ruler + "      10ms   runtime.mallocgc /go/src/runtime/malloc.go:1\n             " +
			strings.Join(frames, "\n             ") + "\n"
	}
	const (
		inTask = "vmdkvol/explore.(*Task).run /m/explore/task.go:123"
		mount  = "vmdkvol/driver.(*Driver).Mount /m/driver/mount.go:9"
		plug   = "vmdkvol/guestsim.(*Guest).Plug /m/guestsim/host.go:9 (inline)"
	)
	for want, text := range map[string]string{
		"runtime":    stack("runtime.gcBgMarkWorker /go/src/runtime/mgc.go:2"),
		"kernel":     stack("vmdkvol/explore.(*monitor).Lock /m/explore/monitor.go:3", mount, inTask),
		"driver":     stack(mount, inTask),
		"codec":      stack("vmdkvol/driver/wire.AppendRequest /m/driver/wire/request.go:3", mount, inTask),
		"simulators": stack(plug, "vmdkvol/scenarios.bus.Plug /m/scenarios/world.go:126", inTask),
		"oracles":    stack(plug, "vmdkvol/scenarios.(*judge).step /m/scenarios/oracle.go:5", inTask),
		"world":      stack(plug, "vmdkvol/scenarios.(*theatre).build /m/scenarios/world.go:5", "vmdkvol/explore.(*Runner).Run /m/explore/runner.go:1"),
	} {
		require.Contains(t, shares(), want)
		of, err := samples([]byte("File: bench.test\nType: cpu\n" + text + text + ruler))
		require.NoError(t, err)
		require.Equal(t, map[string]time.Duration{want: 20 * time.Millisecond}, of)
	}
	_, err := samples([]byte(ruler + "no time\n"))
	require.Error(t, err)
}
