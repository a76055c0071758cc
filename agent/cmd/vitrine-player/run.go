package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/kardianos/service"

	"vitrine/agent"
	"vitrine/agent/logbook"
)

// play runs a player until it is told to stop.
func play(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var cfg agent.Config
	var debug bool
	f := playFlags("run", &cfg)
	f.BoolVar(&debug, "debug", false, "log more")
	if done, err := f.parse(args, 0, stdout, stderr); done {
		return err
	}
	if err := check(&cfg); err != nil {
		fmt.Fprintln(stderr, "vitrine-player run:", err)
		return errUsage
	}
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	var err error
	if cfg.Dir, err = filepath.Abs(cfg.Dir); err != nil {
		return err
	}
	cfg.Logbook = logbook.Open(filepath.Join(cfg.Dir, "log"))
	cfg.Log = slog.New(cfg.Logbook.Handler(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})))
	launch(cfg.Dir, cfg.Log)
	if self, err := os.Executable(); err == nil {
		cfg.Probe = []string{self, probe}
	}
	cfg.Supervised = !service.Interactive() || os.Getenv("INVOCATION_ID") != "" // systemd.exec(5)
	a, err := agent.New(cfg)
	if err != nil {
		return err
	}
	go notify(ctx, a.Alive)
	if service.Interactive() {
		return renewed(a.Run(ctx), cfg.Supervised)
	}
	d := &daemon{ctx: ctx, agent: a, done: make(chan error, 1)}
	s, err := service.New(d, settings(nil))
	if err != nil {
		return a.Run(ctx) // no service manager that is known: the signals stop it
	}
	return s.Run()
}

// daemon is the player as a service manager starts and stops it.
type daemon struct {
	ctx   context.Context
	agent *agent.Agent
	stop  context.CancelFunc
	done  chan error
}

// Start implements service.Interface; it may not block. A player that ends by itself ends the process, so that the
// service manager starts it again.
func (d *daemon) Start(service.Service) error {
	ctx, stop := context.WithCancel(d.ctx)
	d.stop = stop
	go func() {
		err := d.agent.Run(ctx)
		if ctx.Err() == nil {
			os.Exit(exit(fmt.Errorf("the player ended by itself: %w", err), os.Stderr))
		}
		d.done <- err
	}()
	return nil
}

// Stop implements service.Interface.
func (d *daemon) Stop(service.Service) error {
	d.stop()
	return <-d.done
}

// settings is what the system's service manager is told.
func settings(args []string) *service.Config {
	return &service.Config{
		Name:         "vitrine-player",
		DisplayName:  "Vitrine player",
		Description:  "Plays signed Vitrine bundles on this machine's screen.",
		Arguments:    args,
		Dependencies: []string{"After=display-manager.service"},
		Option:       service.KeyValue{"Restart": "always"},
	}
}

// register installs, uninstalls, starts or stops the service; what is given to install is what run will be given.
func register(_ context.Context, args []string, stdout, stderr io.Writer) error {
	var cfg agent.Config
	f := playFlags(args[0], &cfg)
	if done, err := f.parse(args, 0, stdout, stderr); done {
		return err
	}
	err := check(&cfg)
	if err == nil && args[0] == "install" {
		cfg.Dir, err = filepath.Abs(cfg.Dir)
	}
	if err == nil && args[0] == "install" && cfg.Alerts != "" {
		cfg.Alerts, err = filepath.Abs(cfg.Alerts)
	}
	if err != nil {
		fmt.Fprintf(stderr, "vitrine-player %s: %v\n", args[0], err)
		return errUsage
	}
	given := append(append([]string{"run"}, args[1:]...), "--data", cfg.Dir) // of two, the last counts
	if cfg.Alerts != "" {
		given = append(given, "--alerts", cfg.Alerts)
	}
	s, err := service.New(&daemon{}, settings(given))
	if err != nil {
		return fmt.Errorf("%s service: %w", args[0], err)
	}
	if args[0] == "uninstall" {
		_ = s.Stop() // one that does not run need not be stopped
	}
	if err := service.Control(s, args[0]); err != nil {
		return fmt.Errorf("%w; are you root?", err)
	}
	fmt.Fprintln(stdout, "vitrine-player:", map[string]string{"install": "installed; now run vitrine-player start", "uninstall": "uninstalled",
		"start": "started", "stop": "stopped"}[args[0]])
	return nil
}
