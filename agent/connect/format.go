package connect

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mmcdole/gofeed"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"

	"vitrine/agent/bundle"
)

// maxColumns bounds how wide a source may be, maxCell how long a cell, bytes.
const (
	maxColumns = 500
	maxCell    = 64 << 10
)

// format makes at most most rows of bytes.
type format func(b []byte, most int) (Result, error)

func formatOf(spec bundle.SourceSpec) (format, error) {
	if spec.Charset != "" {
		if _, err := htmlindex.Get(spec.Charset); err != nil {
			return nil, fmt.Errorf("its charset %q is not known; write utf-8, windows-1252, iso-8859-1 or utf-16le", spec.Charset)
		}
	}
	switch spec.Type {
	case "text":
		return func(b []byte, most int) (Result, error) { return lines(decode(b, spec.Charset), most), nil }, nil
	case "delimited":
		return func(b []byte, most int) (Result, error) { return delimited(decode(b, spec.Charset), spec, most) }, nil
	case "feed":
		return func(b []byte, most int) (Result, error) {
			return feed(decode(b, cmp.Or(spec.Charset, declared(b))), most)
		}, nil
	case "json":
		return func(b []byte, most int) (Result, error) { return tree(decode(b, spec.Charset), spec.Path, most) }, nil
	}
	return nil, fmt.Errorf("its type %q is not known to this player", spec.Type)
}

// decode makes UTF-8: by the byte order mark, else the zeros of UTF-16, else as it is if it is valid, else by the
// declared charset, else windows-1252.
func decode(b []byte, charset string) []byte {
	var e encoding.Encoding
	switch {
	case bytes.HasPrefix(b, []byte{0xef, 0xbb, 0xbf}):
		return b[3:]
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}), len(b) >= 4 && b[1] == 0 && b[3] == 0 && b[0] != 0:
		e = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}), len(b) >= 4 && b[0] == 0 && b[2] == 0 && b[1] != 0:
		e = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	case utf8.Valid(b):
		return b
	default:
		e, _ = htmlindex.Get(charset) // nil for "" and for what formatOf has refused
		if e == nil || charset == "utf-8" {
			e = charmap.Windows1252
		}
	}
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return bytes.ToValidUTF8(b, []byte("\ufffd"))
	}
	return out
}

func textRow(cells ...string) []Value {
	row := make([]Value, len(cells))
	for i, c := range cells {
		row[i] = cell(Text, c)
	}
	return row
}

func cell(k Kind, s string) Value {
	if len(s) > maxCell {
		s = strings.ToValidUTF8(s[:maxCell], "")
	}
	return Value{Kind: k, Text: s}
}

// lines makes a row of every line that is not empty.
func lines(b []byte, most int) Result {
	r := Result{Columns: []string{"text"}}
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		if len(r.Rows) == most {
			r.Truncated = true
			break
		}
		r.Rows = append(r.Rows, textRow(l))
	}
	return r
}

// delimited reads RFC 4180 with any separator; short records are filled, long ones cut.
func delimited(b []byte, spec bundle.SourceSpec, most int) (Result, error) {
	in := csv.NewReader(bytes.NewReader(b))
	in.Comma, _ = utf8.DecodeRuneInString(cmp.Or(spec.Separator, ","))
	in.FieldsPerRecord, in.LazyQuotes, in.ReuseRecord = -1, true, true
	var r Result
	for {
		rec, err := in.Read()
		if err == io.EOF {
			return r, nil
		}
		if err != nil {
			return r, fmt.Errorf("the table cannot be read: %w", err)
		}
		if r.Columns == nil {
			if len(rec) > maxColumns {
				return r, fmt.Errorf("it has %d columns, %d are allowed; is the separator right?", len(rec), maxColumns)
			}
			if r.Columns = names(rec); spec.Header == nil || *spec.Header {
				continue
			}
			r.Columns = names(make([]string, len(rec)))
		}
		if len(r.Rows) == most {
			r.Truncated = true
			return r, nil
		}
		cells := make([]string, len(r.Columns))
		copy(cells, rec)
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		r.Rows = append(r.Rows, textRow(cells...))
	}
}

// names makes of a header names that are there and are different.
func names(header []string) []string {
	out := make([]string, len(header))
	for i, h := range header {
		h = strings.TrimSpace(h)
		if h == "" || slices.Contains(out[:i], h) {
			h = "c" + strconv.Itoa(i+1)
		}
		out[i] = h
	}
	return out
}

var errNoRows = errors.New("no rows are there")

// feed reads RSS, Atom and JSON feeds.
func feed(b []byte, most int) (Result, error) {
	f, err := gofeed.NewParser().Parse(bytes.NewReader(asUTF8(b)))
	if err != nil {
		return Result{}, fmt.Errorf("the feed cannot be read: %w", err)
	}
	r := Result{Columns: []string{"title", "description", "link", "published", "author", "image", "feed"}}
	for _, i := range f.Items {
		if i == nil {
			continue
		}
		if len(r.Rows) == most {
			r.Truncated = true
			break
		}
		at, author, image := Value{Kind: Null}, "", ""
		if t := i.PublishedParsed; t != nil {
			at = Value{Kind: DateTime, Text: t.UTC().Format(time.RFC3339)}
		}
		if len(i.Authors) > 0 && i.Authors[0] != nil {
			author = i.Authors[0].Name
		}
		if i.Image != nil {
			image = i.Image.URL
		}
		r.Rows = append(r.Rows, []Value{cell(Text, words(i.Title)), cell(Text, words(cmp.Or(i.Description, i.Content))), cell(URL, i.Link),
			at, cell(Text, words(author)), cell(URL, image), cell(Text, words(f.Title))})
	}
	return r, nil
}

// declared is the encoding that an XML declaration names, "" without one.
func declared(b []byte) string {
	m := regexp.MustCompile(`^\s*<\?xml[^>]{0,200}?encoding=["']([A-Za-z0-9_-]{1,40})["']`).FindSubmatch(b)
	if m == nil {
		return ""
	}
	return strings.ToLower(string(m[1]))
}

// asUTF8 corrects an XML declaration after the bytes were decoded.
func asUTF8(b []byte) []byte {
	return regexp.MustCompile(`^(\s*<\?xml[^>]{0,200}?encoding=["'])[A-Za-z0-9_-]{1,40}(["'])`).ReplaceAll(b, []byte("${1}utf-8${2}"))
}

// words is the text of a piece of HTML, in one line.
func words(s string) string {
	if len(s) > 4*maxCell {
		s = s[:4*maxCell]
	}
	s = regexp.MustCompile(`(?s)<(script|style)\b.*?</(script|style)>|<!--.*?-->|<[^<>]*>`).ReplaceAllString(s, " ")
	return strings.Join(strings.Fields(html.UnescapeString(s)), " ")
}

// tree makes rows of the list at a dotted path of a JSON document: objects by their keys, lists by position, others in
// one column named value.
func tree(b []byte, path string, most int) (Result, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return Result{}, fmt.Errorf("the JSON cannot be read: %w", err)
	}
	for _, key := range strings.FieldsFunc(path, func(c rune) bool { return c == '.' }) {
		switch node := v.(type) {
		case map[string]any:
			v = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(node) {
				return Result{}, fmt.Errorf("%w: the list before %q in the path %q has %d entries", errNoRows, key, path, len(node))
			}
			v = node[i]
		default:
			return Result{}, fmt.Errorf("%w: nothing has the key %q of the path %q", errNoRows, key, path)
		}
	}
	list, ok := v.([]any)
	if !ok {
		if v == nil {
			return Result{}, fmt.Errorf("%w: nothing is at the path %q", errNoRows, path)
		}
		list = []any{v}
	}
	r := Result{Truncated: len(list) > most}
	list = list[:min(len(list), most)]
	r.Columns = columns(list)
	if len(r.Columns) > maxColumns {
		return Result{}, fmt.Errorf("it has %d columns, %d are allowed", len(r.Columns), maxColumns)
	}
	for _, entry := range list {
		row := make([]Value, len(r.Columns))
		for i, name := range r.Columns {
			row[i] = scalar(field(entry, i, name))
		}
		r.Rows = append(r.Rows, row)
	}
	return r, nil
}

func columns(list []any) []string {
	keys, wide := map[string]bool{}, 0
	for _, entry := range list {
		switch e := entry.(type) {
		case map[string]any:
			for k := range e {
				keys[k] = true
			}
		case []any:
			wide = max(wide, len(e))
		default:
			keys["value"] = true
		}
	}
	if len(keys) == 0 && wide > 0 {
		return names(make([]string, min(wide, maxColumns+1)))
	}
	return slices.Sorted(maps.Keys(keys))
}

func field(entry any, i int, name string) any {
	switch e := entry.(type) {
	case map[string]any:
		return e[name]
	case []any:
		if i < len(e) {
			return e[i]
		}
		return nil
	}
	if name == "value" {
		return entry
	}
	return nil
}

func scalar(v any) Value {
	switch v := v.(type) {
	case nil:
		return Value{Kind: Null}
	case string:
		return cell(Text, v)
	case json.Number:
		return cell(Decimal, v.String())
	case bool:
		return Value{Kind: Bool, Text: strconv.FormatBool(v)}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return Value{Kind: Null}
	}
	return cell(Text, string(b))
}

// Parse makes rows of a source's bytes, without fetching anything: for who has the bytes already, such as a preview.
func Parse(spec bundle.SourceSpec, b []byte) (Result, error) {
	parse, err := formatOf(spec)
	if err != nil {
		return Result{}, err
	}
	most := spec.Limits.Rows
	if most <= 0 {
		most = defaultRows
	}
	r, err := parseSafely(parse, b, min(most, maxRows))
	if err != nil {
		return Result{}, err
	}
	r.Version = r.version()
	return r, nil
}
