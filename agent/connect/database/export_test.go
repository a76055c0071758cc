package database

import "time"

// PrepareForTest lets tests see what becomes of a query.
func PrepareForTest(query string) (string, error) { return prepare(query, time.Unix(0, 0).UTC()) }
