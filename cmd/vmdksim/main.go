// Command vmdksim replays and explores scenarios, and serves a simulated ESX host.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// gcPercent is the best measured for searches, which make much garbage and keep next to nothing: verify is a fifth faster than at 200,
// and no faster at 3200. The heap stays below 100 MiB.
const gcPercent = 800

func main() {
	debug.SetGCPercent(gcPercent)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first Ctrl-C asks for the report, the second one ends the program
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
