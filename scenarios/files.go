package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed *.scn mutants/*.mutant
var files embed.FS

// Names returns the names of the scenarios of this repository, sorted.
func Names() []string { return glob("*.scn") }

// MutantNames returns the names of the mutants of this repository, without the ending, sorted.
func MutantNames() []string {
	var names []string
	for _, f := range glob("mutants/*.mutant") {
		names = append(names, strings.TrimSuffix(path.Base(f), ".mutant"))
	}
	return names
}

// Load parses a scenario of this repository by name.
func Load(name string) (*Script, error) {
	text, err := files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("no scenario %s; there are %s", name, strings.Join(Names(), ", "))
	}
	return Parse(name, string(text))
}

// LoadMutant parses a mutant of this repository by name.
func LoadMutant(name string) (*Mutant, error) {
	text, err := files.ReadFile("mutants/" + name + ".mutant")
	if err != nil {
		return nil, fmt.Errorf("no mutant %s; there are %s", name, strings.Join(MutantNames(), ", "))
	}
	return ParseMutant(name, string(text))
}

func glob(pattern string) []string {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		panic(err) // the patterns are constants
	}
	return names
}
