package connect

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"strings"
	"time"

	"vitrine/agent/connect/pipeline"
)

// tongue is how a player speaks of times: in its zone and language.
type tongue struct {
	zone *time.Location
	lang string // "fr", "en"
}

// when is a point in time as people on the spot say it, without the year.
func (t tongue) when(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	if t.zone != nil {
		at = at.In(t.zone)
	}
	return at.Format("02/01 15:04")
}

// dataOf says of when rows are.
func (t tongue) dataOf(at time.Time) string {
	switch {
	case at.IsZero():
		return ""
	case strings.HasPrefix(t.lang, "fr"):
		return "données du " + t.when(at)
	}
	return "data of " + t.when(at)
}

// Class is a kind of fault: enough for whoever looks after many screens, and nothing of what is in the rows.
type Class string

// The kinds of fault.
const (
	Late        Class = "late"        // it did not answer in time
	Unreachable Class = "unreachable" // its server, share or file is not there
	Refused     Class = "refused"     // it wants another secret, or none is there
	TooLong     Class = "too long"    // it gives more than it may
	Unreadable  Class = "unreadable"  // what it gives is not what the bundle says
	Columns     Class = "columns"     // a column is missing
	Disk        Class = "disk"        // the rows cannot be kept
)

// In is the class in a language, "" for none.
func (c Class) In(lang string) string {
	if !strings.HasPrefix(lang, "fr") {
		return string(c)
	}
	return cmp.Or(map[Class]string{Late: "trop lent", Unreachable: "injoignable", Refused: "accès refusé", TooLong: "trop long", Unreadable: "illisible",
		Columns: "colonne absente", Disk: "disque"}[c], string(c))
}

// classed is an error whose class is known where it happens.
type classed struct {
	error
	class Class
}

func (c classed) Unwrap() error { return c.error }

func classOf(err error) Class {
	var known classed
	var missing *pipeline.MissingError
	var network net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &known):
		return known.class
	case errors.As(err, &missing):
		return Columns
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return Late
	}
	text := err.Error()
	for class, words := range map[Class][]string{Refused: {"secret", "answers 401", "answers 403", "refuses the", "may not read", "does not let them read"}, TooLong: {"longer than its limit"},
		Late: {"in time", "still hangs"}, Unreachable: {"cannot be reached"}} {
		for _, w := range words {
			if strings.Contains(text, w) {
				return class
			}
		}
	}
	var failed *net.OpError
	if errors.As(err, &failed) || errors.As(err, &network) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Unreachable
	}
	return Unreadable
}
