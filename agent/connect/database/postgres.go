package database

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"vitrine/agent/connect/place"
	"vitrine/agent/connect/rows"
)

// postgres asks PostgreSQL. Values come as the server writes them, as psql shows them.
func postgres(ctx context.Context, j job) error {
	s, err := j.reach(5432)
	if err != nil {
		return err
	}
	// The configuration can only be made by reading one, which looks at the environment: all that counts is set below.
	cfg, err := pgconn.ParseConfig("sslmode=disable host=localhost user=x password=x")
	if err != nil {
		return errors.New("the environment of the player sets PG… variables that cannot be read; take them out")
	}
	cfg.Host, cfg.Port, cfg.Database, cfg.User, cfg.Password = s.host, uint16(s.port), j.spec.Database, s.secret.User, s.secret.Password
	cfg.TLSConfig, cfg.Fallbacks, cfg.SSLNegotiation = s.tls, nil, ""
	cfg.KerberosSrvName, cfg.KerberosSpn, cfg.ValidateConnect, cfg.AfterConnect = "", "", nil, nil
	cfg.ChannelBinding, cfg.MinProtocolVersion, cfg.MaxProtocolVersion = "prefer", "", ""
	cfg.DialFunc, cfg.ConnectTimeout = j.dialer(ctx), 15*time.Second
	cfg.MaxProtocolMessageBodyLen = int(min(2*j.limits.Bytes+1<<20, 1<<30))
	if cfg.RequireAuth = ""; j.spec.TLS == "required" {
		cfg.RequireAuth = "!password" // whoever answers is not known: it must not hear the password
	}
	cfg.RuntimeParams = map[string]string{"client_encoding": "UTF8", "datestyle": "ISO", "intervalstyle": "postgres", "timezone": zone(j.env.Now),
		"default_transaction_read_only": "on", "statement_timeout": strconv.FormatInt(left(ctx).Milliseconds(), 10), "application_name": "vitrine",
		"extra_float_digits": "1", "bytea_output": "hex"}
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return j.ofPostgres(err, s)
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(stop)
	}()
	if _, err := conn.Exec(ctx, "BEGIN READ ONLY").ReadAll(); err != nil {
		return j.ofPostgres(err, s)
	}
	return j.ofPostgres(j.readPostgres(conn.ExecParams(ctx, j.statement, nil, nil, nil, nil)), s)
}

func (j job) readPostgres(r *pgconn.ResultReader) error {
	var names []string
	var kinds []uint32
	for _, f := range r.FieldDescriptions() {
		names, kinds = append(names, f.Name), append(kinds, f.DataTypeOID)
	}
	if len(names) > 0 {
		if err := j.columns(names); err != nil {
			return err
		}
	}
	for r.NextRow() {
		values := make([]rows.Value, len(kinds))
		for i, b := range r.Values() {
			if values[i] = null; b != nil {
				values[i] = fromPostgres(kinds[i], string(b))
			}
		}
		if err := j.row(values); errors.Is(err, errEnough) {
			return nil // closing the connection ends the query
		} else if err != nil {
			return err
		}
	}
	_, err := r.Close()
	if err == nil && len(names) == 0 {
		return j.columns(nil)
	}
	return err
}

// fromPostgres makes a value of a column's text; kinds are those of pg_type.h.
func fromPostgres(oid uint32, text string) rows.Value {
	switch oid {
	case 16:
		return rows.Of(rows.Bool, strconv.FormatBool(text == "t"))
	case 20, 21, 23, 26, 700, 701, 1700:
		return decimal(text)
	case 1082:
		return timed(rows.Date, text, dateForm, time.DateOnly)
	case 1083:
		return timed(rows.Time, text, timeForm, time.TimeOnly)
	case 1114:
		return timed(rows.DateTime, text, localForm, time.DateTime)
	case 1184:
		if i := strings.LastIndexAny(text, "+-"); i > 0 && strings.Count(text[i:], ":") == 2 { // before there were zones, by the second
			if at, err := time.Parse("2006-01-02 15:04:05Z07:00:00", text); err == nil {
				return rows.Of(rows.DateTime, at.UTC().Format(time.RFC3339Nano))
			}
		}
		return timed(rows.DateTime, text, time.RFC3339Nano, "2006-01-02 15:04:05Z07", "2006-01-02 15:04:05Z07:00")
	}
	return rows.Of(rows.Text, text)
}

// ofPostgres is an error as a sentence. What pgx puts before it names the user; what a server says is its own words.
func (j job) ofPostgres(err error, s server) error {
	var said *pgconn.PgError
	var connect *pgconn.ConnectError
	var long *pgproto3.ExceededMaxBodyLenErr
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooLong), errors.As(err, &long), j.over.Load():
		return errTooLong
	case errors.As(err, &said):
		switch said.Code {
		case "28P01", "28000":
			return j.refused(s.addr)
		case "3D000":
			return fmt.Errorf("%s has no database %q", s.addr, j.spec.Database)
		case "57014":
			return fmt.Errorf("%s ended the query at its deadline; ask for less, or raise refresh.timeout", s.addr)
		case "25006":
			return fmt.Errorf("its query would change the database; a source only reads (%s)", said.Message)
		}
		return fmt.Errorf("PostgreSQL at %s refuses the query: %s (SQLSTATE %s)", s.addr, said.Message, said.Code)
	case errors.As(err, &connect):
		if said := connect.Unwrap(); said != nil {
			err = said
		}
	}
	return place.Explain(err, s.addr)
}

// zone is a time zone as servers know it.
func zone(now time.Time) string {
	if name := now.Location().String(); name != "Local" && name != "" {
		return name
	}
	return "UTC"
}

// left is the time until the deadline, never 0: that would mean none.
func left(ctx context.Context) time.Duration {
	end, ok := ctx.Deadline()
	if !ok {
		return maxTime
	}
	return max(time.Until(end), time.Millisecond)
}
