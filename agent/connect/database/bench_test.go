package database_test

import (
	"context"
	"fmt"
	"testing"

	"vitrine/agent/connect/database"
)

// BenchmarkFiftyThousandRows is beside what a person would use instead, in the same run.
func BenchmarkFiftyThousandRows(b *testing.B) {
	pg := "SELECT i AS id, i::numeric / 7 AS price, 'dish ' || i AS title, date '2026-01-01' + i % 365 AS day, i % 2 = 0 AS yes FROM generate_series(1, 50000) i"
	my := "SELECT seq AS id, seq / 7 AS price, concat('dish ', seq) AS title, date('2026-01-01') + interval seq % 365 day AS day, seq % 2 AS yes FROM seq_1_to_50000"
	viaODBC := func(s *database.Spec) { s.Driver, s.CA, s.ODBC.Driver = "odbc", nil, "PostgreSQL Unicode" }
	for _, c := range []struct {
		name string
		run  func() error
	}{
		{"PostgreSQL", many(onPostgres(pg))},
		{"PostgreSQL/psql", func() error { _, err := servers.postgres.Ask(pg); return err }},
		{"PostgreSQL/odbc", many(with(onPostgres(pg), viaODBC))},
		{"MariaDB", many(onMariaDB(my))},
		{"MariaDB/mariadb", func() error { _, err := servers.mariadb.Ask(my); return err }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := c.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func many(spec database.Spec) func() error {
	return func() error {
		t, err := database.Query(context.Background(), spec, env(), database.Limits{Rows: 50_000, Bytes: 64 << 20})
		if err == nil && len(t.Rows) != 50_000 {
			return fmt.Errorf("%d rows", len(t.Rows))
		}
		return err
	}
}
