// Command vitrine-relay hands out signed bundles, takes heartbeats, and shows its people what is on their screens.
//
//	serve ──> cloud.Relay        token new, ca ──> files in --data        install, uninstall ──> the system's services
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
	defer stop()
	os.Exit(exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

// errUsage means that the command line is not right; what is wrong was said already.
var errUsage = errors.New("wrong usage")

// exit is 0 when all went right, 2 for a wrong command line, else 1.
func exit(err error, stderr io.Writer) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintln(stderr, "vitrine-relay:", err)
	return 1
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return errUsage
	}
	switch args[0] {
	case "serve":
		return serve(ctx, args[1:], stdout, stderr)
	case "token":
		return token(args[1:], stdout, stderr)
	case "ca":
		return authority(args[1:], stdout, stderr)
	case "install", "uninstall":
		return register(args[0], args[1:], stdout, stderr)
	case "help", "--help", "-h":
		fmt.Fprint(stdout, usage)
		return nil
	}
	fmt.Fprintf(stderr, "vitrine-relay: %q is not one of its verbs\n\n%s", args[0], usage)
	return errUsage
}
