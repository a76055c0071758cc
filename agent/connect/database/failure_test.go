package database_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/connecttest"
	"vitrine/agent/connect/database"
)

// fails asks, and wants an error that says something and never the password.
func fails(t *testing.T, ctx context.Context, spec database.Spec, env database.Env, limits database.Limits, says string) {
	t.Helper()
	table, err := database.Query(ctx, spec, env, limits)
	switch {
	case err == nil:
		t.Errorf("it gives %d rows", len(table.Rows))
	case !strings.Contains(err.Error(), says):
		t.Errorf("it says: %v\nand not: %s", err, says)
	case strings.Contains(err.Error(), canary), strings.Contains(err.Error(), "wrong-"):
		t.Errorf("it tells a password: %v", err)
	}
	t.Log(err)
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func with(spec database.Spec, change func(*database.Spec)) database.Spec {
	change(&spec)
	return spec
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	t.Parallel()
	pg, my := onPostgres("SELECT 1"), onMariaDB("SELECT 1")
	viaODBC := func(driver string, port int, db string) database.Spec {
		return database.Spec{Driver: "odbc", Host: "127.0.0.1", Port: port, Database: db, Secret: "db", Query: "SELECT 1", ODBC: database.ODBC{Driver: driver}}
	}
	wrong := env()
	wrong.Secret = vault("board", "wrong-"+canary)
	elsewhere := func(s *database.Spec) { s.Host = "db.example" }
	cases := []struct {
		name string
		spec database.Spec
		env  database.Env
		says string
	}{
		{"a wrong password for PostgreSQL", pg, wrong, `refuses the secret "db"`},
		{"a wrong password for MariaDB", my, wrong, `refuses the secret "db"`},
		{"a wrong password for PostgreSQL's driver", viaODBC("PostgreSQL Unicode", servers.postgres.Server, "postgres"), wrong, `refuses the secret "db"`},
		{"a wrong password for MariaDB's driver", viaODBC("MariaDB Unicode", servers.mariadb.Server, "board"), wrong, `refuses the secret "db"`},
		{"a database that is not there", with(pg, func(s *database.Spec) { s.Database = "gone" }), env(), `no database "gone"`},
		{"a database that is not there, MariaDB", with(my, func(s *database.Spec) { s.Database = "gone" }), env(), "gone"},
		{"a certificate of nobody", with(pg, func(s *database.Spec) { s.CA = nil }), env(), "authority that this player does not know"},
		{"a certificate of nobody, MariaDB", with(my, func(s *database.Spec) { s.CA = nil }), env(), "authority that this player does not know"},
		{"nothing listens", with(pg, func(s *database.Spec) { s.Port = 1 }), env(), "nothing answers at 127.0.0.1:1"},
		{"nothing listens, MariaDB", with(my, func(s *database.Spec) { s.Port = 1 }), env(), "nothing answers at 127.0.0.1:1"},
		{"a secret that is bound to other hosts", with(pg, elsewhere), env(), "may not go to db.example:"},
		{"no encryption to another machine", with(my, func(s *database.Spec) { s.TLS = "off"; elsewhere(s) }), env(), "where anyone can read it"},
		{"an authority that is none", with(pg, func(s *database.Spec) { s.CA = []byte("x") }), env(), "not a PEM"},
		{"no secret", with(pg, func(s *database.Spec) { s.Secret = "" }), env(), "names no secret"},
		{"a table that is not there", with(pg, func(s *database.Spec) { s.Query = "SELECT * FROM gone" }), env(), `relation "gone" does not exist`},
		{"a table that is not there, MariaDB", with(my, func(s *database.Spec) { s.Query = "SELECT * FROM gone" }), env(), "doesn't exist"},
		{"no rows at all", with(pg, func(s *database.Spec) { s.Query = "SELECT FROM generate_series(1, 2)" }), env(), "gives no rows"},
		{"two statements", with(pg, func(s *database.Spec) { s.Query = "SELECT 1; DROP TABLE x" }), env(), "more than one statement"},
		{"a word that is not known", with(pg, func(s *database.Spec) { s.Query = "SELECT $yesterday" }), env(), "names $yesterday"},
		{"an unknown database", with(pg, func(s *database.Spec) { s.Driver = "oracle" }), env(), "is not postgres"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fails(t, t.Context(), c.spec, c.env, database.Limits{}, c.says)
		})
	}
	for _, spec := range []database.Spec{pg, my} {
		spec.CA, spec.TLS = nil, "required"
		ask(t, spec, database.Limits{})
		spec.TLS = "off"
		ask(t, spec, database.Limits{})
	}
}

func TestNothingIsEverChanged(t *testing.T) {
	t.Parallel()
	if _, err := servers.postgres.Ask("CREATE TABLE kept AS SELECT 1 AS n"); err != nil {
		t.Fatal(err)
	}
	if _, err := servers.mariadb.Ask("CREATE TABLE kept AS SELECT 1 AS n"); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"DELETE FROM kept RETURNING n", "CREATE TABLE kept2 (n int)", "/* x */ (DROP TABLE kept)", "COMMIT", ";", "SET x = 1"} {
		fails(t, t.Context(), onPostgres(query), env(), database.Limits{}, "a source only reads")
	}
	if _, err := servers.mariadb.Ask("\nDELIMITER //\nCREATE FUNCTION tidy() RETURNS int BEGIN DELETE FROM kept; RETURN 1; END//\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := servers.postgres.Ask("CREATE FUNCTION tidy() RETURNS int LANGUAGE sql AS 'DELETE FROM kept RETURNING 1'"); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{"WITH x AS (DELETE FROM kept RETURNING n) SELECT * FROM x", "SELECT n INTO kept3 FROM kept", "EXPLAIN ANALYZE DELETE FROM kept", "SELECT tidy()"} {
		fails(t, t.Context(), onPostgres(query), env(), database.Limits{}, "a source only reads")
	}
	fails(t, t.Context(), onMariaDB("SELECT tidy()"), env(), database.Limits{}, "a source only reads")
	for driver, spec := range map[string]database.Spec{"PostgreSQL Unicode": onPostgres("SELECT tidy()"), "MariaDB Unicode": onMariaDB("SELECT tidy()")} {
		spec.Driver, spec.CA, spec.ODBC.Driver = "odbc", nil, driver
		_, err := database.Query(t.Context(), spec, env(), database.Limits{}) // it may give rows: what it did is taken back
		t.Log(err)
	}
	for _, says := range []func(string) (string, error){servers.postgres.Ask, servers.mariadb.Ask} {
		if n, err := says("SELECT count(*) FROM kept"); err != nil || strings.TrimSpace(n) != "1" {
			t.Errorf("there are %q rows: %v", n, err)
		}
	}
}

func TestAQueryEndsAtItsDeadlineOnTheServerToo(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		spec    database.Spec
		running func() (string, error)
	}{
		{"PostgreSQL", onPostgres("SELECT pg_sleep(3600), 'deadline'"), func() (string, error) {
			return servers.postgres.Ask("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(3600), ''deadline%' AND pid <> pg_backend_pid()")
		}},
		{"MariaDB", onMariaDB("SELECT sleep(3600), 'deadline'"), func() (string, error) {
			return servers.mariadb.Ask("SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT sleep(3600), ''deadline%'")
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			fails(t, ctx, c.spec, env(), database.Limits{}, "deadline")
			for end := time.After(30 * time.Second); ; {
				n, err := c.running()
				if err != nil {
					t.Fatal(err)
				}
				if strings.TrimSpace(n) == "0" {
					return
				}
				select {
				case <-end:
					t.Fatal("it still runs on the server")
				case <-time.After(100 * time.Millisecond): // a server does not tell
				}
			}
		})
	}
}

// Not parallel: it breaks what the others use.
func TestAServerThatFailsInTheMiddleOfAnAnswer(t *testing.T) {
	cases := []struct {
		how  int32
		name string
		says string
	}{{connecttest.Stall, "stalls", "did not answer in time"}, {connecttest.Reset, "resets", "broke off"}, {connecttest.Cut, "dies", "broke off"}}
	queries := []struct {
		name  string
		spec  database.Spec
		proxy *connecttest.Proxy
	}{
		{"PostgreSQL", onPostgres("SELECT repeat('x', 1000) FROM generate_series(1, 1000)"), servers.postgres.Proxy},
		{"MariaDB", onMariaDB("SELECT repeat('x', 1000) FROM seq_1_to_1000"), servers.mariadb.Proxy},
		{"PostgreSQL by ODBC", with(onPostgres("SELECT repeat('x', 1000) FROM generate_series(1, 1000)"), func(s *database.Spec) { s.Driver, s.CA, s.ODBC.Driver = "odbc", nil, "PostgreSQL Unicode" }), servers.postgres.Proxy},
		{"MariaDB by ODBC", with(onMariaDB("SELECT repeat('x', 1000) FROM seq_1_to_1000"), func(s *database.Spec) { s.Driver, s.CA, s.ODBC.Driver = "odbc", nil, "MariaDB Unicode" }), servers.mariadb.Proxy},
	}
	for _, q := range queries {
		ask(t, q.spec, database.Limits{})
		for _, c := range cases {
			for _, after := range []int64{0, 50, 3000, 100_000} {
				if c.how == connecttest.Stall && after != 50 && after != 100_000 {
					continue // each takes its whole deadline
				}
				t.Run(fmt.Sprintf("%s %s after %d bytes", q.name, c.name, after), func(t *testing.T) {
					q.proxy.Fail(c.how, after)
					defer q.proxy.Fail(connecttest.Well, 0)
					ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
					defer cancel()
					says := c.says
					if q.spec.Driver == "odbc" && c.how != connecttest.Stall {
						ctx, says = t.Context(), "database behind"
					}
					if c.how != connecttest.Stall {
						ctx = t.Context()
					}
					fails(t, ctx, q.spec, env(), database.Limits{}, says)
				})
			}
		}
		ask(t, q.spec, database.Limits{}) // and afterwards it works
	}
}

func TestWhatAQueryMayGiveIsBounded(t *testing.T) {
	t.Parallel()
	endless := map[string]database.Spec{"PostgreSQL": onPostgres("SELECT generate_series(1, 1000000000000) n"), "MariaDB": onMariaDB("SELECT seq FROM seq_1_to_1000000000"),
		"PostgreSQL by ODBC": with(onPostgres("SELECT * FROM generate_series(1, 50000) n"), func(s *database.Spec) { s.Driver, s.CA, s.ODBC.Driver = "odbc", nil, "PostgreSQL Unicode" })}
	for name, spec := range endless {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if table := ask(t, spec, database.Limits{Rows: 10}); len(table.Rows) != 10 || !table.Truncated {
				t.Errorf("%d rows, truncated %v", len(table.Rows), table.Truncated)
			}
			if table := ask(t, spec, database.Limits{}); len(table.Rows) != 2000 || !table.Truncated {
				t.Errorf("%d rows, truncated %v", len(table.Rows), table.Truncated)
			}
		})
	}
	wide := map[string]database.Spec{"rows": onPostgres("SELECT repeat('x', 60000) FROM generate_series(1, 1000000)"), "a cell": onPostgres("SELECT repeat('x', 50000000)"),
		"rows of MariaDB": onMariaDB("SELECT repeat('x', 60000) FROM seq_1_to_1000000"), "a cell of MariaDB": onMariaDB("SELECT repeat('x', 60000000)"),
		"rows by ODBC": with(onMariaDB("SELECT repeat('x', 60000) FROM seq_1_to_1000"), func(s *database.Spec) { s.Driver, s.CA, s.ODBC.Driver = "odbc", nil, "MariaDB Unicode" })}
	for name, spec := range wide {
		t.Run("too much in "+name, func(t *testing.T) {
			t.Parallel()
			fails(t, t.Context(), spec, env(), database.Limits{Bytes: 1 << 20}, "longer than its limit")
		})
	}
}

func TestTheDatesOfThePlayerStandInAQuery(t *testing.T) {
	t.Parallel()
	for _, spec := range []database.Spec{onPostgres(""), onMariaDB("")} {
		spec.Query = "SELECT $today AS a, $tomorrow AS b, $now AS c, '$today' AS d -- $never\n;"
		if got := fmt.Sprint(ask(t, spec, database.Limits{}).Rows); got != "[[{text 2026-12-24} {text 2026-12-25} {text 2026-12-24 18:05:00} {text $today}]]" {
			t.Error(got)
		}
	}
	if table := ask(t, onPostgres("SELECT $$it's; $today$$ AS a, 1 AS a, 2 AS \"\"\" ;\""), database.Limits{}); fmt.Sprint(table.Columns, table.Rows) != `[a c2 " ;] [[{text it's; $today} {decimal 1} {decimal 2}]]` {
		t.Error(table.Columns, table.Rows)
	}
}
