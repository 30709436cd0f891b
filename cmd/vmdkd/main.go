package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // a second signal does not wait for the requests in flight
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
