package connect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect/rows"
)

// kept are the last good rows of a source, as they were read.
type kept struct {
	rows.Table
	fetched time.Time
	changed time.Time
	version string
}

// onDisk is how rows are written: one text a cell, its first letter the kind.
type onDisk struct {
	Columns   []string  `json:"columns"`
	Cells     []string  `json:"cells,omitempty"`
	Rows      [][]Value `json:"rows,omitempty"` // as players of old wrote them
	FetchedAt time.Time `json:"fetchedAt"`
	Changed   time.Time `json:"changed,omitzero"`
	Version   string    `json:"version"`
	Truncated bool      `json:"truncated,omitempty"`
}

var letters = map[rows.Kind]byte{rows.Null: 'n', rows.Text: 't', rows.Decimal: 'd', rows.Bool: 'b', rows.Date: 'D', rows.Time: 'T', rows.DateTime: 'Z', rows.URL: 'u'}

func (k kept) bytes() ([]byte, error) {
	d := onDisk{Columns: k.Columns, Cells: make([]string, 0, len(k.Rows)*len(k.Columns)), FetchedAt: k.fetched, Changed: k.changed, Version: k.version, Truncated: k.Truncated}
	for _, row := range k.Rows {
		for _, v := range row {
			d.Cells = append(d.Cells, string(letters[v.Kind])+v.Text)
		}
	}
	return json.Marshal(d)
}

var errDamaged = errors.New("the kept rows are damaged")

func keptOf(b []byte) (kept, error) {
	var d onDisk
	if err := json.Unmarshal(b, &d); err != nil {
		return kept{}, err
	}
	k := kept{Table: rows.Table{Columns: d.Columns, Rows: d.Rows, Truncated: d.Truncated}, fetched: d.FetchedAt, changed: d.Changed, version: d.Version}
	kinds := map[byte]rows.Kind{}
	for kind, letter := range letters {
		kinds[letter] = kind
	}
	wide := len(d.Columns)
	if wide == 0 && len(d.Cells) > 0 || wide > 0 && len(d.Cells)%wide != 0 {
		return kept{}, errDamaged
	}
	cells := make([]Value, len(d.Cells))
	for i, c := range d.Cells {
		if c == "" || kinds[c[0]] == "" {
			return kept{}, errDamaged
		}
		cells[i] = Value{Kind: kinds[c[0]], Text: c[1:]}
	}
	for i := 0; i < len(cells); i += wide {
		k.Rows = append(k.Rows, cells[i:i+wide:i+wide])
	}
	for _, row := range k.Rows {
		if len(row) != wide {
			return kept{}, errDamaged
		}
	}
	return k, nil
}

// keyOf names rows by what they were read from and how: what only says how they are shown, or when they are read, is not in it.
func keyOf(name string, spec bundle.SourceSpec, file string) string {
	spec.Map, spec.Filter, spec.Sort, spec.Limit, spec.Page, spec.Pictures = nil, "", nil, 0, bundle.RowPage{}, bundle.Pictures{}
	spec.Refresh, spec.Keep = bundle.Refresh{}, bundle.Keep{}
	return name + ":" + hashOf(spec, file)
}

func hashOf(of ...any) string {
	b, err := json.Marshal(of)
	if err != nil {
		return "" // cannot be: plain data
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// limits are the ages at which rows are stale and expired; 0 = never.
func limits(spec bundle.SourceSpec) (stale, expired time.Duration) {
	stale = time.Duration(spec.Keep.StaleAfter)
	if stale == 0 {
		stale = 3 * max(time.Duration(spec.Refresh.Every), leastEvery)
		if spec.Refresh.Every == 0 {
			stale = 3 * defaultEvery
		}
	}
	return stale, time.Duration(spec.Keep.MaxAge)
}

// aged sets the marks of age.
func aged(r Result, spec bundle.SourceSpec, now time.Time) Result {
	stale, expired := limits(spec)
	age := now.Sub(r.FetchedAt)
	r.Stale = r.Err != "" || age > stale
	r.Expired = expired > 0 && age > expired
	return r
}

// untilOlder is when the marks of age change next.
func untilOlder(fetched time.Time, spec bundle.SourceSpec, now time.Time) time.Duration {
	stale, expired := limits(spec)
	age := now.Sub(fetched)
	next := 24 * time.Hour
	for _, limit := range []time.Duration{stale, expired} {
		if limit > 0 && age <= limit {
			next = min(next, limit-age+time.Millisecond)
		}
	}
	return next
}
