package folder

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"vitrine/agent/bundle"
	"vitrine/agent/connect/format"
	"vitrine/agent/connect/pipeline"
)

// source checks that a source is defined.
func (l *loader) source(pointer, id string) {
	if _, ok := l.doc.Sources[id]; id == "" || ok {
		return
	}
	names := slices.Sorted(maps.Keys(l.doc.Sources))
	fix := "define it under sources:"
	if near := nearest(id, names); near != "" {
		fix = fmt.Sprintf("write %s", near)
	} else if len(names) > 0 {
		fix += " or write one of " + strings.Join(names, ", ")
	}
	l.fault(pointer, false, fmt.Sprintf("there is no source %q", short(id)), fix)
}

// checkSource finds what the schema cannot say of a source.
func (l *loader) checkSource(pointer string, s bundle.SourceSpec) {
	if s.Type == "" || s.Location.Type == "" {
		return // the schema has said so
	}
	l.sourceFields(pointer, s)
	l.zoneName(pointer+"/zone", s.Zone)
	if _, err := htmlindex.Get(s.Charset); s.Charset != "" && err != nil {
		l.fault(pointer+"/charset", false, fmt.Sprintf("the charset %q is not known", short(s.Charset)), "write utf-8, windows-1252, iso-8859-1 or utf-16le")
	}
	if s.Type == "delimited" && s.Separator != "" && utf8.RuneCountInString(s.Separator) != 1 {
		l.fault(pointer+"/separator", false, fmt.Sprintf("the separator %q is not one character", short(s.Separator)), `write ";", "," or "\t"`)
	}
	if time.Duration(s.Refresh.Timeout) > 5*time.Minute {
		l.fault(pointer+"/refresh/timeout", false, "a source has five minutes at most", "write timeout: 5m or less")
	}
	l.question(pointer, s)
	l.location(pointer+"/location", s)
	l.columns(pointer, s)
	for _, f := range pipeline.Check(s) {
		if f.Pointer != "/zone" { // said above
			l.fault(pointer+f.Pointer, false, f.Message, f.Fix)
		}
	}
}

// sourceFields finds fields that belong to other types of source or location.
func (l *loader) sourceFields(pointer string, s bundle.SourceSpec) {
	has := bundle.SourceFields()
	for _, field := range s.Given() {
		if types := has[field]; !slices.Contains(types, s.Type) {
			l.fault(pointer+"/"+field, true, fmt.Sprintf("a source of type %s has no %s", s.Type, field), "take it out, or write type: "+strings.Join(types, ", "))
		}
	}
	places := bundle.SourceLocations()[s.Type]
	if !slices.Contains(places, s.Location.Type) {
		l.fault(pointer+"/location/type", false, fmt.Sprintf("a source of type %s cannot be at a location of type %s", s.Type, s.Location.Type), "write "+strings.Join(places, ", "))
	}
}

// question checks what a database, a document or a timetable is asked.
func (l *loader) question(pointer string, s bundle.SourceSpec) {
	switch {
	case s.Path != "" && s.Query != "":
		l.fault(pointer+"/query", true, "the source has both path and query", "keep one of them")
	case s.Table != "" && s.SQL != "":
		l.fault(pointer+"/sql", true, "the source has both table and sql", "keep one of them")
	case s.Type == "sql" && s.SQL == "", s.Type == "odbc" && s.SQL == "" && s.Table == "":
		l.fault(pointer, true, "nothing says which rows of the database are wanted", "write sql: SELECT … in it")
	case s.Type == "xml" && len(s.Namespaces) > 0 && s.XPath == "":
		l.fault(pointer+"/namespaces", true, "no xpath uses the namespaces", "write xpath: with their prefixes, such as //g:stop, or take them out")
	case s.Type == "gtfs" && len(s.Stops) == 0:
		l.fault(pointer, true, "nothing says whose departures are wanted", "write stops: with the stop's name or identifier in it")
	}
	for _, prefix := range slices.Sorted(maps.Keys(s.Namespaces)) {
		if !bundle.IsPrefix(prefix) {
			l.fault(pointer+"/namespaces/"+escapePointer(prefix), true, fmt.Sprintf("%q cannot be a prefix", short(prefix)), "write a name of letters, digits, \"_\" or \"-\" other than xml, such as g")
		}
	}
	if s.Type == "json" && s.Query != "" || s.Type == "xml" && s.XPath != "" {
		if err := format.Check(format.Options{Type: s.Type, Query: s.Query, XPath: s.XPath, Namespaces: s.Namespaces}); err != nil && s.Path == "" {
			field := map[string]string{"json": "/query", "xml": "/xpath"}[s.Type]
			l.fault(pointer+field, false, err.Error(), map[string]string{"json": "write a jq program such as .items[] | {title, price}", "xml": "write an XPath such as //item"}[s.Type])
		}
	}
	if first := strings.ToUpper(strings.Join(strings.Fields(s.SQL), " ")); slices.ContainsFunc([]string{"INSERT ", "UPDATE ", "DELETE ", "DROP ", "ALTER ", "CREATE ", "TRUNCATE "},
		func(word string) bool { return strings.HasPrefix(first, word) }) {
		l.fault(pointer+"/sql", false, "a source only reads", "write a SELECT")
	}
}

// location checks where a source is.
func (l *loader) location(at string, s bundle.SourceSpec) {
	loc := s.Location
	has, needs := bundle.LocationFields()
	given := loc.Given()
	for _, field := range given {
		if types := has[field]; !slices.Contains(types, loc.Type) {
			fix := "take it out, or write type: " + strings.Join(types, ", ")
			for _, other := range slices.Sorted(maps.Keys(needs)) {
				if slices.Contains(needs[other], loc.Type) && !slices.Contains(given, other) {
					fix = fmt.Sprintf("write %s: instead", other)
				}
			}
			l.fault(at+"/"+field, true, fmt.Sprintf("a location of type %s has no %s", loc.Type, field), fix)
		}
	}
	examples := map[string]string{"path": "path: with the file", "url": "url: with the address", "host": "host: with the server's name", "share": "share: with the share's name",
		"database": "database: with its name", "auth": "auth: {secret: …} with the name of a secret that the player holds",
		"hostKey": "hostKey: with what ssh-keyscan HOST | ssh-keygen -lf - says, so that no other server is believed"}
	for _, field := range slices.Sorted(maps.Keys(needs)) {
		if slices.Contains(needs[field], loc.Type) && !slices.Contains(given, field) && !(field == "url" && bundle.HasAddress(s.Type)) {
			l.fault(at, false, "the location has no "+field, "write "+examples[field])
		}
	}
	if loc.Type == "odbc" && (loc.Driver == "") == (loc.DSN == "") {
		l.fault(at, false, "an odbc location has either a driver or a dsn", "write driver: with a name of the player's odbcinst.ini, or dsn: with one of its odbc.ini")
	}
	for _, word := range slices.Sorted(maps.Keys(loc.Options)) {
		if key := strings.ToLower(word); key == "pwd" || key == "password" || key == "uid" {
			l.fault(at+"/options/"+escapePointer(word), true, "everyone with the bundle could read this", "take it out and write auth: {secret: …} with the name of a secret that the player holds")
		}
	}
	if loc.Type == "bundle" && loc.Path != "" {
		l.file(at+"/path", loc.Path)
	}
	if loc.CA != "" {
		l.file(at+"/ca", loc.CA)
	}
	if slices.Contains(has["url"], loc.Type) && loc.URL != "" {
		l.sourceAddress(at+"/url", loc)
	}
}

// sourceAddress checks a location's URL.
func (l *loader) sourceAddress(at string, loc bundle.Location) {
	schemes := map[string][]string{"https": {"https"}, "http": {"http"}, "webdav": {"https", "http"}}[loc.Type]
	u, err := url.Parse(loc.URL)
	switch {
	case err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "":
		l.fault(at, false, fmt.Sprintf("%q is not an address that begins with %s://", short(loc.URL), schemes[0]), "write the address in full")
	case u.User != nil:
		l.fault(at, false, "the address has a name and a password in it, which everyone with the bundle could read",
			"take them out and write auth: {secret: …} with the name of a secret that the player holds")
	}
}

// columns checks what becomes of the rows, as far as it can be known without any.
func (l *loader) columns(pointer string, s bundle.SourceSpec) {
	var names []string
	for i, c := range s.Map {
		at := fmt.Sprintf("%s/map/%d", pointer, i)
		if slices.Contains(names, c.Name) && c.Name != "" {
			l.fault(at+"/name", false, fmt.Sprintf("the column %q is there twice", short(c.Name)), "give it another name")
		}
		names = append(names, c.Name)
		if c.From != "" && c.Expr != "" {
			l.fault(at+"/expr", true, "the column has both from and expr", "keep one of them")
		}
		if timed := slices.Contains([]string{"date", "time", "datetime"}, c.Type); c.Format != "" && !timed {
			l.fault(at+"/format", true, "only a date, time or datetime has a format", "take it out, or write type: date; how it is shown goes into show:")
		} else if c.Format != "" && !changes(c.Format) {
			l.fault(at+"/format", false, fmt.Sprintf("the format %q is the same for every time", short(c.Format)), `write how 2 January 2006, 15:04:05 would stand in the source, such as "02/01/2006"`)
		}
		if c.Show != "" && slices.Contains([]string{"text", "bool", "url"}, c.Type) {
			l.fault(at+"/show", true, fmt.Sprintf("a column of type %s is shown as it is", c.Type), "take it out")
		}
	}
	for i, k := range s.Sort {
		if len(names) > 0 && k.By != "" && !slices.Contains(names, k.By) {
			fix := "write one of " + strings.Join(names, ", ")
			if near := nearest(k.By, names); near != "" {
				fix = "write " + near
			}
			l.fault(l.deepest(fmt.Sprintf("%s/sort/%d", pointer, i), "by"), false, fmt.Sprintf("the map has no column %q", short(k.By)), fix)
		}
	}
}

// deepest is the pointer of a field where it is written, else of what stands for the whole.
func (l *loader) deepest(pointer, field string) string {
	if _, there := l.tree.values[pointer+"/"+field]; there {
		return pointer + "/" + field
	}
	return pointer
}

// changes says whether a layout tells two times apart.
func changes(layout string) bool {
	a, b := time.Date(2001, 11, 22, 23, 44, 55, 0, time.UTC), time.Date(2002, 3, 5, 7, 18, 39, 0, time.UTC)
	return a.Format(layout) != b.Format(layout)
}

// plainSources turns the short forms of sources into full ones: sizes such as 16MiB, sheets by number, names to sort by.
func plainSources(root map[string]any) {
	sources, _ := root["sources"].(map[string]any)
	for _, s := range sources {
		source, _ := s.(map[string]any)
		for _, group := range []string{"limits", "pictures"} {
			if fields, ok := source[group].(map[string]any); ok {
				plainSize(fields)
			}
		}
		if n, ok := source["sheet"].(json.Number); ok {
			source["sheet"] = n.String()
		}
		keys, _ := source["sort"].([]any)
		for i, k := range keys {
			if by, ok := k.(string); ok {
				keys[i] = map[string]any{"by": by}
			}
		}
	}
}

// plainSize turns a size such as 16MiB into bytes.
func plainSize(fields map[string]any) {
	text, ok := fields["bytes"].(string)
	if !ok {
		return
	}
	for _, u := range []struct {
		name   string
		factor int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"kB", 1e3}, {"MB", 1e6}, {"B", 1}} {
		if digits, ok := strings.CutSuffix(text, u.name); ok {
			if n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 40); err == nil {
				fields["bytes"] = n * u.factor
			}
			return
		}
	}
}
