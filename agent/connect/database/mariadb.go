package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"vitrine/agent/connect/place"
	"vitrine/agent/connect/rows"
)

// mariadb asks MariaDB or MySQL.
func mariadb(ctx context.Context, j job) error {
	s, err := j.reach(3306)
	if err != nil {
		return err
	}
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.Net, cfg.Addr, cfg.DBName, cfg.TLS = s.secret.User, s.secret.Password, "tcp", s.addr, j.spec.Database, s.tls
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	cfg.DialFunc, cfg.Timeout, cfg.Collation, cfg.Logger = j.dialer(ctx), 15*time.Second, "utf8mb4_general_ci", &mysql.NopLogger{}
	cfg.ConnectionAttributes = "program_name:vitrine"
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return errors.New("its database, user or host cannot be told to MariaDB")
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return j.ofMariaDB(err, s)
	}
	defer conn.Close()
	defer stop() // hangs up, which ends the transaction and whatever the server still sends
	if err := j.ready(ctx, conn); err != nil {
		return j.ofMariaDB(err, s)
	}
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return j.ofMariaDB(err, s)
	}
	found, err := tx.QueryContext(ctx, j.statement)
	if err == nil {
		err = j.scan(found, fromMariaDB(j.env.Now), stop)
	}
	return j.ofMariaDB(err, s)
}

// ready tells the server its deadline, which MySQL calls by another name, the zone of TIMESTAMP, and that whatever follows
// only reads: CREATE and DROP would end a transaction and go on without it.
func (j job) ready(ctx context.Context, conn *sql.Conn) error {
	var version string
	if err := conn.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return err
	}
	limit := fmt.Sprintf("max_execution_time = %d", left(ctx).Milliseconds())
	if strings.Contains(version, "MariaDB") {
		limit = fmt.Sprintf("max_statement_time = %.3f", left(ctx).Seconds())
	}
	_, err := conn.ExecContext(ctx, "SET SESSION "+limit+", tx_read_only = 1, time_zone = '"+j.env.Now.Format("-07:00")+"'")
	return err
}

// fromMariaDB makes values. The driver reads whole numbers and floats for itself; all else comes as the server writes it.
func fromMariaDB(now time.Time) func(kind string, v any) rows.Value {
	return func(kind string, v any) rows.Value {
		switch v := v.(type) {
		case nil:
			return null
		case int64:
			return rows.Of(rows.Decimal, strconv.FormatInt(v, 10))
		case uint64:
			return rows.Of(rows.Decimal, strconv.FormatUint(v, 10))
		case float32:
			return number(float64(v), 32)
		case float64:
			return number(v, 64)
		case []byte:
			return ofMariaDBText(kind, v, now)
		}
		return rows.Of(rows.Text, fmt.Sprint(v))
	}
}

func ofMariaDBText(kind string, b []byte, now time.Time) rows.Value {
	text := string(b)
	switch kind {
	case "DECIMAL":
		return decimal(text)
	case "DATE":
		return timed(rows.Date, text, dateForm, time.DateOnly)
	case "TIME":
		return timed(rows.Time, text, timeForm, time.TimeOnly)
	case "DATETIME":
		return timed(rows.DateTime, text, localForm, time.DateTime)
	case "TIMESTAMP": // in the zone that ready has set
		if at, err := time.ParseInLocation(time.DateTime, text, time.FixedZone("", offset(now))); err == nil {
			return rows.Of(rows.DateTime, at.Format(time.RFC3339Nano))
		}
	case "BIT":
		n := uint64(0)
		for _, c := range b {
			n = n<<8 | uint64(c)
		}
		return rows.Of(rows.Decimal, strconv.FormatUint(n, 10))
	case "BINARY", "VARBINARY", "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "GEOMETRY":
		return hexadecimal(b)
	}
	return rows.Of(rows.Text, text)
}

func offset(t time.Time) int {
	_, seconds := t.Zone()
	return seconds / 60 * 60
}

// number writes a float as short as it can be told, without an exponent where people would not use one.
func number(f float64, bits int) rows.Value {
	form := byte('f')
	if a := max(f, -f); a >= 1e15 || a != 0 && a < 1e-6 {
		form = 'e'
	}
	return decimal(strconv.FormatFloat(f, form, -1, bits))
}

// scan takes the rows of database/sql. stop hangs up: closing rows that are not all read would read them.
func (j job) scan(found *sql.Rows, value func(kind string, v any) rows.Value, stop func()) error {
	defer found.Close()
	defer stop()
	types, err := found.ColumnTypes()
	if err != nil {
		return err
	}
	var names []string
	for _, t := range types {
		names = append(names, t.Name())
	}
	if err := j.columns(names); err != nil {
		return err
	}
	cells, into := make([]any, len(types)), make([]any, len(types))
	for i := range cells {
		into[i] = &cells[i]
	}
	for found.Next() {
		if err := found.Scan(into...); err != nil {
			return err
		}
		values := make([]rows.Value, len(cells))
		for i, v := range cells {
			values[i] = value(types[i].DatabaseTypeName(), v)
		}
		if err := j.row(values); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return found.Err()
}

// ofMariaDB is an error as a sentence; numbers are those of the server's error reference.
func (j job) ofMariaDB(err error, s server) error {
	var said *mysql.MySQLError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooLong), j.over.Load():
		return errTooLong
	case errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, driver.ErrBadConn):
		return place.Explain(io.ErrUnexpectedEOF, s.addr)
	case errors.Is(err, mysql.ErrNoTLS):
		return fmt.Errorf("%s does not encrypt, which the source asks for; switch TLS on there", s.addr)
	case errors.As(err, &said):
		switch said.Number {
		case 1044, 1045, 1698:
			return j.refused(s.addr)
		case 1049:
			return fmt.Errorf("%s has no database %q", s.addr, j.spec.Database)
		case 1969, 3024:
			return fmt.Errorf("%s ended the query at its deadline; ask for less, or raise refresh.timeout", s.addr)
		case 1792:
			return fmt.Errorf("its query would change the database; a source only reads (%s)", said.Message)
		}
		return fmt.Errorf("%s refuses the query: %s (error %d)", s.addr, said.Message, said.Number)
	}
	return place.Explain(err, s.addr)
}
