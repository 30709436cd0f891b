// Package e2e is the tier of tests with real Docker Engines, real kernels' file systems and real mounts, and a
// simulated ESX host: everything but ESX is what a user runs.
//
//	container ─ dockerd 1 ─ vmdkd 1 ─┐
//	                                 ├─ vmdksim serve ─ one datastore, disks are loop devices
//	container ─ dockerd 2 ─ vmdkd 2 ─┘
//
// Each engine and its vmdkd live in a mount namespace of their own, so one machine plays two Docker hosts. There is no
// package here to import: all of it is test files behind the build tag e2e, and the program box that containers run.
//
// It is not the place for rare interleavings, which package explore finds by choice and these tests only by luck; it
// shows that what the simulations assume about Docker and Linux is so.
//
// Invariants:
//
//   - The lab is set up once, by TestMain. A missing tool, or no root, is a failure with the remedy, never a skip.
//   - A test leaves both hosts as it found them: no container, mount, attached disk or volume of its own. Each test checks
//     that at its end, so each is a leak test too.
//   - Nothing waits for a length of time; what has no event to wait for is polled until a deadline.
//   - All that the lab starts dies with it, even if the test binary is killed.
//
// Example:
//
//	go test -tags e2e -count=1 -v -run TestTwoContainersAtOnce ./lab/e2e
package e2e
