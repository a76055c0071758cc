package database

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"

	"vitrine/agent/connect/place"
	"vitrine/agent/connect/rows"
)

// sqlServer asks Microsoft SQL Server. It has no transactions that only read: what a query changes is taken back, and its
// user should be one that may only read.
func sqlServer(ctx context.Context, j job) error {
	s, err := j.reach(1433)
	if err != nil {
		return err
	}
	cfg := msdsn.Config{Host: s.host, Port: uint64(s.port), Database: j.spec.Database, User: s.secret.User, Password: s.secret.Password,
		Encryption: msdsn.EncryptionRequired, TLSConfig: s.tls, HostInCertificateProvided: true, ReadOnlyIntent: true, AppName: "vitrine",
		Workstation: "vitrine", DisableRetry: true, Protocols: []string{"tcp"}, Parameters: map[string]string{}, NoTraceID: true,
		TrustServerCertificate: j.spec.TLS == "required", DialTimeout: 15 * time.Second, KeepAlive: 30 * time.Second, PacketSize: 4096}
	if s.tls == nil {
		cfg.Encryption = msdsn.EncryptionDisabled
	} else {
		cfg.TLSConfig.DynamicRecordSizingDisabled = true // TLS within TDS packets: the server takes them whole
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	connector := mssql.NewConnectorConfig(cfg)
	connector.Dialer = dialFunc(j.dialer(ctx))
	db := sql.OpenDB(connector)
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return j.ofSQLServer(err, s)
	}
	defer conn.Close()
	defer stop() // hangs up, which takes back what the query may have changed
	// The end of ctx hangs up and is all that ends what follows: a wish of its own would leave the driver's reader with a
	// buffer that the next query is given (go-mssqldb 1.11.2, buf.go: bufpool).
	on := context.WithoutCancel(ctx)
	if _, err := conn.ExecContext(on, "SET LOCK_TIMEOUT "+strconv.FormatInt(left(ctx).Milliseconds(), 10)); err != nil {
		return j.ofSQLServer(err, s)
	}
	tx, err := conn.BeginTx(on, nil)
	if err != nil {
		return j.ofSQLServer(err, s)
	}
	defer func() { stop(); _ = tx.Rollback() }()
	found, err := tx.QueryContext(on, j.statement)
	if err == nil {
		err = j.scan(found, fromSQLServer, stop)
	}
	return j.ofSQLServer(err, s)
}

type dialFunc func(context.Context, string, string) (net.Conn, error)

func (d dialFunc) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return d(ctx, network, addr)
}

func fromSQLServer(kind string, v any) rows.Value {
	switch v := v.(type) {
	case nil:
		return null
	case int64:
		return rows.Of(rows.Decimal, strconv.FormatInt(v, 10))
	case float64:
		if kind == "REAL" {
			return number(v, 32)
		}
		return number(v, 64)
	case bool:
		return rows.Of(rows.Bool, strconv.FormatBool(v))
	case string:
		return rows.Of(rows.Text, v)
	case time.Time:
		switch kind {
		case "DATE":
			return rows.Of(rows.Date, v.Format(dateForm))
		case "TIME":
			return rows.Of(rows.Time, v.Format(timeForm))
		case "DATETIMEOFFSET":
			return rows.Of(rows.DateTime, v.Format(time.RFC3339Nano))
		}
		return rows.Of(rows.DateTime, v.Format(localForm))
	case []byte:
		switch kind {
		case "DECIMAL", "NUMERIC", "MONEY", "SMALLMONEY":
			return decimal(string(v))
		case "UNIQUEIDENTIFIER":
			var id mssql.UniqueIdentifier
			if id.Scan(v) == nil {
				return rows.Of(rows.Text, id.String())
			}
		}
		return hexadecimal(v)
	}
	return rows.Of(rows.Text, fmt.Sprint(v))
}

// ofSQLServer is an error as a sentence; numbers are those of sys.messages.
func (j job) ofSQLServer(err error, s server) error {
	var said mssql.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooLong), j.over.Load():
		return errTooLong
	case errors.As(err, &said):
		switch said.Number {
		case 18456, 18452, 18470, 18486, 18487, 18488:
			return j.refused(s.addr)
		case 4060:
			return fmt.Errorf("%s has no database %q for the secret %q", s.addr, j.spec.Database, j.spec.Secret)
		case 1222:
			return fmt.Errorf("the rows are locked by others on %s; they are asked for again soon", s.addr)
		}
		return fmt.Errorf("SQL Server at %s refuses the query: %s (error %d)", s.addr, said.Message, said.Number)
	}
	// The driver tells most of what went wrong on the way only in words.
	switch words := err.Error(); {
	case strings.Contains(words, "signed by unknown authority"):
		err = x509.UnknownAuthorityError{}
	case strings.Contains(words, "does not support encryption"):
		return fmt.Errorf("%s does not encrypt, which the source asks for; switch TLS on there", s.addr)
	case strings.Contains(words, "EOF"), strings.Contains(words, "reset by peer"), strings.Contains(words, "closed network connection"):
		err = io.ErrUnexpectedEOF
	}
	return place.Explain(err, s.addr)
}
