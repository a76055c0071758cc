package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"

	"vitrine/agent"
	"vitrine/agent/bundle"
	"vitrine/agent/update"
)

// installed names, for a version that an update brought, the program that the system installed and that hands over to it.
const installed = "VITRINE_INSTALLED"

// launch hands over to the version of the programs that is active, if that is not this one: the process stays, so that
// whoever supervises it sees one player. When it cannot, this version plays.
func launch(dir string, log *slog.Logger) {
	path, note, err := update.Open(dir, bundle.AgentVersion).Choose()
	if note != "" {
		log.Error("programs: "+note, "runs", bundle.AgentVersion)
	}
	if err != nil {
		log.Error("programs: this version runs", "version", bundle.AgentVersion, "error", err)
	}
	if path == "" || err != nil {
		return
	}
	own, err := os.Executable()
	if err == nil {
		err = syscall.Exec(path, append([]string{path}, os.Args[1:]...), append(os.Environ(), installed+"="+own))
	}
	log.Error("programs: the active version does not start; this one runs", "path", path, "error", err)
}

// renewed starts the player again after it has ended for another version: whoever supervises it does so, else it does itself.
func renewed(err error, supervised bool) error {
	if !errors.Is(err, agent.ErrRenewed) || supervised {
		return err
	}
	first := os.Getenv(installed)
	if first == "" {
		if first, err = os.Executable(); err != nil {
			return err
		}
	}
	return fmt.Errorf("start the other version: %w", syscall.Exec(first, append([]string{first}, os.Args[1:]...), os.Environ()))
}

// version says which one this is.
func version(_ context.Context, args []string, stdout, stderr io.Writer) error {
	f := newFlags("version", "  vitrine-player version")
	if done, err := f.parse(args, 0, stdout, stderr); done {
		return err
	}
	_, err := fmt.Fprintln(stdout, bundle.AgentVersion)
	return err
}
