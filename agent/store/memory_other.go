//go:build !linux

package store

import (
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
)

// memoryDB opens a database in a temporary file without a name, filled with a copy of another one's bytes; nil = empty.
func memoryDB(b []byte) (*bbolt.DB, error) {
	db, err := bbolt.Open("memory", 0o600, &bbolt.Options{NoSync: true, OpenFile: func(string, int, os.FileMode) (*os.File, error) {
		f, err := os.CreateTemp("", "vitrine-")
		if err != nil {
			return nil, err
		}
		_, err = f.WriteAt(b, 0)
		return f, errors.Join(err, os.Remove(f.Name()))
	}})
	if err != nil {
		return nil, fmt.Errorf("open a temporary database: %w", err)
	}
	return db, nil
}

func bound(int, int64) {}
