package database_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/database"
	"vitrine/agent/connect/rows"
)

// sqlite3 makes a file, and asks it in the way its own people do.
func sqlite3(t *testing.T, file, query string) string {
	t.Helper()
	out, err := exec.Command("sqlite3", "-batch", "-separator", "\x1f", "-newline", "\x1e", "-nullvalue", `\N`, file, query).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

const sqliteTable = `PRAGMA journal_mode=WAL;
CREATE TABLE every (id INTEGER PRIMARY KEY, exact NUMERIC, price DECIMAL(10,2), yes BOOLEAN, day DATE, at DATETIME, label TEXT, bytes BLOB, untyped);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
INSERT INTO every SELECT i, i * 12345678901, i / 4.0, i % 2, date('1970-01-01', i * 77 || ' days'), datetime('1970-01-01', i * 7777 || ' minutes'), 'é€😀' || char(33 + i), x'00ff', CASE i % 4 WHEN 0 THEN i WHEN 1 THEN 'text' WHEN 2 THEN 0.5 END FROM n;
INSERT INTO every (id, exact, label, day) VALUES (1001, '12.10', '', 'no date');`

func TestSQLiteGivesWhatItsProgramShows(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "board.db")
	sqlite3(t, file, sqliteTable)
	spec := database.Spec{Driver: "sqlite", File: file, Query: "SELECT *, hex(bytes) FROM every ORDER BY id"}
	table := ask(t, spec, database.Limits{})
	want := strings.Split(strings.TrimSuffix(sqlite3(t, file, "SELECT id, exact, price, yes, day, at, label, hex(bytes), untyped, hex(bytes) FROM every ORDER BY id"), "\x1e"), "\x1e")
	if len(table.Rows) != 301 || len(want) != 301 {
		t.Fatalf("%d rows, shown are %d", len(table.Rows), len(want))
	}
	for i, line := range want {
		for c, cell := range strings.Split(line, "\x1f") {
			v := table.Rows[i][c]
			ok := same(t, v, cell) || v.Kind == rows.Decimal && sameNumber(v, cell) || table.Columns[c] == "bytes" && strings.EqualFold(v.Text, cell)
			if cell == `\N` {
				ok = v.Kind == rows.Null
			}
			if !ok {
				t.Errorf("row %d, %s: %+v, shown is %q", i+1, table.Columns[c], v, cell)
			}
		}
	}
}

func TestSQLiteOnlyReadsItsOneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, other := filepath.Join(dir, "board.db"), filepath.Join(dir, "own", "other.db")
	if err := os.Mkdir(filepath.Join(dir, "own"), 0o755); err != nil {
		t.Fatal(err)
	}
	sqlite3(t, file, sqliteTable)
	sqlite3(t, other, sqliteTable)
	private := env()
	private.Deny = filepath.Join(dir, "own")
	cases := map[string]struct{ file, query, says string }{
		"it may not write":                        {file, "DELETE FROM every RETURNING id", "a source only reads"},
		"it may not bring other files in":         {file, "ATTACH '" + other + "' AS o", "a source only reads"},
		"it may not write a copy":                 {file, "VACUUM INTO '" + filepath.Join(dir, "copy.db") + "'", "a source only reads"},
		"it may not read the player's own":        {other, "SELECT 1", "belongs to the player itself"},
		"it may not read what is no database":     {"/etc/passwd", "SELECT * FROM sqlite_schema", "SQLite refuses"},
		"it may not be a folder":                  {dir, "SELECT 1", "not a plain file"},
		"it may not be missing":                   {dir + "/gone", "SELECT 1", "no file"},
		"it may not take all the memory there is": {file, "SELECT hex(zeroblob(1000000000))", "SQLite refuses"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			fails(t, t.Context(), database.Spec{Driver: "sqlite", File: c.file, Query: c.query}, private, database.Limits{}, c.says)
		})
	}
	if _, err := os.Stat(filepath.Join(dir, "copy.db")); err == nil {
		t.Error("there is a copy")
	}
	t.Run("it ends at its deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		endless := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
		fails(t, ctx, database.Spec{Driver: "sqlite", File: file, Query: endless}, env(), database.Limits{}, "in time")
	})
	t.Run("what another program has just written is seen", func(t *testing.T) {
		writer := exec.Command("sqlite3", file)
		in, err := writer.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { in.Close(); _ = writer.Wait() }()
		if _, err := in.Write([]byte("INSERT INTO every (id, label) VALUES (2000, 'new'); SELECT 'done';\n")); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		table := ask(t, database.Spec{Driver: "sqlite", File: file, Query: "SELECT label FROM every WHERE id = 2000"}, database.Limits{})
		if len(table.Rows) != 1 || table.Rows[0][0].Text != "new" {
			t.Errorf("rows are %v", table.Rows)
		}
	})
}
