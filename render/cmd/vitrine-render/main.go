// Command vitrine-render draws scenes on a screen.
//
//	stdin: commands ──> pipe ──> compose ──> output ──> screen
//	stdout: reports <── pipe <────┘   mpv, paint: what zones show
//
// The player starts it, feeds it and starts it again; by hand it is of use for --probe and for trying a scene.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // schedules and clocks are right on a machine without zone files too
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(exitCode(os.Stderr, err))
}

// exitCode is 0 right, 1 refused, 2 wrong usage.
func exitCode(stderr io.Writer, err error) int {
	var wrong usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &wrong):
		fmt.Fprintln(stderr, "vitrine-render:", err)
		fmt.Fprintln(stderr, "Try: vitrine-render --help")
		return 2
	default:
		fmt.Fprintln(stderr, "vitrine-render:", err)
		return 1
	}
}
