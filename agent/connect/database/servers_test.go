package database_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
	postgres *connecttest.Proxy
	mariadb  *connecttest.Proxy
	pgPort   int
	myPort   int
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
	if err := installDrivers(); err != nil {
		return err
	}
	var all sync.WaitGroup
	var errs [3]error
	all.Go(func() { errs[0] = startPostgres() })
	all.Go(func() { errs[1] = startMariaDB() })
	all.Go(func() {
		servers.child = filepath.Join(servers.Dir, "vitrine-odbc")
		cmd := exec.Command("go", "build", "-o", servers.child, "vitrine/agent/cmd/vitrine-odbc")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		errs[2] = connecttest.Run(cmd)
	})
	all.Wait()
	return errors.Join(errs[:]...)
}

// installDrivers tells unixODBC of the machine's drivers and of bad ones.
func installDrivers() error {
	known, err := os.ReadFile("/etc/odbcinst.ini")
	if err != nil {
		return err
	}
	for name := range badDrivers {
		known = fmt.Appendf(known, "\n[%s]\nDriver=%s\n", name, filepath.Join(servers.Dir, name+".so"))
	}
	return errors.Join(os.WriteFile(filepath.Join(servers.Dir, "odbcinst.ini"), known, 0o644), os.Setenv("ODBCSYSINI", servers.Dir))
}

// pgProgram finds a server's program, which Debian keeps out of the PATH.
func pgProgram(name string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return name
	}
	return found[len(found)-1]
}

func startPostgres() error {
	port, err := connecttest.Port()
	if err != nil {
		return err
	}
	dir := filepath.Join(servers.Dir, "postgres")
	pass, key := filepath.Join(dir, "password"), filepath.Join(dir, "server.key")
	pem, err := os.ReadFile(servers.ca.Key)
	err = errors.Join(err, os.Mkdir(dir, 0o755), os.WriteFile(pass, []byte(canary), 0o644), os.WriteFile(key, pem, 0o600), connecttest.Give("postgres", dir, key))
	if err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	init := exec.Command(pgProgram("initdb"), "-D", data, "-U", "board", "-A", "scram-sha-256", "--pwfile", pass, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if err := errors.Join(connecttest.As(init, "postgres"), connecttest.Run(init)); err != nil {
		return err
	}
	args := []string{"-D", data}
	for _, set := range []string{"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(port), "unix_socket_directories=" + dir, "fsync=off", "ssl=on",
		"ssl_cert_file=" + servers.ca.Cert, "ssl_key_file=" + key, "max_connections=30"} {
		args = append(args, "-c", set)
	}
	server := exec.Command(pgProgram("postgres"), args...)
	if err := connecttest.As(server, "postgres"); err != nil {
		return err
	}
	servers.pgPort = port
	if err := servers.Start(server, func() error { _, err := psql("SELECT 1"); return err }); err != nil {
		return err
	}
	servers.postgres, err = servers.NewProxy(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	return err
}

// psql asks PostgreSQL in the way its own people do; cells end with 0x1f, rows with 0x1e, and null is \N.
func psql(query string) (string, error) {
	cmd := exec.Command("psql", "-X", "-A", "-t", "-q", "-F", "\x1f", "-R", "\x1e", "-P", `null=\N`, "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", strconv.Itoa(servers.pgPort), "-U", "board", "-d", "postgres")
	cmd.Env = append(os.Environ(), "PGPASSWORD="+canary, "PGTZ=Europe/Paris", "PGDATESTYLE=ISO", "PGCLIENTENCODING=UTF8")
	return feed(cmd, query)
}

func startMariaDB() error {
	port, err := connecttest.Port()
	if err != nil {
		return err
	}
	dir := filepath.Join(servers.Dir, "mariadb")
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	me := "--user=" + os.Getenv("USER")
	if os.Getuid() == 0 {
		me = "--user=root"
	}
	if err := connecttest.Run(exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+data, me, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-log-bin")); err != nil {
		return err
	}
	program := "mariadbd"
	if _, err := exec.LookPath(program); err != nil {
		program = "/usr/sbin/mariadbd"
	}
	server := exec.Command(program, "--no-defaults", "--datadir="+data, me, "--bind-address=127.0.0.1", "--port="+strconv.Itoa(port), "--socket="+filepath.Join(dir, "s"),
		"--pid-file="+filepath.Join(dir, "pid"), "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--skip-log-bin",
		"--ssl-cert="+servers.ca.Cert, "--ssl-key="+servers.ca.Key, "--character-set-server=utf8mb4", "--max-allowed-packet=64M")
	servers.myPort = port
	admin := func(query string) error {
		_, err := feed(exec.Command("mariadb", "--no-defaults", "-S", filepath.Join(dir, "s"), "-u", "root"), query)
		return err
	}
	if err := servers.Start(server, func() error { return admin("SELECT 1") }); err != nil {
		return err
	}
	if err := admin("CREATE DATABASE board; CREATE USER board@'127.0.0.1' IDENTIFIED BY '" + canary + "'; GRANT ALL ON board.* TO board@'127.0.0.1'"); err != nil {
		return err
	}
	servers.mariadb, err = servers.NewProxy(net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	return err
}

// mariadbSays asks MariaDB in the way its own people do: tabs and line ends, bytes in hex.
func mariadbSays(query string) (string, error) {
	cmd := exec.Command("mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", strconv.Itoa(servers.myPort), "-u", "board", "-B", "-N", "--binary-as-hex", "--default-character-set=utf8mb4", "board")
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+canary)
	return feed(cmd, "SET time_zone='+01:00'; "+query)
}

func feed(cmd *exec.Cmd, query string) (string, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	go func() { _, _ = in.Write([]byte(query)); in.Close() }()
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%w: %s", err, failed.Stderr)
	}
	return string(out), err
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
