package connect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect/format"
	"vitrine/agent/connect/gtfs"
	"vitrine/agent/connect/place"
	"vitrine/agent/connect/rows"
	"vitrine/agent/secret"
)

// origin is what a source's rows come from. It is for one goroutine.
type origin interface {
	// fetch reads once; place.ErrUnchanged says that the rows are those of the fetch before. Steps are told as they end.
	fetch(ctx context.Context, most bounds, step func(Step)) (rows.Table, error)
}

// bounds are how much a source may give.
type bounds struct {
	rows  int
	bytes int64
	zone  *time.Location
	now   time.Time
}

// Step is a part of a fetch: read, parse, list, ask, show, keep.
type Step struct {
	Name  string        `json:"step"`
	Took  time.Duration `json:"took"`
	Bytes int           `json:"bytes,omitempty"`
	Rows  int           `json:"rows,omitempty"`
}

func boundsOf(spec bundle.SourceSpec) bounds {
	b := bounds{rows: spec.Limits.Rows, bytes: spec.Limits.Bytes}
	if b.rows <= 0 {
		b.rows = defaultRows
	}
	if b.bytes <= 0 {
		b.bytes = defaultBytes
	}
	b.rows, b.bytes = min(b.rows, maxRows), min(b.bytes, maxBytes)
	return b
}

// errandOf is what an origin needs besides its configuration.
type errandOf struct {
	name   string // of the source
	spec   bundle.SourceSpec
	home   Home
	file   string                      // location bundle: the file on the disk
	find   func(string) (string, bool) // the file of a bundle path
	deny   string
	held   *place.Held
	secret func(name, host string) (secret.Secret, error)
	key    string
	child  string // the program vitrine-odbc; "" = beside the player's
}

// openOrigin is the switch over all types of source.
func openOrigin(e errandOf) (origin, error) {
	switch e.spec.Type {
	case "sql", "odbc":
		if l := e.spec.Location.Type; l == "file" || !isFile(l) {
			return e.question()
		}
	case "caldav", "exchange", "graph", "google", "domino":
		return e.diary()
	case "folder":
		at, err := e.place()
		return tree{at, e.spec.Pattern, cmp.Or(e.spec.Depth, 8)}, err
	}
	parse, err := parserOf(e.spec, e.home.Locale)
	if err != nil {
		return nil, err
	}
	at, err := e.place()
	return &file{at: at, parse: parse, held: e.held, key: "parse " + e.key, moves: e.spec.Type == "ical" || asksTime(e.spec.SQL)}, err
}

// place finds where the bytes or the folder are.
func (e errandOf) place() (place.Place, error) {
	l := e.spec.Location
	spec := place.Spec{Type: l.Type, Path: l.Path, URL: l.URL, Host: l.Host, Share: l.Share, Secret: l.SecretName(), HostKey: l.HostKey, Encrypted: l.Encrypted, Hosts: l.Hosts}
	if l.Port != 0 {
		spec.Host = net.JoinHostPort(l.Host, strconv.Itoa(l.Port))
	}
	if l.Auth != nil {
		spec.Auth = l.Auth.Scheme
	}
	var err error
	if spec.CA, err = e.authority(); err != nil {
		return nil, err
	}
	env := place.Env{Secret: e.secret, Deny: e.deny, Held: e.held, Asker: e.name}
	if l.Type == "bundle" {
		if e.file == "" {
			return nil, fmt.Errorf("its file %s is not whole on this player yet", l.Path)
		}
		spec, env.Deny = place.Spec{Type: "file", Path: e.file}, ""
	}
	return place.Open(spec, env)
}

// authority is the certificate that the location names.
func (e errandOf) authority() ([]byte, error) {
	name := e.spec.Location.CA
	if name == "" {
		return nil, nil
	}
	if e.find != nil {
		if on, ok := e.find(name); ok {
			return os.ReadFile(on)
		}
	}
	return nil, fmt.Errorf("its certificate %s is not whole on this player yet", name)
}

// file is bytes somewhere, in some format.
type file struct {
	at    place.Place
	parse parser
	held  *place.Held
	key   string
	moves bool   // the rows of the same bytes are others at another time
	last  []byte // where they are
}

// parser makes rows of bytes, as many as the bounds allow.
type parser func(ctx context.Context, b []byte, most bounds) (rows.Table, error)

func parserOf(spec bundle.SourceSpec, language string) (parser, error) {
	if spec.Type == "ical" {
		return func(_ context.Context, b []byte, most bounds) (rows.Table, error) {
			return events(b, spec.Window, most)
		}, nil
	}
	if spec.Type == "gtfs" {
		want := gtfs.Options{Stops: spec.Stops, Routes: spec.Routes}
		return func(ctx context.Context, b []byte, most bounds) (rows.Table, error) {
			return gtfs.Read(ctx, b, want, most.now)
		}, nil
	}
	if spec.Type == "sql" || spec.Type == "access" && spec.SQL != "" {
		return func(ctx context.Context, b []byte, most bounds) (rows.Table, error) {
			return carried(ctx, b, spec, most)
		}, nil
	}
	kind := map[string]string{"lines-with-dates": "dated"}[spec.Type]
	o := format.Options{Type: cmp.Or(kind, spec.Type), Charset: spec.Charset, Locale: cmp.Or(spec.Locale, language), Cells: spec.Cells, Separator: spec.Separator, Header: spec.Header, HeaderRow: spec.HeaderRow,
		Sheet: spec.Sheet, Range: spec.Range, XPath: spec.XPath, Namespaces: spec.Namespaces, Query: spec.Query, Path: spec.Path}
	if spec.Table != "" {
		o.Sheet = spec.Table
	}
	if err := format.Check(o); err != nil {
		return nil, err
	}
	return func(ctx context.Context, b []byte, most bounds) (rows.Table, error) {
		return format.Parse(ctx, o, b, most.rows)
	}, nil
}

func (f *file) fetch(ctx context.Context, most bounds, step func(Step)) (rows.Table, error) {
	begun := time.Now()
	b, err := f.at.Read(ctx, most.bytes)
	step(Step{Name: "read", Took: time.Since(begun), Bytes: len(b)})
	if errors.Is(err, place.ErrUnchanged) && f.last != nil {
		b, err = f.last, nil
	}
	if err != nil {
		return rows.Table{}, err
	}
	if f.moves {
		f.last = b
	}
	begun = time.Now()
	var t rows.Table
	err = f.held.Do(ctx, f.key, func() (err error) { // a parser that does not end must not hold the source up
		t, err = f.parse(ctx, b, most)
		return err
	})
	if err != nil {
		step(Step{Name: "parse", Took: time.Since(begun)})
		if classOf(err) == Late {
			return rows.Table{}, err
		}
		return rows.Table{}, classed{err, Unreadable}
	}
	step(Step{Name: "parse", Took: time.Since(begun), Rows: len(t.Rows)})
	return t, nil
}

// tree is a folder whose files are the rows.
type tree struct {
	at      place.Place
	pattern string
	depth   int
}

func (f tree) fetch(ctx context.Context, most bounds, step func(Step)) (rows.Table, error) {
	begun, count := time.Now(), most.rows
	if f.pattern != "" {
		count = maxRows
	}
	t, err := place.Tree(ctx, f.at, place.Bounds{Depth: f.depth - 1, Count: count, Zone: most.zone})
	if f.pattern != "" && err == nil {
		t.Rows = slices.DeleteFunc(t.Rows, func(row []Value) bool { return !f.wanted(t.Columns, row) })
		t.Truncated = t.Truncated || len(t.Rows) > most.rows
		t.Rows = t.Rows[:min(len(t.Rows), most.rows)]
	}
	step(Step{Name: "list", Took: time.Since(begun), Rows: len(t.Rows)})
	return t, err
}

// wanted says whether a name is as one of the patterns, "*.jpg|*.png".
func (f tree) wanted(columns []string, row []Value) bool {
	at := slices.Index(columns, "name")
	return at >= 0 && slices.ContainsFunc(strings.Split(strings.ToLower(f.pattern), "|"), func(pattern string) bool {
		is, err := path.Match(pattern, strings.ToLower(row[at].Text))
		return is && err == nil
	})
}

// spy notes which secrets a fetch has opened, so that none of them can be in what it says. A fetch that was left behind at
// its deadline may still open one.
type spy struct {
	open func(name, host string) (secret.Secret, error)

	mu   sync.Mutex
	seen []string
}

func (s *spy) secret(name, host string) (secret.Secret, error) {
	if s.open == nil {
		return secret.Secret{}, classed{fmt.Errorf("it needs the secret %q, which this player does not have", name), Refused}
	}
	got, err := s.open(name, host)
	if err != nil {
		return got, classed{err, Refused}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, got.Password, got.Token, got.Key)
	return got, nil
}

// clean is an error without what is secret, should a server have repeated it.
func (s *spy) clean(err error) error {
	if err == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	text := err.Error()
	for _, word := range s.seen {
		if len(word) >= 4 {
			text = strings.ReplaceAll(text, word, "(secret)")
		}
	}
	if text == err.Error() {
		return err
	}
	return classed{errors.New(text), classOf(err)}
}

// forget lets go of what the fetch has opened.
func (s *spy) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.seen)
	s.seen = nil
}
