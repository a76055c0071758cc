package connecttest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Database is a real one, whose user is board.
type Database struct {
	*Proxy
	Server int // its port, past the proxy
	// Ask asks it in the way that its own people do.
	Ask func(query string) (string, error)
}

// ODBC tells unixODBC of the machine's drivers and of more, by their libraries, and builds the program that asks through them;
// child is its path. It sets this process' ODBCSYSINI.
func (s *Stage) ODBC(more map[string]string) (child string, err error) {
	known, err := os.ReadFile("/etc/odbcinst.ini")
	if err != nil {
		return "", err
	}
	for name, library := range more {
		known = fmt.Appendf(known, "\n[%s]\nDriver=%s\n", name, library)
	}
	child = filepath.Join(s.Dir, "vitrine-odbc")
	cmd := exec.Command("go", "build", "-o", child, "vitrine/agent/cmd/vitrine-odbc")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	return child, errors.Join(os.WriteFile(filepath.Join(s.Dir, "odbcinst.ini"), known, 0o644), os.Setenv("ODBCSYSINI", s.Dir), Run(cmd))
}

// pgProgram finds a server's program, which Debian keeps out of the PATH.
func pgProgram(name string) string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return name
	}
	return found[len(found)-1]
}

// Postgres starts PostgreSQL; its database is postgres, and unixODBC's data source boards is it. Ask's cells end with 0x1f,
// its rows with 0x1e, and null is \N.
func (s *Stage) Postgres(a *Authority, password string) (*Database, error) {
	port, err := Port()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.Dir, "postgres")
	pass, key := filepath.Join(dir, "password"), filepath.Join(dir, "server.key")
	pem, err := os.ReadFile(a.Key)
	err = errors.Join(err, os.Mkdir(dir, 0o755), os.WriteFile(pass, []byte(password), 0o644), os.WriteFile(key, pem, 0o600), Give("postgres", dir, key))
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	init := exec.Command(pgProgram("initdb"), "-D", data, "-U", "board", "-A", "scram-sha-256", "--pwfile", pass, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if err := errors.Join(As(init, "postgres"), Run(init)); err != nil {
		return nil, err
	}
	args := []string{"-D", data}
	for _, set := range []string{"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(port), "unix_socket_directories=" + dir, "fsync=off", "ssl=on",
		"ssl_cert_file=" + a.Cert, "ssl_key_file=" + key, "max_connections=30"} {
		args = append(args, "-c", set)
	}
	server := exec.Command(pgProgram("postgres"), args...)
	if err := As(server, "postgres"); err != nil {
		return nil, err
	}
	ask := func(query string) (string, error) {
		cmd := exec.Command("psql", "-X", "-A", "-t", "-q", "-F", "\x1f", "-R", "\x1e", "-P", `null=\N`, "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-U", "board", "-d", "postgres")
		cmd.Env = append(os.Environ(), "PGPASSWORD="+password, "PGTZ=Europe/Paris", "PGDATESTYLE=ISO", "PGCLIENTENCODING=UTF8")
		return feed(cmd, query)
	}
	if err := s.Start(server, func() error { _, err := ask("SELECT 1"); return err }); err != nil {
		return nil, err
	}
	source := fmt.Sprintf("[boards]\nDriver=PostgreSQL Unicode\nServername=127.0.0.1\nPort=%d\nDatabase=postgres\n", port)
	if err := os.WriteFile(filepath.Join(s.Dir, "odbc.ini"), []byte(source), 0o644); err != nil {
		return nil, err
	}
	p, err := s.NewProxy(at(port))
	return &Database{p, port, ask}, err
}

// MariaDB starts one; its database is board. Ask's cells end with a tab, its rows with a line end, and bytes are in hex.
func (s *Stage) MariaDB(a *Authority, password string) (*Database, error) {
	port, err := Port()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.Dir, "mariadb")
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	me := "--user=" + os.Getenv("USER")
	if os.Getuid() == 0 {
		me = "--user=root"
	}
	if err := Run(exec.Command("mariadb-install-db", "--no-defaults", "--datadir="+data, me, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-log-bin")); err != nil {
		return nil, err
	}
	program := "mariadbd"
	if _, err := exec.LookPath(program); err != nil {
		program = "/usr/sbin/mariadbd"
	}
	server := exec.Command(program, "--no-defaults", "--datadir="+data, me, "--bind-address=127.0.0.1", "--port="+strconv.Itoa(port), "--socket="+filepath.Join(dir, "s"),
		"--pid-file="+filepath.Join(dir, "pid"), "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M", "--skip-log-bin",
		"--ssl-cert="+a.Cert, "--ssl-key="+a.Key, "--character-set-server=utf8mb4", "--max-allowed-packet=64M")
	admin := func(query string) error {
		_, err := feed(exec.Command("mariadb", "--no-defaults", "-S", filepath.Join(dir, "s"), "-u", "root"), query)
		return err
	}
	if err := s.Start(server, func() error { return admin("SELECT 1") }); err != nil {
		return nil, err
	}
	if err := admin("CREATE DATABASE board; CREATE USER board@'127.0.0.1' IDENTIFIED BY '" + password + "'; GRANT ALL ON board.* TO board@'127.0.0.1'"); err != nil {
		return nil, err
	}
	ask := func(query string) (string, error) {
		cmd := exec.Command("mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", strconv.Itoa(port), "-u", "board", "-B", "-N", "--binary-as-hex", "--default-character-set=utf8mb4", "board")
		cmd.Env = append(os.Environ(), "MYSQL_PWD="+password)
		return feed(cmd, "SET time_zone='+01:00'; "+query)
	}
	p, err := s.NewProxy(at(port))
	return &Database{p, port, ask}, err
}

// feed gives a program its input and takes its output.
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
