package scenarios

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Mutant is a change of today's source that brings a bug in. Its file has, after comments,
//
//	FILE path/from/the/module/root.go
//	OLD
//	text that stands there exactly once
//	NEW
//	text that replaces it
//
// with any number of OLD and NEW pairs after a FILE, and any number of FILEs. Both are whole lines. The comments before
// the first FILE say why, and then, each on a line of its own:
//
//	# class: historical, known-bug, data-race or shim (a bug of a simulator)
//	# source: where it comes from, such as docs/original.md H4
//	# scenario: the program that is explored for its failure, a file of this directory
//	# test: what finds it, if not an exploration of the scenario: a package's tests or a command
//	# races: FILE: the text of the line that the race detector must name
//	# equivalent: why nothing finds it; "out of model: " begins the reason if it is harmful, but nothing here can see it
type Mutant struct {
	Name       string
	Why        string // one line
	Class      string
	Source     string
	Scenario   string
	Test       string
	Races      string // file: text of the line that the race detector must name
	Equivalent string
	Edits      []Edit
}

// The classes of mutants.
const (
	ClassHistorical = "historical" // a design that PR #810 went through, or a hazard of its discussion
	ClassKnownBug   = "known-bug"  // a bug of the original
	ClassDataRace   = "data-race"  // only real goroutines under the race detector show it
	ClassShim       = "shim"       // a bug of a simulator
)

// Edit is one replacement.
type Edit struct {
	File     string
	Line     int // of OLD in the mutant's file
	Old, New string
}

// ParseMutant reads a mutant.
func ParseMutant(name, text string) (*Mutant, error) {
	m := &Mutant{Name: name}
	var file string
	var into *string
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		path, isFile := strings.CutPrefix(line, "FILE ")
		comment := into == nil && (line == "" || strings.HasPrefix(line, "#"))
		switch {
		case comment:
			m.comment(strings.TrimSpace(strings.TrimPrefix(line, "#")))
		case isFile:
			file, into = strings.TrimSpace(path), nil
			if !filepath.IsLocal(file) {
				return nil, fmt.Errorf("mutant %s:%d: %s is outside of the module", name, i+1, file)
			}
		case line == "OLD" && file != "":
			m.Edits = append(m.Edits, Edit{File: file, Line: i + 1})
			into = &m.Edits[len(m.Edits)-1].Old
		case line == "NEW" && into != nil:
			into = &m.Edits[len(m.Edits)-1].New
		case into != nil:
			*into += line + "\n"
		default:
			return nil, fmt.Errorf("mutant %s:%d: %q: want FILE, OLD or NEW", name, i+1, line)
		}
	}
	if len(m.Edits) == 0 {
		return nil, fmt.Errorf("mutant %s changes nothing", name)
	}
	return m, nil
}

// comment reads one line before the first OLD.
func (m *Mutant) comment(text string) {
	key, value, _ := strings.Cut(text, ":")
	value = strings.TrimSpace(value)
	switch key {
	case "class":
		m.Class = value
	case "source":
		m.Source = value
	case "scenario":
		m.Scenario = value
	case "test":
		m.Test = value
	case "races":
		m.Races = value
	case "equivalent":
		m.Equivalent = value
	default:
		if m.Class == "" {
			m.Why = strings.TrimSpace(m.Why + " " + text)
		}
	}
}

// Overlay applies the mutant to the source below root, without touching it: it writes the changed files and the list of
// them that go build -overlay wants into dir, and returns the name of that list. An OLD that is not there exactly once
// is an error: the source has moved on, and the mutant has to.
func (m *Mutant) Overlay(root, dir string) (string, error) {
	texts := map[string]string{}
	for _, e := range m.Edits {
		path := filepath.Join(root, e.File)
		text, ok := texts[path]
		if !ok {
			b, err := os.ReadFile(path)
			if err != nil {
				return "", fmt.Errorf("mutant %s: %w", m.Name, err)
			}
			text = string(b)
		}
		if n := strings.Count(text, e.Old); n != 1 {
			return "", fmt.Errorf("mutant %s:%d: OLD stands %d times in %s, want once: the source has changed, adapt the mutant",
				m.Name, e.Line, n, e.File)
		}
		texts[path] = strings.Replace(text, e.Old, e.New, 1)
	}
	replace := map[string]string{}
	for i, path := range sortedKeys(texts) {
		changed := filepath.Join(dir, fmt.Sprintf("%d-%s", i, filepath.Base(path)))
		if err := os.WriteFile(changed, []byte(texts[path]), 0o600); err != nil {
			return "", fmt.Errorf("mutant %s: %w", m.Name, err)
		}
		replace[path] = changed
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, list, 0o600); err != nil {
		return "", fmt.Errorf("mutant %s: %w", m.Name, err)
	}
	return name, nil
}
