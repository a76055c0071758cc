// Package database answers: which rows does this question to a database give?
//
//	Spec ──Query──> postgres, mariadb, sqlserver, sqlite ──rows as they come──> rows.Table
//	          └───> odbc: vitrine-odbc, a child process ──> libodbc ──> any driver
//
// One question, in a transaction that only reads, with a deadline that the server knows too. Numbers stay as the database
// writes them, never a float in between. Drivers of ODBC are foreign C code: they live and die in a process of their own.
package database

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"vitrine/agent/connect/place"
	"vitrine/agent/connect/rows"
	"vitrine/agent/secret"
)

// Bounds of a query.
const (
	maxTime = 5 * time.Minute // where ctx has no deadline
	maxRows = 100_000
)

// Spec is a question to a database. Which fields count depends on Driver.
type Spec struct {
	Driver   string // postgres, mariadb, mysql, sqlserver, sqlite, odbc
	Host     string // name or address; odbc: only if its driver wants one
	Port     int    // 0 = the usual one
	Database string
	File     string // sqlite, and odbc drivers that read files: whole path on the player
	TLS      string // verify (also ""): encrypted, by a certificate that holds for Host; required: encrypted; off: this machine alone
	CA       []byte // PEM of the authority that the server's certificate is from; nil = the system's
	Secret   string // its name; "" = none is needed: sqlite, some of odbc
	Query    string // one statement; $today, $tomorrow and $now stand for the player's date and time
	ODBC     ODBC
}

// ODBC names a driver or a data source of the machine's unixODBC, and what else its connection string needs. A secret for a
// data source is bound to "dsn:NAME" in the place of a host.
type ODBC struct {
	Driver string            // as odbcinst -q -d lists it
	DSN    string            // as odbcinst -q -s lists it
	Fields map[string]string // further words of the connection string; server, port, database, file, user and password are put in by themselves
}

// Env is what the player gives a query.
type Env struct {
	// Secret gives a secret that may go to host, "name:port"; an error says that there is none, or that it is bound to others.
	Secret func(name, host string) (secret.Secret, error)
	Now    time.Time   // the player's time in its zone: $today, and the zone that instants are told in; zero = time.Now()
	Deny   string      // folder that no query may read: the player's own; "" = none
	Held   *place.Held // what has not come back, over all sources; nil = the query's own
	Asker  string      // who asks: what holds up another who asks the same does not concern it
	Dir    string      // where QueryBytes keeps a file for a moment; "" = the system's folder for such
	Child  string      // the program vitrine-odbc; "" = the one beside this program, else in the PATH
}

// Limits bound what a query may give.
type Limits struct {
	Rows  int   // more are cut off, and the table says so; 0 = 2000, at most 100,000
	Bytes int64 // of all cells; more is an error; 0 = 16 MiB
}

// Query asks once. It ends by ctx, whatever the database does.
func Query(ctx context.Context, spec Spec, env Env, limits Limits) (rows.Table, error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	if env.Now.IsZero() {
		env.Now = time.Now()
	}
	if env.Held == nil {
		env.Held = &place.Held{}
	}
	if limits.Rows <= 0 {
		limits.Rows = 2000
	}
	if limits.Rows = min(limits.Rows, maxRows); limits.Bytes <= 0 {
		limits.Bytes = 16 << 20
	}
	asks := map[string]func(context.Context, job) error{"postgres": postgres, "mariadb": mariadb, "mysql": mariadb,
		"sqlserver": sqlServer, "sqlite": sqlite, "odbc": overODBC}
	ask := asks[spec.Driver]
	if ask == nil {
		return rows.Table{}, fmt.Errorf("its database driver %q is not postgres, mariadb, mysql, sqlserver, sqlite or odbc", spec.Driver)
	}
	var more []string
	if spec.Driver == "sqlserver" { // which takes back all that a procedure does
		more = []string{"EXEC", "EXECUTE"}
	}
	statement, err := prepare(spec.Query, env.Now, more...)
	if err != nil {
		return rows.Table{}, err
	}
	j := job{spec: spec, env: env, statement: statement, sink: &sink{limits: limits}}
	key := strings.Join([]string{env.Asker, spec.Driver, spec.Host, strconv.Itoa(spec.Port), spec.Database, spec.File, spec.ODBC.DSN, spec.ODBC.Driver, spec.Query}, "\n")
	err = env.Held.Do(ctx, key, func() error { return ask(ctx, j) })
	if err != nil {
		return rows.Table{}, err
	}
	return j.sink.table, nil
}

// job is one query under way.
type job struct {
	spec      Spec
	env       Env
	statement string
	*sink
}

// server is where a query goes to, and with what.
type server struct {
	host   string
	port   int
	addr   string // host:port
	secret secret.Secret
	tls    *tls.Config // nil = off
}

// reach checks where a query may go.
func (j job) reach(port int) (server, error) {
	s := server{host: j.spec.Host, port: j.spec.Port}
	if s.port == 0 {
		s.port = port
	}
	if s.host == "" || strings.ContainsAny(s.host, "/\\@ ,;") || s.port < 1 || s.port > 65535 {
		return s, fmt.Errorf("its host %q with the port %d is not that of a server; write host and port each by itself", s.host, s.port)
	}
	s.addr = net.JoinHostPort(s.host, strconv.Itoa(s.port))
	var err error
	if s.tls, err = j.tlsConfig(); err != nil {
		return s, err
	}
	if j.spec.Secret == "" {
		return s, errors.New("it names no secret; its database wants a user and a password: name them (auth: {secret: …})")
	}
	s.secret, err = j.secretFor(s.addr)
	return s, err
}

func (j job) secretFor(addr string) (secret.Secret, error) {
	if j.env.Secret == nil {
		return secret.Secret{}, fmt.Errorf("it needs the secret %q, which this player does not have", j.spec.Secret)
	}
	return j.env.Secret(j.spec.Secret, addr)
}

func (j job) tlsConfig() (*tls.Config, error) {
	c := &tls.Config{ServerName: j.spec.Host, MinVersion: tls.VersionTLS12}
	if len(j.spec.CA) > 0 {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(j.spec.CA) {
			return nil, errors.New("its certificate authority is not a PEM certificate (-----BEGIN CERTIFICATE-----)")
		}
	}
	switch j.spec.TLS {
	case "", "verify":
	case "required":
		c.InsecureSkipVerify = true // the source says so: encrypted, by whomever
	case "off":
		if ip := net.ParseIP(j.spec.Host); j.spec.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return nil, fmt.Errorf("tls: off would send its password over the network where anyone can read it; it is for a database on the player itself, not %s", j.spec.Host)
		}
		return nil, nil
	default:
		return nil, fmt.Errorf("its tls %q is not verify, required or off", j.spec.TLS)
	}
	return c, nil
}

// dialer connects; the connection is closed when ctx ends, and gives no more bytes than the rows may have, with room for
// what a protocol puts around them.
func (j job) dialer(ctx context.Context) func(context.Context, string, string) (net.Conn, error) {
	return func(dial context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(dial, network, addr)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { conn.Close() })
		return &frugalConn{Conn: conn, left: 4*j.limits.Bytes + 4<<20, over: &j.over}, nil
	}
}

// frugalConn reads so many bytes.
type frugalConn struct {
	net.Conn
	left int64
	over *atomic.Bool // drivers have their own words for what ends too soon
}

func (c *frugalConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		c.over.Store(true)
		return 0, errTooLong
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.Conn.Read(p)
	c.left -= int64(n)
	return n, err
}

// refused says that a database does not take a secret.
func (j job) refused(host string) error {
	return fmt.Errorf("%s refuses the secret %q; look whether its user and password are still right, and whether that user may use the database %s",
		host, j.spec.Secret, j.spec.Database)
}
