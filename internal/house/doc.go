// Package house checks that the repository keeps the shape that the design gives it: who may import whom, and that the
// packages that decide stay free of concurrency, clocks, chance and I/O of their own.
//
// It is not a linter for style, and it has no allow-list of files: a rule that a file has to break is a rule to discuss,
// in tables.go, where all rules are.
//
// Two checks, each a function from a module's directory to findings:
//
//   - [Imports]: the arrows between packages (the table [Arrows]), and that a build with the tag vmci links no simulator.
//   - [Decisions]: what must not occur in the packages of [DecisionPackages].
//
// Invariants:
//
//   - Files are read whatever their build constraints say, so that no tag hides a broken rule.
//   - Every package of the module has a row in the table; a package without one is a finding.
//   - A finding says what to do instead.
//   - The checks need only the Go toolchain; they change nothing and fetch nothing.
//
// What Decisions cannot see: a slice that was collected from a map and is never sorted, a forbidden thing that a package
// outside the table does on behalf of its caller, and calls made through reflection.
//
// The command is housecheck:
//
//	go run ./internal/house/housecheck -imports -decisions .
package house
