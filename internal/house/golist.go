package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
)

// listed is what this package needs of an answer of go list.
type listed struct {
	ImportPath string
	Export     string // file with the compiled package's types
	Dir        string
	Standard   bool
	Imports    []string
	Error      *struct{ Err string }
}

// goList runs go list -json with the arguments in dir. It never fetches a module that is not there already, because a
// check must not depend on the network.
func goList(dir string, args ...string) ([]listed, error) {
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Export,Dir,Standard,Imports,Error"}, args...)...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("house: go list %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	var out []listed
	for dec := json.NewDecoder(bytes.NewReader(stdout)); ; {
		var p listed
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("house: go list %s: %w", strings.Join(args, " "), err)
		}
		out = append(out, p)
	}
}

// linkFindings checks LinkChecks.
func linkFindings(dir string) ([]Finding, error) {
	var out []Finding
	for _, check := range LinkChecks() {
		deps, err := goList(dir, "-deps", "-tags", check.Tags, "./"+check.Program)
		if err != nil {
			return nil, err
		}
		for _, d := range deps {
			pkg, mine := own(d.ImportPath)
			bad := mine && matchesAny(check.Without, pkg) || !mine && matches("testing/...", d.ImportPath)
			if !bad {
				continue
			}
			out = append(out, Finding{
				File: check.Program, Rule: "linked",
				Message: fmt.Sprintf("a build with -tags %s contains %s, through %s: production contains no simulator "+
					"and no test support; cut the import", check.Tags, d.ImportPath, importerOf(deps, d.ImportPath)),
			})
		}
	}
	return out, nil
}

// importerOf names one package that imports path.
func importerOf(deps []listed, path string) string {
	for _, d := range deps {
		for _, imp := range d.Imports {
			if imp == path {
				return d.ImportPath
			}
		}
	}
	return "nothing"
}
