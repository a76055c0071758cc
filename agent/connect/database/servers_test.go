package database_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"vitrine/agent/connect/connecttest"
	"vitrine/agent/connect/database"
	"vitrine/agent/connect/rows"
	"vitrine/agent/secret"
)

// canary is a password that must not be found anywhere.
const canary = "Kan;arien}vogel=7"

// The servers of this package's tests, each started once.
var servers struct {
	*connecttest.Stage
	ca       *connecttest.Authority
	postgres *connecttest.Database
	mariadb  *connecttest.Database
	child    string
}

func TestMain(m *testing.M) { connecttest.Main(m, start, func() { servers.Close() }) }

func start() error {
	var err error
	if servers.Stage, err = connecttest.NewStage(); err != nil {
		return err
	}
	if servers.ca, err = connecttest.NewAuthority(servers.Dir); err != nil {
		return err
	}
	drivers := map[string]string{}
	for name := range badDrivers {
		drivers[name] = filepath.Join(servers.Dir, name+".so")
	}
	var all sync.WaitGroup
	var errs [3]error
	all.Go(func() { servers.postgres, errs[0] = servers.Postgres(servers.ca, canary) })
	all.Go(func() { servers.mariadb, errs[1] = servers.MariaDB(servers.ca, canary) })
	all.Go(func() { servers.child, errs[2] = servers.ODBC(drivers) })
	all.Wait()
	return errors.Join(errs[:]...)
}

// vault gives one secret to hosts of this machine.
func vault(user, password string) func(string, string) (secret.Secret, error) {
	return func(name, host string) (secret.Secret, error) {
		if h, _, err := net.SplitHostPort(host); err != nil || h != "127.0.0.1" && h != "localhost" {
			return secret.Secret{}, fmt.Errorf("the secret %q may not go to %s", name, host)
		}
		return secret.Secret{User: user, Password: password, Hosts: []string{host}}, nil
	}
}

// now is the player's time in all tests.
var now = time.Date(2026, 12, 24, 18, 5, 0, 0, time.FixedZone("", 3600))

func env() database.Env {
	paris, _ := time.LoadLocation("Europe/Paris")
	return database.Env{Secret: vault("board", canary), Now: now.In(paris), Child: servers.child}
}

// ask asks within a minute.
func ask(t *testing.T, spec database.Spec, limits database.Limits) rows.Table {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	table, err := database.Query(ctx, spec, env(), limits)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func onPostgres(query string) database.Spec {
	return database.Spec{Driver: "postgres", Host: "127.0.0.1", Port: servers.postgres.Port, Database: "postgres", CA: servers.ca.CA, Secret: "db", Query: query}
}

func onMariaDB(query string) database.Spec {
	return database.Spec{Driver: "mariadb", Host: "127.0.0.1", Port: servers.mariadb.Port, Database: "board", CA: servers.ca.CA, Secret: "db", Query: query}
}
