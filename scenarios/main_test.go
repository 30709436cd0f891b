package scenarios_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain has rapid draw the same programs every time, so that a change is judged by itself. Others are drawn with
// -rapid.seed=0, as by make machine.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.seed", "810"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
