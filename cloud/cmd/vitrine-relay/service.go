package main

import (
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

// unit stands for the service while it is installed; what the service manager starts is `serve`, which ends with a signal.
type unit struct{}

// Start implements service.Interface.
func (unit) Start(service.Service) error { return nil }

// Stop implements service.Interface.
func (unit) Stop(service.Service) error { return nil }

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
	s, err := service.New(unit{}, settings(append([]string{"serve"}, args...)))
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
