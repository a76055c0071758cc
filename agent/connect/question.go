package connect

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"vitrine/agent/bundle"
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
	case "sqlite", "file":
		q.spec.Driver, q.spec.File = "sqlite", l.Path
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

// isFile says whether a location holds bytes: then a database there is a file.
func isFile(location string) bool {
	return slices.Contains(bundle.SourceLocations()["text"], location)
}

// carried asks a database that is a file of the bundle, of a share or of a server. Only drivers on a disk read Access.
func carried(ctx context.Context, b []byte, spec bundle.SourceSpec, most bounds) (rows.Table, error) {
	of := database.Spec{Driver: "sqlite", Query: spec.SQL}
	if spec.Type == "access" {
		of.Driver, of.ODBC.Driver = "odbc", "MDBTools"
	}
	return database.QueryBytes(ctx, b, of, database.Env{Now: most.now}, database.Limits{Rows: most.rows, Bytes: most.bytes})
}

// asksTime says whether a query may give others rows of the same file at another time: it names the player's date, or asks
// the database's own clock or chance (SQLite's 'now', current_date, date()). What is asked once too often gives the same rows.
func asksTime(query string) bool {
	q := strings.ToLower(strings.Join(strings.Fields(query), ""))
	return slices.ContainsFunc([]string{"$", "now", "current_", "()"}, func(word string) bool { return strings.Contains(q, word) })
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
