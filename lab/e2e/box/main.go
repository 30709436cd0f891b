package main

import (
	"fmt"
	"os"
	"slices"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	for len(args) > 0 {
		step := args
		if i := slices.Index(args, ","); i >= 0 {
			step, args = args[:i], args[i+1:]
		} else {
			args = nil
		}
		do, known := find(step)
		if !known {
			fmt.Printf("error: unknown step %q\n", step)
			return 2
		}
		said, err := do()
		if err != nil {
			fmt.Printf("error: %v\n", err)
			return 1
		}
		fmt.Println(said)
	}
	return 0
}

// find returns a step ready to be done.
func find(step []string) (do func() (string, error), known bool) {
	if len(step) == 0 {
		return nil, false
	}
	verb, rest := step[0], step[1:]
	switch {
	case verb == "write" && len(rest) == 2:
		return func() (string, error) { return write(rest[0], rest[1]) }, true
	case verb == "read" && len(rest) == 1:
		return func() (string, error) { return read(rest[0]) }, true
	case verb == "await" && len(rest) == 1:
		return func() (string, error) { return await(rest[0]) }, true
	case verb == "ls" && len(rest) == 1:
		return func() (string, error) { return list(rest[0]) }, true
	case verb == "fs" && len(rest) == 1:
		return func() (string, error) { return filesystem(rest[0]) }, true
	case verb == "hold" && len(rest) == 0:
		return hold, true
	}
	return nil, false
}
