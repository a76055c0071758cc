// Command vitrine is the publisher's and integrator's tool: it makes, checks, builds, signs, publishes and explains bundles.
//
//	vitrine new ──> folder ──check, preview, explain──> build (signs) ──push──> relay ──> players
//
// Each verb is one file. Exit codes: 0 right, 1 refused, 2 wrong usage.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // schedules and clocks are right on a machine without zone files too
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
