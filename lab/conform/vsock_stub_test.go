//go:build !linux || !vmci

package conform_test

import "testing"

// noVsock says what this build lacks.
func noVsock() string { return "this build has no AF_VSOCK; run: go test -tags vmci ./lab/conform" }

func overVsock(*testing.T, *world) speaker { return speaker{} }
