package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"vmdkvol/scenarios"
)

// programFile is the name of a program from the command line, in messages and in the name of what is found.
const programFile = "program.scn"

// given is the scenario that explore is told of: by a file or by a program.
func given(args []string, program string) (*scenarios.Script, error) {
	switch {
	case program == "" && len(args) == 1:
		return parseFile(args[0])
	case program == "" || len(args) > 0:
		return nil, badInput(errors.New("want one FILE, or --program with what would be in it"))
	}
	script, err := parseProgram(program)
	if err != nil {
		return nil, badInput(fmt.Errorf("--program: %w", err))
	}
	return script, nil
}

// parseProgram makes a scenario of clients separated by bars. The error has the number of the part as its line.
func parseProgram(program string) (*scenarios.Script, error) {
	if strings.ContainsAny(program, "\r\n") {
		return nil, errors.New("want one line, with | between the clients; longer programs go into a file")
	}
	var lines []string
	for part := range strings.SplitSeq(program, "|") {
		if part = strings.TrimSpace(part); !strings.HasPrefix(part, "given ") {
			part = "start " + part
		}
		lines = append(lines, part)
	}
	script, err := scenarios.Parse(programFile, strings.Join(lines, "\n"))
	var where *scenarios.ParseError
	if errors.As(err, &where) {
		part := strings.TrimPrefix(lines[min(where.Line, len(lines))-1], "start ")
		return nil, fmt.Errorf("in %q: %w", part, where.Err)
	}
	if err != nil {
		return nil, err
	}
	for _, v := range assumed(script) {
		lines = append(lines, "given volume "+v)
	}
	return scenarios.Parse(programFile, strings.Join(lines, "\n"))
}

// assumed are the volumes that a program uses and that neither it nor a given line makes.
func assumed(s *scenarios.Script) []string {
	var known, names []string
	part := func(volume string) string {
		name, _, _ := strings.Cut(volume, "@")
		return name
	}
	for _, v := range s.Volumes {
		known = append(known, part(v.Name))
	}
	for _, c := range s.Clients {
		for _, o := range c.Ops {
			if o.Verb == "create" {
				known = append(known, part(o.Volume))
			}
		}
	}
	for _, c := range s.Clients {
		for _, o := range c.Ops {
			if v := part(o.Volume); v != "" && !slices.Contains(known, v) {
				known, names = append(known, v), append(names, v)
			}
		}
	}
	return names
}
