package conform_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"vmdkvol/lab/conform/byhand"
)

// golden is one case of a file.
type golden struct {
	at       string // file:line
	sections []string
	title    string
	given    []string
	steps    []step
}

// step is a line of a case and the reply below it.
type step struct {
	at, line string
	verb     string // vm1, admin, power, fault
	words    string // the rest
	reply    string
	replied  bool
}

// bytes reports whether a case needs a way that has bytes.
func (g golden) bytes() bool {
	return slices.ContainsFunc(g.steps, func(s step) bool { return strings.HasPrefix(s.words, "bytes ") })
}

// loadGolden reads all cases, in the order of files.
func loadGolden(t *testing.T) (all []golden) {
	files, err := filepath.Glob("testdata/*.golden")
	require.NoError(t, err)
	for _, file := range files {
		f, err := os.Open(file)
		require.NoError(t, err)
		defer f.Close()
		lines := bufio.NewScanner(f)
		for n := 1; lines.Scan(); n++ {
			at := fmt.Sprintf("%s:%d", filepath.Base(file), n)
			require.NoError(t, read(&all, at, lines.Text()), at)
		}
		require.NoError(t, lines.Err())
	}
	for _, g := range all {
		for _, s := range g.steps {
			silent := s.verb == "power" || s.verb == "fault"
			require.Equal(t, !silent, s.replied, "%s: %s", s.at, s.line)
		}
	}
	return all
}

func read(all *[]golden, at, line string) error {
	reply, indented := strings.CutPrefix(line, "  ")
	switch {
	case line == "" || strings.HasPrefix(line, "#"):
		return nil
	case strings.HasPrefix(line, "== "):
		g := golden{at: at}
		words := strings.Fields(line[3:])
		for len(words) > 0 && section.MatchString(words[0]) {
			g.sections, words = append(g.sections, words[0]), words[1:]
		}
		if g.title = strings.Join(words, " "); g.sections == nil || words == nil {
			return fmt.Errorf("want == SECTION TITLE, have %q", line)
		}
		*all = append(*all, g)
		return nil
	case len(*all) == 0:
		return fmt.Errorf("%q is before the first case", line)
	}
	g := &(*all)[len(*all)-1]
	switch {
	case indented:
		if len(g.steps) == 0 || g.steps[len(g.steps)-1].replied {
			return fmt.Errorf("reply %q to nothing", reply)
		}
		for i := len(g.steps) - 1; i >= 0 && g.steps[i].at == g.steps[len(g.steps)-1].at; i-- {
			g.steps[i].reply, g.steps[i].replied = expand(reply), true
		}
	case strings.HasPrefix(line, "given "):
		if g.steps != nil {
			return fmt.Errorf("%q after a step", line)
		}
		g.given = append(g.given, line[len("given "):])
	case strings.HasPrefix(line, "for "):
		return g.many(at, line)
	default:
		verb, words, _ := strings.Cut(line, " ")
		if !regexp.MustCompile(`^(vm[123]|admin|power|fault)$`).MatchString(verb) {
			return fmt.Errorf("no step: %q", line)
		}
		g.steps = append(g.steps, step{at: at, line: line, verb: verb, words: expand(words)})
	}
	return nil
}

// many adds the steps of a line for 1..3 STEP.
func (g *golden) many(at, line string) error {
	m := regexp.MustCompile(`^for (\d+)\.\.(\d+) (\S+) (.*)$`).FindStringSubmatch(line)
	if m == nil {
		return fmt.Errorf("want for 1..3 STEP, have %q", line)
	}
	first, _ := strconv.Atoi(m[1]) // the pattern has digits only
	last, _ := strconv.Atoi(m[2])
	for n := first; n <= last; n++ {
		g.steps = append(g.steps, step{at: at, line: line, verb: m[3], words: strings.ReplaceAll(expand(m[4]), "{n}", strconv.Itoa(n))})
	}
	return nil
}

var (
	section = regexp.MustCompile(`^([12]\.\d+|A)$`)
	repeat  = regexp.MustCompile(`\{([^{}"*]+)\*(\d+)\}`)
)

// expand writes {x*3} out.
func expand(text string) string {
	return repeat.ReplaceAllStringFunc(text, func(found string) string {
		m := repeat.FindStringSubmatch(found)
		n, err := strconv.Atoi(m[2])
		if err != nil {
			panic(err) // the pattern has digits only
		}
		return strings.Repeat(m[1], n)
	})
}

// request is the text that a step of a VM sends; raw, if not nil, are bytes instead.
func (s step) request() (text string, raw []byte, err error) {
	command, rest, _ := strings.Cut(s.words, " ")
	switch command {
	case "text":
		return rest, nil, nil
	case "bytes":
		raw, err = parseBytes(rest)
		return "", append([]byte{}, raw...), err
	}
	name, opts, _ := strings.Cut(rest, " ")
	if quoted, err := strconv.QuotedPrefix(rest); err == nil {
		if name, err = strconv.Unquote(quoted); err != nil {
			return "", nil, err
		}
		opts = strings.TrimPrefix(rest[len(quoted):], " ")
	}
	return byhand.Request(command, name, opts), nil, nil
}

// parseBytes reads words of hex digits and Go strings.
func parseBytes(text string) (raw []byte, err error) {
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		if quoted, err := strconv.QuotedPrefix(text); err == nil {
			s, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, err
			}
			raw, text = append(raw, s...), text[len(quoted):]
			continue
		}
		word, rest, _ := strings.Cut(text, " ")
		b, err := hex.DecodeString(word)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", word, err)
		}
		raw, text = append(raw, b...), rest
	}
	return raw, nil
}

// pattern is a reply of a case as a regular expression.
func pattern(reply string) *regexp.Regexp {
	p := regexp.QuoteMeta(reply)
	p = strings.ReplaceAll(p, `\{time\}`, `[A-Z][a-z]{2} [A-Z][a-z]{2} [ 123]\d [012]\d:[0-5]\d:[0-5]\d 20\d\d`)
	p = strings.ReplaceAll(p, `\{any\}`, `[^"]*`)
	return regexp.MustCompile(`\A` + p + `\z`)
}
