package format

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"vitrine/agent/connect/format/grid"
	"vitrine/agent/connect/rows"
	"vitrine/render/child"
)

// null is how mdb-export is told to write a field that holds nothing: no file holds that as a text.
const null = "\x02null\x03"

// access reads a table of an Access database (.mdb, .accdb) with Debian's mdbtools. Its programs seek, so they are given the
// bytes as a file without a name in place of their stdin.
func access(ctx context.Context, b []byte, o Options, most int) (rows.Table, error) {
	if is := sniff(b); is.id != "access" {
		return rows.Table{}, fmt.Errorf("it is no Access database but %s: %s", is.name, is.fix)
	}
	file, err := nameless(b)
	if err != nil {
		return rows.Table{}, err
	}
	defer file.Close()
	list, err := mdb(ctx, file, "mdb-tables", "-1", "/dev/stdin")
	if err != nil {
		return rows.Table{}, err
	}
	table, err := pick(strings.FieldsFunc(string(list), func(r rune) bool { return r == '\n' }), o.Sheet)
	if err != nil {
		return rows.Table{}, err
	}
	schema, err := mdb(ctx, file, "mdb-schema", "--no-indexes", "--no-relations", "--no-default-values", "--no-not-null", "-T", table, "/dev/stdin", "access")
	if err != nil {
		return rows.Table{}, err
	}
	body, err := mdb(ctx, file, "mdb-export", "-0", null, "-B", "-b", "strip", "-D", "%Y-%m-%d %H:%M:%S", "-T", "%Y-%m-%d %H:%M:%S", "/dev/stdin", table)
	if err != nil {
		return rows.Table{}, err
	}
	return exported(ctx, body, kinds(string(schema)), most)
}

// nameless is a file that is on no disk.
func nameless(b []byte) (*os.File, error) {
	dir := "/dev/shm"
	if _, err := os.Stat(dir); err != nil {
		dir = ""
	}
	f, err := os.CreateTemp(dir, "vitrine-access-")
	if err != nil {
		return nil, fmt.Errorf("the database cannot be put where its program reads it: %w", err)
	}
	err = errors.Join(os.Remove(f.Name()))
	if err == nil {
		_, err = f.Write(b)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("the database cannot be put where its program reads it: %w", err)
	}
	return f, nil
}

// mdb runs one of the programs on the file.
func mdb(ctx context.Context, file *os.File, program string, args ...string) ([]byte, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	out, err := child.Run(ctx, child.Job{Program: program, Package: "mdbtools", Args: args, Stdin: file, Memory: 512 << 20, Output: 256 << 20})
	if err != nil {
		return nil, fmt.Errorf("the Access database cannot be read; if it has a password, take it out: %w", err)
	}
	return out, nil
}

// pick finds a table; "" is the first.
func pick(tables []string, wanted string) (string, error) {
	if len(tables) == 0 {
		return "", errors.New("the Access database has no table that can be read")
	}
	if wanted == "" {
		for _, t := range tables {
			if !strings.HasPrefix(t, "~") { // left behind by Access itself
				return t, nil
			}
		}
		return tables[0], nil
	}
	for _, t := range tables {
		if strings.EqualFold(t, wanted) {
			return t, nil
		}
	}
	return "", fmt.Errorf("the Access database has no table %q: its tables are %s", wanted, strings.Join(tables[:min(len(tables), 20)], ", "))
}

var column = regexp.MustCompile(`^\s*\[([^\]]*)\]\s+([A-Za-z]+(?: [A-Za-z]+)*)`)

// kinds finds the kind of each column in a schema as mdb-schema writes it for Access.
func kinds(schema string) map[string]rows.Kind {
	out := map[string]rows.Kind{}
	for line := range strings.Lines(schema) {
		m := column.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		switch kind := strings.ToLower(m[2]); {
		case kind == "boolean":
			out[m[1]] = rows.Bool
		case strings.HasPrefix(kind, "datetime"):
			out[m[1]] = rows.DateTime
		case kind == "byte", kind == "integer", strings.HasPrefix(kind, "long integer"), kind == "bigint", kind == "currency", kind == "single", kind == "double", kind == "numeric":
			out[m[1]] = rows.Decimal
		default:
			out[m[1]] = rows.Text
		}
	}
	return out
}

// exported makes a table of what mdb-export writes.
func exported(ctx context.Context, body []byte, kinds map[string]rows.Kind, most int) (rows.Table, error) {
	in := csv.NewReader(bytes.NewReader(body))
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	header, err := in.Read()
	if err == io.EOF {
		return rows.Table{}, errors.New("the table of the Access database has no columns")
	}
	if err != nil {
		return rows.Table{}, fmt.Errorf("what mdb-export writes cannot be read: %w", err)
	}
	if len(header) > rows.MaxColumns {
		return rows.Table{}, fmt.Errorf("the table has %d columns, %d are allowed", len(header), rows.MaxColumns)
	}
	t := rows.Table{Columns: grid.Names(header)}
	of := make([]rows.Kind, len(header))
	for i, h := range header {
		of[i] = kinds[h]
	}
	for n := 1; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return t, ctx.Err()
		}
		rec, err := in.Read()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return t, fmt.Errorf("what mdb-export writes cannot be read: %w", err)
		}
		if len(t.Rows) == most {
			t.Truncated = true
			return t, nil
		}
		row := make([]rows.Value, len(header))
		for i := range row {
			row[i].Kind = rows.Null
			if i < len(rec) {
				row[i] = stored(of[i], rec[i])
			}
		}
		t.Rows = append(t.Rows, row)
	}
}

// stored makes a value of a field.
func stored(kind rows.Kind, s string) rows.Value {
	switch {
	case s == null:
		return rows.Value{Kind: rows.Null}
	case kind == rows.Bool:
		return rows.Of(rows.Bool, strings.ToLower(s))
	case kind == rows.DateTime:
		day, clock, timed := strings.Cut(s, " ")
		switch {
		case !timed || clock == "00:00:00": // Access has one type for both
			return rows.Of(rows.Date, day)
		case day == "1899-12-30": // a time alone is on day nought
			return rows.Of(rows.Time, clock)
		}
		return rows.Of(rows.DateTime, day+"T"+clock)
	case kind == rows.Decimal:
		return rows.Of(rows.Decimal, plainDecimal(s))
	}
	return rows.Of(rows.Text, s)
}

// plainDecimal writes a number without an exponent, which floats of C have when they are large or small.
func plainDecimal(s string) string {
	if !strings.ContainsAny(s, "eE") {
		return s
	}
	return grid.Plain(s)
}
