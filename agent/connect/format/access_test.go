package format_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/format"
	"vitrine/agent/connect/rows"
)

// sample is a database that Microsoft Access wrote; its folder says where it comes from.
func sample(t testing.TB, ext string) []byte {
	t.Helper()
	z := must(gzip.NewReader(bytes.NewReader(must(os.ReadFile("../database/testdata/sample." + ext + ".gz")))))
	return must(io.ReadAll(z))
}

func TestAccessFiles(t *testing.T) {
	table := parse(t, format.Options{Type: "access"}, sample(t, "mdb"), 2)
	row := table.Rows[0]
	if len(table.Columns) != 16 || table.Columns[5] != "dtmBirthDate" || row[0] != rows.Of(rows.Decimal, "1") || row[1] != rows.Of(rows.Text, "Davolio") ||
		row[5] != rows.Of(rows.Date, "1949-12-08") || !table.Truncated {
		t.Errorf("%+v", table)
	}
	table = parse(t, format.Options{Type: "access", Sheet: "books"}, sample(t, "accdb"), 100)
	if row = table.Rows[0]; row[1].Text != "The Busy Executive's Database Guide" || row[4] != rows.Of(rows.Decimal, "19.9900") || row[9] != rows.Of(rows.Date, "2010-07-01") {
		t.Errorf("%+v", row)
	}
	if table = parse(t, format.Options{Type: "access"}, sample(t, "accdb"), 100); table.Columns[0] != "au_sex" {
		t.Errorf("without a name the table is %q", table.Columns)
	}
	_, err := format.Parse(t.Context(), format.Options{Type: "access", Sheet: "Nobody"}, sample(t, "accdb"), 100)
	if err == nil || !strings.Contains(err.Error(), "its tables are AllSex, AllState") {
		t.Errorf("%v", err)
	}
	broken := sample(t, "accdb")[:70_000]
	if _, err = format.Parse(t.Context(), format.Options{Type: "access", Sheet: "Books"}, broken, 100); err == nil {
		t.Error("half a database is read without a word")
	}
}

// The same rows by mdb-sql, which takes its own way through libmdb.
func TestAccessRowsAreWhatMDBSQLSees(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sample.accdb")
	b := sample(t, "accdb")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	cells := 0
	for _, name := range []string{"Authors", "Books", "BookAuthor", "Employees", "Jobs", "Publishers"} {
		cmd := exec.CommandContext(t.Context(), "mdb-sql", "-P", "-d", "\x1f", "-F", "-i", "/dev/stdin", path)
		cmd.Stdin = strings.NewReader("select * from " + name + "\ngo\n")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("mdb-sql: %v", err)
		}
		in := csv.NewReader(bytes.NewReader(out))
		in.Comma, in.LazyQuotes, in.FieldsPerRecord = '\x1f', true, -1
		want := must(in.ReadAll())
		table := parse(t, format.Options{Type: "access", Sheet: name}, b, 1000)
		if len(want) != len(table.Rows)+1 {
			t.Errorf("%s: %d rows, mdb-sql has %d", name, len(table.Rows), len(want)-1)
			continue
		}
		for i, row := range table.Rows {
			for j, v := range row {
				cells++
				w := want[i+1][j]
				if at, err := time.Parse("01/02/06 15:04:05", w); err == nil {
					w = at.Format(time.DateOnly)
				}
				if strings.TrimSpace(v.Text) != strings.TrimSpace(w) {
					t.Errorf("%s, row %d, %s: %+v, mdb-sql has %q", name, i+1, table.Columns[j], v, w)
				}
			}
		}
	}
	t.Logf("%d cells are as mdb-sql reads them", cells)
}
