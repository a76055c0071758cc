package connect

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"vitrine/agent/connect/database"
	"vitrine/agent/connect/rows"
)

// question is what a database is asked.
type question struct {
	spec database.Spec
	env  database.Env
}

// plainName is a table's name that needs no quotes in any database.
var plainName = regexp.MustCompile(`^[\pL_][\pL\pN_$.]*$`)

func (e errandOf) question() (origin, error) {
	l := e.spec.Location
	q := question{spec: database.Spec{Driver: l.Type, Host: l.Host, Port: l.Port, Database: l.Database, TLS: l.TLS, Secret: l.SecretName(), Query: e.spec.SQL},
		env: database.Env{Secret: e.secret, Deny: e.deny, Held: e.held, Asker: e.name, Child: e.child}}
	switch l.Type {
	case "postgresql":
		q.spec.Driver = "postgres"
	case "sqlite":
		q.spec.File = l.Path
	case "odbc":
		q.spec.File, q.spec.ODBC = l.Path, database.ODBC{Driver: l.Driver, DSN: l.DSN, Fields: l.Options}
	}
	if q.spec.Query == "" {
		if !plainName.MatchString(e.spec.Table) {
			return nil, fmt.Errorf("its table %.60q is no plain name; write sql: SELECT … with the name in the database's own quotes", e.spec.Table)
		}
		q.spec.Query = "SELECT * FROM " + e.spec.Table
	}
	var err error
	q.spec.CA, err = e.authority()
	return q, err
}

func (q question) fetch(ctx context.Context, most bounds, step func(Step)) (rows.Table, error) {
	begun := time.Now()
	q.env.Now = most.now
	t, err := database.Query(ctx, q.spec, q.env, database.Limits{Rows: most.rows, Bytes: most.bytes})
	step(Step{Name: "ask", Took: time.Since(begun), Rows: len(t.Rows)})
	if err != nil && ctx.Err() != nil && !errors.Is(err, context.DeadlineExceeded) {
		err = classed{err, Late}
	}
	return t, err
}
