package database_test

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/database"
	"vitrine/agent/connect/rows"
	"vitrine/agent/secret"
)

// unpacked writes a sample where a driver can read it.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func onAccess(file, query string) database.Spec {
	return database.Spec{Driver: "odbc", File: file, Query: query, ODBC: database.ODBC{Driver: "MDBTools"}}
}

func TestAccessGivesWhatMdbExportWrites(t *testing.T) {
	t.Parallel()
	for file, tables := range map[string][]string{"sample.mdb": {"tblEmployees"}, "sample.accdb": {"Employees", "Books", "Authors", "Jobs", "BookAuthor", "Publishers"}} {
		path := unpacked(t, file)
		for _, name := range tables {
			t.Run(file+" "+name, func(t *testing.T) {
				t.Parallel()
				table := ask(t, onAccess(path, "SELECT * FROM "+name), database.Limits{})
				out, err := exec.Command("mdb-export", "-D", "%Y-%m-%dT%H:%M:%S", "-T", "%Y-%m-%dT%H:%M:%S", "-0", `\N`, path, name).Output()
				if err != nil {
					t.Fatal(err)
				}
				want, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
				if err != nil {
					t.Fatal(err)
				}
				if strings.Join(table.Columns, ",") != strings.Join(want[0], ",") || len(table.Rows) != len(want)-1 || len(want) < 5 {
					t.Fatalf("%d rows of %q, mdb-export writes %d of %q", len(table.Rows), table.Columns, len(want)-1, want[0])
				}
				for i, row := range want[1:] {
					for c, cell := range row { // whose line ends encoding/csv has made plain
						if v := table.Rows[i][c]; cell == `\N` && v.Kind != rows.Null || cell != `\N` && strings.ReplaceAll(v.Text, "\r\n", "\n") != cell {
							t.Errorf("row %d, %s: %+v, mdb-export writes %q", i+1, want[0][c], v, cell)
						}
					}
				}
			})
		}
	}
}

func TestDriversOfServersGiveWhatTheirProgramsShow(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, driver string
		port         int
		database     string
		shows        func(string) (string, error)
		query        string
		cell, line   string
	}{
		{"PostgreSQL", "PostgreSQL Unicode", servers.postgres.Server, "postgres", servers.postgres.Ask, `SELECT i AS id, i::numeric / 7 AS exact, CASE WHEN i % 5 = 0 THEN NULL ELSE repeat('é€😀', i) END AS label, repeat('x', i * 300) AS long,
			date '2020-01-01' + i AS day, timestamp '2020-01-01 10:00' + i * interval '1 hour' AS at, NULL AS nothing FROM generate_series(1, 100) i ORDER BY 1`, "\x1f", "\x1e"},
		{"MariaDB", "MariaDB Unicode", servers.mariadb.Server, "board", servers.mariadb.Ask, `SELECT seq AS id, cast(seq / 7 AS decimal(20,10)) AS exact, if(seq % 5 = 0, NULL, repeat('é€😀', seq)) AS label, repeat('x', seq * 300) AS lang,
			date('2020-01-01') + interval seq day AS day, timestamp('2020-01-01 10:00') + interval seq hour AS at, NULL AS nothing FROM seq_1_to_100 ORDER BY 1`, "\t", "\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fields := map[string]string{}
			if c.driver == "PostgreSQL Unicode" {
				fields["MaxLongVarcharSize"] = "60000"
			}
			spec := database.Spec{Driver: "odbc", Host: "127.0.0.1", Port: c.port, Database: c.database, Secret: "db", Query: c.query, ODBC: database.ODBC{Driver: c.driver, Fields: fields}}
			table := ask(t, spec, database.Limits{})
			shown, err := c.shows(c.query)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Split(strings.TrimSuffix(shown, "\n"), c.line)
			if len(table.Rows) != 100 || len(want) != 100 {
				t.Fatalf("%d rows, shown are %d", len(table.Rows), len(want))
			}
			for i, line := range want {
				for n, cell := range strings.Split(line, c.cell) {
					v := table.Rows[i][n]
					if null := cell == `\N` || cell == "NULL"; null != (v.Kind == rows.Null) || !null && !same(t, v, cell) {
						t.Errorf("row %d, %s: %.80s, shown is %.80q", i+1, table.Columns[n], v, cell)
					}
				}
			}
		})
	}
}

func TestARealDriverThatCrashesIsLeftBehind(t *testing.T) {
	t.Parallel()
	_, err := database.Query(t.Context(), onAccess(unpacked(t, "sample.accdb"), "SELECT Owner FROM MSysObjects"), env(), database.Limits{})
	if err != nil && !strings.Contains(err.Error(), "died while it was asked") { // a fault of mdbtools 1.0.0
		t.Error(err)
	}
	t.Log(err)
}

// badDrivers are what a driver's connect does, and what is then said.
var badDrivers = map[string]struct{ body, says string }{
	"it hangs":             {"sleep(600);", "did not answer in time"},
	"it crashes":           {"*(volatile int *)0 = 1;", "died"},
	"it ends the process":  {"_exit(0);", "died"},
	"it takes all memory":  {"for (;;) { char *p = malloc(1 << 28); if (!p) abort(); p[0] = 1; }", "died"},
	"it prints and aborts": {`printf("{\"end\":true}\nnonsense\n"); fflush(stdout); abort();`, "died"},
}

// A data source is the machine's: what it says of its server is in odbc.ini.
func TestADataSourceIsAsked(t *testing.T) {
	t.Parallel()
	e := env()
	e.Secret = func(name, host string) (secret.Secret, error) {
		if host != "dsn:boards" {
			return secret.Secret{}, fmt.Errorf("not to %s", host)
		}
		return secret.Secret{User: "board", Password: canary}, nil
	}
	spec := database.Spec{Driver: "odbc", Secret: "db", Query: "SELECT 1 AS n", ODBC: database.ODBC{DSN: "boards", Fields: map[string]string{"ReadOnly": "1"}}}
	if table, err := database.Query(t.Context(), spec, e, database.Limits{}); err != nil || len(table.Rows) != 1 {
		t.Errorf("%v, %v", table, err)
	}
}

func TestADatabaseThatWasFetchedIsAsked(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(unpacked(t, "sample.accdb"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.db")
	sqlite3(t, file, "CREATE TABLE kept AS SELECT 1 AS n")
	lite, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	e := env()
	e.Dir = t.TempDir()
	e.Deny = e.Dir
	spec := onAccess("", "SELECT job_desc FROM Jobs WHERE job_id = 2")
	table, err := database.QueryBytes(t.Context(), b, spec, e, database.Limits{})
	if err != nil || len(table.Rows) != 1 || table.Rows[0][0].Text != "Chief Executive Officer" {
		t.Errorf("%v, %v", table, err)
	}
	table, err = database.QueryBytes(t.Context(), lite, database.Spec{Driver: "sqlite", Query: "SELECT * FROM kept"}, e, database.Limits{})
	if err != nil || len(table.Rows) != 1 {
		t.Errorf("%v, %v", table, err)
	}
	for _, bad := range [][]byte{nil, []byte("x"), b[:5000], lite[:100]} {
		for _, spec := range []database.Spec{spec, {Driver: "sqlite", Query: "SELECT * FROM kept"}} {
			if table, err := database.QueryBytes(t.Context(), bad, spec, e, database.Limits{}); err == nil || strings.Contains(err.Error(), e.Dir) {
				t.Errorf("%d bytes give %v, %v", len(bad), table, err)
			}
		}
	}
	own := filepath.Join(e.Dir, "own.mdb")
	if err := os.WriteFile(own, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, spec := range []database.Spec{onAccess(own, spec.Query), with(onAccess("", spec.Query), func(s *database.Spec) { s.Database = own }),
		with(onAccess("", spec.Query), func(s *database.Spec) { s.ODBC.Fields = map[string]string{"DBQ": strings.TrimPrefix(own, "/")} })} {
		fails(t, t.Context(), spec, e, database.Limits{}, "belongs to the player itself")
	}
	os.Remove(own)
	if left, err := os.ReadDir(e.Dir); err != nil || len(left) > 0 {
		t.Errorf("there is still %v, %v", left, err)
	}
	if _, err := database.QueryBytes(t.Context(), b, onPostgres("SELECT 1"), e, database.Limits{}); err == nil {
		t.Error("PostgreSQL is asked for a file")
	}
}

// What a child was told is on no command line and in no environment, and it leaves with the player's wish.
func TestAPasswordIsNowhereAroundAChild(t *testing.T) {
	spec := with(onPostgres("SELECT pg_sleep(600), 'nowhere'"), func(s *database.Spec) { s.Driver, s.CA, s.ODBC.Driver = "odbc", nil, "PostgreSQL Unicode" })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := database.Query(ctx, spec, env(), database.Limits{})
		done <- err
	}()
	for looked := false; !looked; {
		select {
		case err := <-done:
			t.Fatalf("it ended: %v", err)
		case <-time.After(20 * time.Millisecond): // a process that begins tells nobody
		}
		n, err := servers.postgres.Ask("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%600), ''nowhere%' AND pid <> pg_backend_pid()")
		if err != nil {
			t.Fatal(err)
		}
		looked = strings.TrimSpace(n) != "0"
	}
	found := 0
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		if exe, err := os.Readlink(filepath.Join(p, "exe")); err != nil || exe != servers.child {
			continue
		}
		found++
		for _, name := range []string{"cmdline", "environ"} {
			if b, err := os.ReadFile(filepath.Join(p, name)); err != nil || strings.Contains(string(b), canary) {
				t.Errorf("%s: %q, %v", name, b, err)
			}
		}
	}
	if found == 0 && os.Getuid() == 0 { // nobody else may even see whose it is
		t.Error("there is no child")
	}
	cancel()
	if err := <-done; err == nil || strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
}

func TestADriverThatHangsOrCrashesIsLeftBehind(t *testing.T) {
	t.Parallel()
	for name, c := range badDrivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			source, lib := filepath.Join(dir, "bad.c"), filepath.Join(servers.Dir, name+".so")
			code := `#include <stdlib.h>
#include <stdio.h>
#include <unistd.h>
short SQLAllocHandle(short k, void *in, void **out) { *out = malloc(64); return 0; }
short SQLSetEnvAttr() { return 0; } short SQLFreeHandle() { return 0; } short SQLGetInfo() { return -1; } short SQLSetConnectAttr() { return 0; }
short SQLGetFunctions() { return -1; } short SQLExecDirect() { return 0; } short SQLNumResultCols() { return 0; } short SQLFetch() { return 100; } short SQLGetData() { return 100; }
short SQLDescribeCol() { return -1; } short SQLDisconnect() { return 0; } short SQLEndTran() { return 0; } short SQLGetDiagRec() { return 100; }
short SQLDriverConnect() { ` + c.body + ` return -1; }
`
			if err := os.WriteFile(source, []byte(code), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("cc", "-shared", "-fPIC", "-w", "-o", lib, source).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			if name != "it hangs" {
				ctx = t.Context()
			}
			_, err := database.Query(ctx, database.Spec{Driver: "odbc", Host: "127.0.0.1", Port: 5, Secret: "db", Query: "SELECT 1", ODBC: database.ODBC{Driver: name}}, env(), database.Limits{})
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), canary) {
				t.Errorf("it says: %v", err)
			}
			t.Log(err)
		})
	}
}

func TestWhatODBCCannotDoIsSaid(t *testing.T) {
	t.Parallel()
	mdb := unpacked(t, "sample.mdb")
	cases := map[string]struct {
		spec database.Spec
		says string
	}{
		"a driver that is not there":   {database.Spec{Driver: "odbc", Query: "SELECT 1", ODBC: database.ODBC{Driver: "Oracle"}}, "no driver or data source"},
		"a table that is not there":    {onAccess(mdb, "SELECT * FROM nothing"), "refuses the query"},
		"a file that is not there":     {onAccess("/nowhere/x.mdb", "SELECT 1"), "no file"},
		"a password in the fields":     {database.Spec{Driver: "odbc", Query: "SELECT 1", ODBC: database.ODBC{Driver: "x", Fields: map[string]string{"PWD": "x"}}}, "may not be among them"},
		"code that the bundle brings":  {database.Spec{Driver: "odbc", Query: "SELECT 1", ODBC: database.ODBC{Driver: "/tmp/x.so"}}, "is a path"},
		"a field that leads elsewhere": {database.Spec{Driver: "odbc", Host: "127.0.0.1", Port: 5, Secret: "db", Query: "SELECT 1", ODBC: database.ODBC{Driver: "x", Fields: map[string]string{"Servername": "evil.example"}}}, "lead the secret elsewhere"},
		"a secret for anywhere":        {database.Spec{Driver: "odbc", Secret: "db", Query: "SELECT 1", ODBC: database.ODBC{Driver: "x"}}, "host and port"},
		"a data source and a host":     {database.Spec{Driver: "odbc", Host: "evil.example", Secret: "db", Query: "SELECT 1", ODBC: database.ODBC{DSN: "x"}}, "leave host and port out"},
		"a data source's secret":       {database.Spec{Driver: "odbc", Secret: "db", Query: "SELECT 1", ODBC: database.ODBC{DSN: "boards"}}, "may not go to dsn:boards"},
		"a field of two lines":         {database.Spec{Driver: "odbc", Query: "SELECT 1", ODBC: database.ODBC{Driver: "x", Fields: map[string]string{"a": "b\nc"}}}, "more than one line"},
		"a field that is two":          {database.Spec{Driver: "odbc", Query: "SELECT 1", ODBC: database.ODBC{Driver: "x", Fields: map[string]string{"a=b;c": "d"}}}, "not a name"},
		"no driver and no data source": {database.Spec{Driver: "odbc", Query: "SELECT 1"}, "either odbc.driver"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := database.Query(t.Context(), c.spec, env(), database.Limits{})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says: %v", err)
			}
			t.Log(err)
		})
	}
}
