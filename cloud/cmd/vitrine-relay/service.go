package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/kardianos/service"

	"vitrine/cloud"
)

// settings is what the system's service manager is told.
func settings(args []string) *service.Config {
	return &service.Config{
		Name:         "vitrine-relay",
		DisplayName:  "Vitrine relay",
		Description:  "Hands out signed bundles to Vitrine players and takes their heartbeats.",
		Arguments:    args,
		Dependencies: []string{"Wants=network-online.target", "After=network-online.target"},
		Option:       service.KeyValue{"Restart": "on-failure", "LimitNOFILE": 1 << 20},
	}
}

// daemon is the relay as a service manager starts and stops it.
type daemon struct {
	ctx   context.Context
	relay *cloud.Relay
	stop  context.CancelFunc
	done  chan error
}

// Start implements service.Interface; it may not block.
func (d *daemon) Start(service.Service) error {
	ctx, stop := context.WithCancel(d.ctx)
	d.stop = stop
	go func() { d.done <- d.relay.Run(ctx) }()
	return nil
}

// Stop implements service.Interface.
func (d *daemon) Stop(service.Service) error {
	d.stop()
	return <-d.done
}

func asService(ctx context.Context, r *cloud.Relay) error {
	s, err := service.New(&daemon{ctx: ctx, relay: r, done: make(chan error, 1)}, settings(nil))
	if err != nil {
		return fmt.Errorf("run as a service: %w", err)
	}
	return s.Run()
}

// register installs or uninstalls the service; what is given to install is what serve will be given.
func register(verb string, args []string, stdout, stderr io.Writer) error {
	var cfg cloud.Config
	var tokenFile string
	f := serveFlags(verb, &cfg, &tokenFile, stderr)
	if verb == "uninstall" {
		cfg.Data = "-"
	}
	if done, err := parse(f, args, stdout, stderr, &cfg.Data); done {
		return err
	}
	if verb == "install" {
		dir, err := filepath.Abs(cfg.Data)
		if err != nil {
			return err
		}
		args = append(args, "--data", dir) // the last one counts
	}
	s, err := service.New(&daemon{}, settings(append([]string{"serve"}, args...)))
	if err != nil {
		return fmt.Errorf("%s service: %w", verb, err)
	}
	if verb == "uninstall" {
		_ = s.Stop() // one that is not running is not stopped
		err = s.Uninstall()
	} else if err = s.Install(); err == nil {
		err = s.Start()
	}
	if err != nil {
		return fmt.Errorf("%s service: %w: it needs root and a service manager such as systemd", verb, err)
	}
	fmt.Fprintf(stdout, "vitrine-relay: %sed\n", verb)
	return nil
}
