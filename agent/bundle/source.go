package bundle

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"vitrine/render/scene"
)

// SourceSpec configures a data connector (agent/connect); secrets are only named. Which fields a type has is in
// SourceFields, which kinds of location in SourceLocations.
type SourceSpec struct {
	Type     string    `json:"type"`
	Location Location  `json:"location"`
	Refresh  Refresh   `json:"refresh,omitzero"`
	Keep     Keep      `json:"keep,omitzero"`
	Limits   RowLimits `json:"limits,omitzero"`

	// How a text is read, and what its dates and numbers mean.
	Charset string `json:"charset,omitempty"` // of text that is neither UTF-8 nor UTF-16
	Locale  string `json:"locale,omitempty"`  // BCP 47, "fr-FR": of numbers, dates and the order of words; "" = the bundle's
	Zone    string `json:"zone,omitempty"`    // IANA: of times that name none; "" = the player's

	Separator string `json:"separator,omitempty"` // delimited: between columns; lines-with-dates: behind the date
	Header    *bool  `json:"header,omitempty"`    // the first row names the columns; nil = true
	HeaderRow int    `json:"headerRow,omitempty"` // spreadsheets: which row names the columns, from 1 in the range; 0 = 1
	Sheet     string `json:"sheet,omitempty"`     // spreadsheets: name, or number from 1; "" = the first
	Range     string `json:"range,omitempty"`     // spreadsheets: "A1:D20" or a name that the file defines
	Cells     string `json:"cells,omitempty"`     // spreadsheets: values = all typed, shown = all as the program shows them; "" = typed, but percent and money as shown
	XPath     string `json:"xpath,omitempty"`     // xml: the nodes that are rows; "" = the elements that repeat below the root
	// Namespaces are those that prefixes in XPath stand for, whatever the document calls them: {g: "http://…"}; none = its own prefixes.
	Namespaces map[string]string `json:"namespaces,omitempty"`
	Query      string            `json:"query,omitempty"`    // json: a jq program that gives the rows
	Path       string            `json:"path,omitempty"`     // json: where the rows are, a dotted path; instead of Query
	Table      string            `json:"table,omitempty"`    // access, odbc: a whole table; instead of SQL
	SQL        string            `json:"sql,omitempty"`      // sql, odbc, access: what to ask; it is only let read
	Calendar   string            `json:"calendar,omitempty"` // caldav, google, graph, domino: which; "" = the account's own
	Mailbox    string            `json:"mailbox,omitempty"`  // exchange, graph: whose calendar, an address; "" = the account's own
	Window     Window            `json:"window,omitzero"`    // calendars: events around now
	Pattern    string            `json:"pattern,omitempty"`  // folder: names, such as "*.jpg"; "" = all
	Depth      int               `json:"depth,omitempty"`    // folder: levels below; 0 = 8
	Stops      []string          `json:"stops,omitempty"`    // gtfs: identifiers or names of the stops whose departures are the rows
	Routes     []string          `json:"routes,omitempty"`   // gtfs: short names or identifiers of lines; none = all

	// What becomes of the rows, in this order.
	Map      []RowColumn `json:"map,omitempty"` // none = the source's own columns
	Filter   string      `json:"filter,omitempty"`
	Sort     []SortKey   `json:"sort,omitempty"`
	Limit    int         `json:"limit,omitempty"` // rows; 0 = all
	Page     RowPage     `json:"page,omitzero"`
	Pictures Pictures    `json:"pictures,omitzero"`
}

// Location is where a source is.
type Location struct {
	Type  string `json:"type"`
	Host  string `json:"host,omitempty"`  // smb, sftp, databases
	Port  int    `json:"port,omitempty"`  // 0 = the protocol's own
	Share string `json:"share,omitempty"` // smb
	Path  string `json:"path,omitempty"`  // nfs: where the system has mounted it
	URL   string `json:"url,omitempty"`
	// Hosts are those besides the URL's own that a redirect may lead to.
	Hosts    []string `json:"hosts,omitempty"`
	Database string   `json:"database,omitempty"`
	TLS      string   `json:"tls,omitempty"` // databases: verify (also ""), required (any certificate), off (this machine alone)
	// CA is the bundle's file with the certificate (PEM) of the authority that the server's is from; "" = the system's.
	CA        string            `json:"ca,omitempty"`
	Encrypted bool              `json:"encrypted,omitempty"` // smb: refuse a share that does not encrypt
	HostKey   string            `json:"hostKey,omitempty"`   // sftp: fingerprint of the server's key, "SHA256:…"
	Driver    string            `json:"driver,omitempty"`    // odbc: as odbcinst.ini names it
	DSN       string            `json:"dsn,omitempty"`       // odbc: as odbc.ini names it; instead of Driver
	Options   map[string]string `json:"options,omitempty"`   // odbc: further words of the connection string
	Auth      *Auth             `json:"auth,omitempty"`
	Secret    string            `json:"secret,omitempty"` // as bundles of old name Auth.Secret
}

// Auth is how a source proves who asks.
type Auth struct {
	Secret string `json:"secret"`           // the name of a secret that the player holds
	Scheme string `json:"scheme,omitempty"` // http, https, webdav: basic, bearer, digest; "" = bearer for a secret with a token, else basic
}

// SecretName is the secret that a location needs; "" = none.
func (l Location) SecretName() string {
	if l.Auth != nil {
		return l.Auth.Secret
	}
	return l.Secret
}

// Refresh says when a source is read again.
type Refresh struct {
	Every    scene.Duration `json:"every,omitempty"`   // 0 = 5m
	Jitter   scene.Duration `json:"jitter,omitempty"`  // added at random, up to this
	Timeout  scene.Duration `json:"timeout,omitempty"` // 0 = 20s
	OnChange bool           `json:"onChange,omitempty"`
}

// Keep says what happens to rows that can no longer be renewed.
type Keep struct {
	StaleAfter  scene.Duration `json:"staleAfter,omitempty"`
	MaxAge      scene.Duration `json:"maxAge,omitempty"`
	WhenExpired string         `json:"whenExpired,omitempty"` // hide (the default), show, fallback
}

// RowLimits bound what a source may give.
type RowLimits struct {
	Rows  int   `json:"rows,omitempty"`  // 0 = 2000
	Bytes int64 `json:"bytes,omitempty"` // 0 = 16 MiB
}

// Window is a stretch of time around now.
type Window struct {
	Before scene.Duration `json:"before,omitempty"` // 0 = 168h
	After  scene.Duration `json:"after,omitempty"`  // 0 = 336h
}

// RowColumn is a column of the rows that zones see: one of the source's, or a computed one.
type RowColumn struct {
	Name   string `json:"name"`
	From   string `json:"from,omitempty"`   // the source's column; "" and no Expr = Name
	Expr   string `json:"expr,omitempty"`   // computed from the source's columns and those before; instead of From
	Type   string `json:"type,omitempty"`   // text, decimal, bool, date, time, datetime, url; "" = as the source has it
	Format string `json:"format,omitempty"` // date, time, datetime: how 2 January 2006, 15:04:05 is written in the source
	Locale string `json:"locale,omitempty"` // "" = the source's
	Show   string `json:"show,omitempty"`   // how it is shown: dates as in Format, numbers like "0.00 €"; "" = as usual in the locale
}

// SortKey is what rows are ordered by; rows without a value come last.
type SortKey struct {
	By         string `json:"by"`
	Descending bool   `json:"descending,omitempty"`
}

// RowPage is how many rows tables and cards that say nothing themselves show at a time.
type RowPage struct {
	Rows  int            `json:"rows,omitempty"`
	Every scene.Duration `json:"every,omitempty"`
}

// Pictures are those that rows name by an address: the player fetches them, from these hosts alone.
type Pictures struct {
	Columns []string `json:"columns,omitempty"`
	Hosts   []string `json:"hosts,omitempty"` // host or host:port
	Bytes   int64    `json:"bytes,omitempty"` // of one picture; 0 = 4 MiB
}

// fileLocations hold bytes.
var fileLocations = []string{"bundle", "file", "https", "http", "smb", "nfs", "webdav", "sftp"}

// SourceLocations says which types of location each type of source can be at.
func SourceLocations() map[string][]string {
	m := map[string][]string{"folder": {"file", "smb", "nfs", "webdav", "sftp"}, "odbc": {"odbc"},
		"sql": append([]string{"postgresql", "mysql", "mariadb", "sqlserver", "sqlite"}, fileLocations...)} // a file of SQLite's
	for _, t := range []string{"text", "lines-with-dates", "delimited", "rtf", "xlsx", "xls", "ods", "feed", "xml", "json", "access", "ical", "gtfs"} {
		m[t] = fileLocations
	}
	for _, t := range []string{"caldav", "exchange", "graph", "google", "domino"} {
		m[t] = []string{"https", "http"}
	}
	return m
}

// SourceTypes are all types of source, sorted.
func SourceTypes() []string { return slices.Sorted(maps.Keys(SourceLocations())) }

// SourceFields says which types of source have a field that not all have.
func SourceFields() map[string][]string {
	sheets, calendars := []string{"xlsx", "xls", "ods"}, []string{"ical", "caldav", "exchange", "graph", "google", "domino"}
	return map[string][]string{
		"separator":  {"delimited", "lines-with-dates"},
		"header":     {"delimited", "rtf", "xlsx", "xls", "ods"},
		"charset":    {"text", "lines-with-dates", "delimited", "feed", "json", "xml", "rtf", "xls", "ical", "access", "gtfs"},
		"headerRow":  sheets,
		"sheet":      sheets,
		"range":      sheets,
		"cells":      sheets,
		"xpath":      {"xml"},
		"namespaces": {"xml"},
		"query":      {"json"},
		"path":       {"json"},
		"table":      {"access", "odbc"},
		"sql":        {"sql", "odbc", "access"},
		"calendar":   {"caldav", "google", "graph", "domino"},
		"mailbox":    {"exchange", "graph"},
		"window":     calendars,
		"pattern":    {"folder"},
		"depth":      {"folder"},
		"stops":      {"gtfs"},
		"routes":     {"gtfs"},
	}
}

// LocationFields says which types of location have a field, and which of those need it.
func LocationFields() (has, needs map[string][]string) {
	databases, addresses := []string{"postgresql", "mysql", "mariadb", "sqlserver"}, []string{"https", "http", "webdav"}
	hosts, odbc := slices.Concat([]string{"smb", "sftp"}, databases), []string{"odbc"}
	return map[string][]string{
			"path":      {"bundle", "file", "smb", "nfs", "sftp", "sqlite", "odbc"},
			"url":       addresses,
			"hosts":     addresses,
			"host":      slices.Concat(hosts, odbc),
			"port":      slices.Concat(hosts, odbc),
			"share":     {"smb"},
			"encrypted": {"smb"},
			"database":  slices.Concat(databases, odbc),
			"tls":       databases,
			"ca":        slices.Concat([]string{"https", "webdav"}, databases),
			"hostKey":   {"sftp"},
			"driver":    odbc,
			"dsn":       odbc,
			"options":   odbc,
			"auth":      slices.Concat(addresses, hosts, odbc),
			"secret":    {"https", "http"},
		}, map[string][]string{
			"path":     {"bundle", "file", "smb", "nfs", "sftp", "sqlite"},
			"url":      addresses,
			"host":     hosts,
			"share":    {"smb"},
			"database": databases,
			"hostKey":  {"sftp"},
			"auth":     databases,
		}
}

// HasAddress says that sources of a type are at an address that everyone knows, and need not name one.
func HasAddress(of string) bool { return of == "graph" || of == "google" }

// Given names the fields of a source that not all types have and that are written.
func (s SourceSpec) Given() []string {
	return given(map[string]bool{"separator": s.Separator != "", "header": s.Header != nil, "charset": s.Charset != "", "headerRow": s.HeaderRow != 0,
		"sheet": s.Sheet != "", "range": s.Range != "", "cells": s.Cells != "", "xpath": s.XPath != "", "namespaces": len(s.Namespaces) > 0, "query": s.Query != "", "path": s.Path != "",
		"table": s.Table != "", "sql": s.SQL != "", "calendar": s.Calendar != "", "mailbox": s.Mailbox != "", "window": s.Window != Window{},
		"pattern": s.Pattern != "", "depth": s.Depth != 0, "stops": len(s.Stops) > 0, "routes": len(s.Routes) > 0})
}

// Given names the fields of a location, besides its type, that are written.
func (l Location) Given() []string {
	return given(map[string]bool{"path": l.Path != "", "url": l.URL != "", "hosts": len(l.Hosts) > 0, "host": l.Host != "", "port": l.Port != 0,
		"share": l.Share != "", "database": l.Database != "", "tls": l.TLS != "", "hostKey": l.HostKey != "", "ca": l.CA != "", "encrypted": l.Encrypted, "driver": l.Driver != "", "dsn": l.DSN != "",
		"options": len(l.Options) > 0, "auth": l.Auth != nil, "secret": l.Secret != ""})
}

func given(has map[string]bool) []string {
	var names []string
	for name, is := range has {
		if is {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func (m *Manifest) validateSources() error {
	if len(m.Sources) > maxSources {
		return fmt.Errorf("it has %d sources; %d are the most", len(m.Sources), maxSources)
	}
	for _, id := range slices.Sorted(maps.Keys(m.Sources)) {
		if !name.MatchString(id) {
			return fmt.Errorf("a source's name %q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"", id)
		}
		if err := m.Sources[id].validate(m.Files); err != nil {
			return fmt.Errorf("source %q: %w", id, err)
		}
	}
	return nil
}

// Bounds of a bundle's sources.
const (
	maxSources = 200
	maxMap     = 200  // columns of a source's map
	maxSorts   = 16   // keys of a source's order
	maxExpr    = 2000 // bytes of an expression
	maxQuery   = 20_000
	maxLimit   = 1_000_000 // rows
	maxNames   = 50        // namespaces of a source
)

func (s SourceSpec) validate(files map[string]Digest) error {
	places, known := SourceLocations()[s.Type]
	switch {
	case !known:
		return fmt.Errorf("its type %q is not one of %s", s.Type, strings.Join(SourceTypes(), ", "))
	case s.Separator != "" && s.Type == "delimited" && utf8.RuneCountInString(s.Separator) != 1:
		return fmt.Errorf("its separator %q is not one character", s.Separator)
	case len(s.Separator) > 20:
		return errors.New("its separator is longer than 20 bytes")
	case !slices.Contains([]string{"", "hide", "show", "fallback"}, s.Keep.WhenExpired):
		return fmt.Errorf("whenExpired %q is not hide, show or fallback", s.Keep.WhenExpired)
	case s.Limits.Rows < 0 || s.Limits.Bytes < 0 || s.Pictures.Bytes < 0:
		return errors.New("its limits are negative")
	case !slices.Contains(places, s.Location.Type):
		return fmt.Errorf("its location's type %q is not %s", s.Location.Type, strings.Join(places, ", "))
	}
	has, fields := SourceFields(), s.Given()
	for _, field := range fields {
		if !slices.Contains(has[field], s.Type) {
			return fmt.Errorf("a source of type %s has no %s", s.Type, field)
		}
	}
	return errors.Join(s.Location.validate(files, s.Type), s.validateRows())
}

func (l Location) validate(files map[string]Digest, of string) error {
	has, needs := LocationFields()
	fields := l.Given()
	for _, field := range fields {
		if !slices.Contains(has[field], l.Type) {
			return fmt.Errorf("a location of type %s has no %s", l.Type, field)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(needs)) {
		if slices.Contains(needs[field], l.Type) && !slices.Contains(fields, field) && !(field == "url" && HasAddress(of)) {
			return fmt.Errorf("its location has no %s", field)
		}
	}
	scheme := map[string][]string{"http": {"http://"}, "https": {"https://"}, "webdav": {"https://", "http://"}}[l.Type]
	switch {
	case scheme != nil && l.URL != "" && !slices.ContainsFunc(scheme, func(s string) bool { return strings.HasPrefix(l.URL, s) }):
		return fmt.Errorf("its URL %q does not begin with %s", l.URL, scheme[0])
	case l.Port < 0 || l.Port > 65535:
		return fmt.Errorf("its port %d is not within 1 to 65535", l.Port)
	case !slices.Contains([]string{"", "verify", "required", "off"}, l.TLS):
		return fmt.Errorf("its tls %q is not verify, required or off", l.TLS)
	case l.Type == "odbc" && (l.Driver == "") == (l.DSN == ""):
		return errors.New("its location has not exactly one of driver and dsn")
	case strings.ContainsAny(l.Host, "/@ ") || strings.ContainsAny(l.Driver+l.DSN, ";{}"):
		return errors.New("its location's host, driver or dsn has a character that it cannot have")
	case l.Auth != nil && l.Auth.Secret == "":
		return errors.New("its auth names no secret")
	case l.Auth != nil && !slices.Contains([]string{"", "basic", "bearer", "digest"}, l.Auth.Scheme):
		return fmt.Errorf("its auth's scheme %q is not basic, bearer or digest", l.Auth.Scheme)
	}
	if _, ok := files[l.CA]; l.CA != "" && !ok {
		return fmt.Errorf("its certificate authority %q is not in the bundle", l.CA)
	}
	if _, ok := files[l.Path]; l.Type == "bundle" && !ok {
		return fmt.Errorf("its file %q is not in the bundle", l.Path)
	}
	return nil
}

var namespacePrefix = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)

// IsPrefix says whether a prefix can be bound to a namespace: a name of plain letters without a colon, and not xml, which
// is bound already (Namespaces in XML, 3).
func IsPrefix(s string) bool { return namespacePrefix.MatchString(s) && !strings.EqualFold(s, "xml") }

// validateRows checks what becomes of the rows; that expressions can be read is for who runs them.
func (s SourceSpec) validateRows() error {
	switch {
	case len(s.Map) > maxMap || len(s.Sort) > maxSorts || len(s.Filter) > maxExpr:
		return fmt.Errorf("it has more than %d columns, %d keys to sort by or %d bytes of filter", maxMap, maxSorts, maxExpr)
	case len(s.SQL) > maxQuery || len(s.Query) > maxQuery || len(s.XPath) > maxQuery:
		return fmt.Errorf("its query has more than %d bytes", maxQuery)
	case len(s.Namespaces) > maxNames || len(s.Namespaces) > 0 && s.XPath == "":
		return fmt.Errorf("it binds more than %d namespaces, or some without an xpath that uses them", maxNames)
	case !slices.Contains([]string{"", "values", "shown"}, s.Cells):
		return fmt.Errorf("its cells %.40q are not values or shown", s.Cells)
	case s.Limit < 0 || s.Limit > maxLimit || s.Page.Rows < 0 || s.Page.Rows > 1000 || s.HeaderRow < 0 || s.Depth < 0 || s.Depth > 32:
		return errors.New("its limit, page, header row or depth is out of bounds")
	case len(s.Pictures.Columns) > 0 && len(s.Pictures.Hosts) == 0:
		return errors.New("its pictures name no hosts that they may come from")
	}
	for prefix, of := range s.Namespaces {
		if !IsPrefix(prefix) || of == "" || len(of) > 2000 {
			return fmt.Errorf("its namespace %.60q: %.60q is not a prefix of up to 64 letters, digits, \"_\" or \"-\" with the address that it stands for", prefix, of)
		}
	}
	seen := map[string]bool{}
	for _, c := range s.Map {
		switch {
		case c.Name == "" || len(c.Name) > 200 || seen[c.Name]:
			return fmt.Errorf("a column's name %.60q is missing, doubled or too long", c.Name)
		case c.From != "" && c.Expr != "":
			return fmt.Errorf("column %.60q has both from and expr", c.Name)
		case !slices.Contains([]string{"", "text", "decimal", "bool", "date", "time", "datetime", "url"}, c.Type):
			return fmt.Errorf("column %.60q: its type %q is not text, decimal, bool, date, time, datetime or url", c.Name, c.Type)
		case len(c.Expr) > maxExpr || len(c.Format) > 200 || len(c.Show) > 200:
			return fmt.Errorf("column %.60q: its expression, format or show is too long", c.Name)
		}
		seen[c.Name] = true
	}
	for _, k := range s.Sort {
		if k.By == "" {
			return errors.New("a key to sort by names no column")
		}
	}
	return nil
}
