package conform_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const fidelity = "../../docs/fidelity.md"

// told are the sections of docs/original.md in which a client is told something, in their order.
var told = []string{
	"1.4", "1.5", "1.6", "1.7", "1.8", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9", "2.10", "2.12", "2.13", "2.14", "A",
}

// TestCoverage: every section has golden cases, and the table of docs/fidelity.md counts them; UPDATE=1 writes it.
func TestCoverage(t *testing.T) {
	cases, asked := map[string]int{}, map[string]int{}
	for _, g := range loadGolden(t) {
		for _, s := range g.sections {
			cases[s]++
			asked[s] += len(g.steps)
			require.Contains(t, told, s, g.at)
		}
	}
	var table strings.Builder
	table.WriteString("| § | Golden cases | Their steps |\n|---|--:|--:|\n")
	for _, s := range told {
		require.NotZero(t, cases[s], "§%s has no golden case", s)
		fmt.Fprintf(&table, "| §%s | %d | %d |\n", s, cases[s], asked[s])
	}
	t.Log("\n" + table.String())

	const begin, end = "<!-- golden cases: UPDATE=1 go test ./lab/conform -->\n", "<!-- end -->\n"
	page, err := os.ReadFile(fidelity)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(page), begin)
	require.True(t, ok, "docs/fidelity.md has lost its table of golden cases")
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if now := before + begin + table.String() + end + after; os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile(fidelity, []byte(now), 0o600))
	} else {
		require.Equal(t, now, string(page), "the table is stale; run: UPDATE=1 go test ./lab/conform")
	}
}

// TestEveryText of docs/original.md is in a golden reply, or docs/fidelity.md quotes it in a row of its section, which says
// who shows it or that it is not there.
func TestEveryText(t *testing.T) {
	var replies []string
	for _, g := range loadGolden(t) {
		for _, s := range g.steps {
			replies = append(replies, s.reply)
			var reply struct{ Error string }
			if json.Unmarshal([]byte(s.reply), &reply) == nil && reply.Error != "" {
				replies = append(replies, strings.ReplaceAll(reply.Error, "\n", `\n`))
			}
		}
	}
	rows := fidelityRows(t)
	texts := originalTexts(t)
	require.Greater(t, len(texts), 80, "the texts of docs/original.md are not found")
	var lost []string
	golden := 0
	for _, x := range texts {
		switch {
		case slices.ContainsFunc(replies, x.form().MatchString):
			golden++
		case slices.ContainsFunc(rows, func(row [2]string) bool { return row[0] == x.section && strings.Contains(row[1], "`"+x.text+"`") }):
		default:
			lost = append(lost, "§"+x.section+" "+x.text)
		}
	}
	require.Empty(t, lost, "no golden reply has these, and no row of docs/fidelity.md quotes them")
	t.Logf("%d texts, %d of them in golden replies", len(texts), golden)
}

// text is a text that the original had, with what stands for its variable parts.
type text struct{ section, text string }

// originalTexts are the quoted texts of chapters 1 and 2: those with a blank in them that begin like a sentence, a list or JSON.
func originalTexts(t *testing.T) (texts []text) {
	page, err := os.ReadFile("../../docs/original.md")
	require.NoError(t, err)
	blocks := regexp.MustCompile("(?s)```.*?```")
	quoted := regexp.MustCompile("`([^`]+)`")
	sentence := regexp.MustCompile(`^[ A-Z"'{\[].*[A-Za-z].* `)
	for part := range strings.SplitSeq(string(page), "\n#") {
		m := regexp.MustCompile(`^# ([12]\.\d+) `).FindStringSubmatch(part)
		if m == nil {
			continue
		}
		for _, q := range quoted.FindAllStringSubmatch(blocks.ReplaceAllString(part, ""), -1) {
			x := strings.ReplaceAll(q[1], "\n", " ")
			if sentence.MatchString(x+" ") && strings.Contains(strings.TrimSpace(x), " ") {
				texts = append(texts, text{m[1], x})
			}
		}
	}
	return texts
}

// variable are the parts of texts that differ from one to the other.
var variable = regexp.MustCompile(`<[^>]*>|\{\w*\}|%[sd]|0x%x|\[\.\.\.\]|\(\.\.\.\)|, \.\.\.|\bX\b|'x'`)

// form is what a reply with the text looks like.
func (x text) form() *regexp.Regexp {
	var p strings.Builder
	rest := x.text
	for rest != "" {
		at := variable.FindStringIndex(rest)
		if at == nil {
			p.WriteString(regexp.QuoteMeta(rest))
			break
		}
		p.WriteString(regexp.QuoteMeta(rest[:at[0]]) + ".*")
		rest = rest[at[1]:]
	}
	return regexp.MustCompile(p.String())
}

// fidelityRows are the rows of docs/fidelity.md: section, and the whole row.
func fidelityRows(t *testing.T) (rows [][2]string) {
	page, err := os.ReadFile(fidelity)
	require.NoError(t, err)
	for line := range strings.SplitSeq(string(page), "\n") {
		if m := regexp.MustCompile(`^\| (\d\.\d+|A) \|`).FindStringSubmatch(line); m != nil {
			rows = append(rows, [2]string{m[1], line})
		}
	}
	return rows
}
