package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	engine "modernc.org/sqlite"

	"vitrine/agent/connect/place"
	"vitrine/agent/connect/rows"
)

// Limits of sqlite3_limit (sqlite3.h).
const (
	limitLength   = 0
	limitAttached = 7
	cantOpen      = 14 // SQLITE_CANTOPEN
	readOnly      = 8  // SQLITE_READONLY
)

// sqlite asks a file of the player, which it never writes. A folder that may not be written either leaves a log that
// another program writes ahead of it out of reach: the file is then read as if nobody wrote it, and must stay as it is.
func sqlite(ctx context.Context, j job) error {
	file := j.spec.File
	if !filepath.IsAbs(file) {
		return fmt.Errorf("its file %q does not begin with /; name the whole path on the player", file)
	}
	before, err := os.Stat(file)
	if err == nil {
		err = place.Allowed(file, j.env.Deny)
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return noFile(file)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("the player may not read %s: let the user that it runs as read the file and its folders", file)
	case err != nil:
		return err
	case !before.Mode().IsRegular():
		return fmt.Errorf("%s is not a plain file", file)
	}
	err = j.askSQLite(ctx, file, "mode=ro")
	var said *engine.Error
	if errors.As(err, &said) && (said.Code()&0xff == cantOpen || said.Code()&0xff == readOnly) {
		j.table = rows.Table{}
		err = j.askSQLite(ctx, file, "mode=ro&immutable=1")
		after, statErr := os.Stat(file)
		if err == nil && (statErr != nil || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime())) {
			err = fmt.Errorf("%s was written while it was read; it is read again soon", file)
		}
	}
	if errors.As(err, &said) {
		return fmt.Errorf("SQLite refuses the query of %s: %s", file, strings.TrimPrefix(said.Error(), "SQL logic error: "))
	}
	return err
}

// noFile says that a database is not where it is to be, in a way that a caller can tell from other faults.
func noFile(file string) error {
	return fmt.Errorf("there is no file %s on the player: put it there, mount the share that holds it, or name another path (%w)", file, os.ErrNotExist)
}

func (j job) askSQLite(ctx context.Context, file, how string) error {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: file}).String()+"?"+how+"&_pragma=query_only(1)&_pragma=busy_timeout(2000)&_pragma=trusted_schema(0)")
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for id, most := range map[int]int{limitAttached: 0, limitLength: int(min(j.limits.Bytes, 1<<30))} {
		if _, err := engine.Limit(conn, id, most); err != nil {
			return err
		}
	}
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	found, err := tx.QueryContext(ctx, j.statement)
	if err != nil {
		return err
	}
	return j.scan(found, fromSQLite, func() {})
}

// fromSQLite makes values: SQLite's columns have no types, but its values have.
func fromSQLite(kind string, v any) rows.Value {
	switch v := v.(type) {
	case nil:
		return null
	case int64:
		if strings.HasPrefix(strings.ToUpper(kind), "BOOL") && (v == 0 || v == 1) {
			return rows.Of(rows.Bool, strconv.FormatBool(v == 1))
		}
		return rows.Of(rows.Decimal, strconv.FormatInt(v, 10))
	case float64:
		return number(v, 64)
	case bool:
		return rows.Of(rows.Bool, strconv.FormatBool(v))
	case []byte:
		return hexadecimal(v)
	case time.Time: // the driver reads what columns of dates hold; it has no zone unless it says one
		h, m, sec := v.Clock()
		switch _, seconds := v.Zone(); {
		case kind == "DATE" && h+m+sec == 0:
			return rows.Of(rows.Date, v.Format(dateForm))
		case seconds != 0:
			return rows.Of(rows.DateTime, v.Format(time.RFC3339Nano))
		}
		return rows.Of(rows.DateTime, v.Format(localForm))
	case string:
		switch strings.ToUpper(kind) {
		case "DATE":
			return timed(rows.Date, v, dateForm, time.DateOnly)
		case "TIME":
			return timed(rows.Time, v, timeForm, time.TimeOnly, "15:04")
		case "DATETIME", "TIMESTAMP":
			return timed(rows.DateTime, v, localForm, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly)
		}
		return rows.Of(rows.Text, v)
	}
	return rows.Of(rows.Text, fmt.Sprint(v))
}
