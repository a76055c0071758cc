// Command vitrine-player plays signed bundles on a screen, with or without a relay.
//
//	run ──> agent        status, sources, import, screenshot, card, volume, screen, secret, export ──socket in --data──> agent        install, start, stop ──> services
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

	"vitrine/agent"
	"vitrine/agent/store"
)

func main() {
	noCore()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

// errUsage means that the command line is not right; what is wrong was said already.
var errUsage = errors.New("wrong usage")

// exit is 0 when all went right, 2 for a wrong command line, 75 (EX_TEMPFAIL, sysexits.h) for a player that wants to be
// started again, else 1.
func exit(err error, stderr io.Writer) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		return 2
	}
	fmt.Fprintln(stderr, "vitrine-player:", err)
	if errors.Is(err, agent.ErrAgain) {
		return 75
	}
	return 1
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	verbs := map[string]verb{"run": play, "status": status, "sources": sources, "import": load, "screenshot": shot, "card": card, "volume": volume, "screen": screen,
		"secret": secrets, "export": handOver, "version": version,
		"install": register, "uninstall": register, "start": register, "stop": register}
	switch {
	case len(args) == 0:
		fmt.Fprint(stderr, usage)
		return errUsage
	case args[0] == "help" || args[0] == "--help" || args[0] == "-h":
		fmt.Fprint(stdout, usage)
		return nil
	case args[0] == probe && len(args) == 2:
		return store.ProbeFile(args[1])
	case verbs[args[0]] == nil:
		fmt.Fprintf(stderr, "vitrine-player: %q is not one of its verbs\n\n%s", args[0], usage)
		return errUsage
	}
	return verbs[args[0]](ctx, args, stdout, stderr)
}
