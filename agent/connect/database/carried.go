package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"vitrine/agent/connect/rows"
)

// QueryBytes asks a database that is a file of some share or server, whose bytes the player has fetched: drivers read files
// only from a disk. It lies there, for the player's user alone, while it is asked. Spec's driver is sqlite, or odbc with one
// that reads files (MDBTools, for Access); File is not used.
func QueryBytes(ctx context.Context, b []byte, spec Spec, env Env, limits Limits) (rows.Table, error) {
	if spec.Driver != "sqlite" && (spec.Driver != "odbc" || spec.ODBC.Driver == "") {
		return rows.Table{}, fmt.Errorf("its database driver %q does not read files; write sqlite, or odbc with a driver that does", spec.Driver)
	}
	dir, err := os.MkdirTemp(env.Dir, "vitrine-database-")
	if err != nil {
		return rows.Table{}, fmt.Errorf("keep the database while it is asked: %w", err)
	}
	defer os.RemoveAll(dir)
	spec.File = filepath.Join(dir, "database")
	if err := os.WriteFile(spec.File, b, 0o600); err != nil {
		return rows.Table{}, fmt.Errorf("keep the database while it is asked: %w", err)
	}
	env.Deny = ""
	table, err := Query(ctx, spec, env, limits)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = errors.New("the database was taken away while it was asked; it is asked again soon")
	case err != nil && strings.Contains(err.Error(), spec.File): // a name that nobody knows, and another each time
		err = errors.New(strings.ReplaceAll(err.Error(), spec.File, "the file"))
	}
	return table, err
}
