// Package format makes a table of the bytes of a file.
//
//	bytes ──> charset ──> text · dated lines · delimited · feed · JSON by jq · XML by XPath ──┐
//	    ├───> rtf ──> paragraphs, tables ─────────────────────────────────────────────────────┼──> rows.Table
//	    ├───> sheet ──> .xlsx · .xls (biff) · .ods ───────────────────────────────────────────┤
//	    └───> mdb-export, a child ──> Access ─────────────────────────────────────────────────┘
//
// The bytes are foreign: everything is bounded in memory and time, and a panic of a parser is an error. A file that is not
// what its source says is refused with what it is instead. A jq query is ended between two of its steps, not within one:
// a query that multiplies a text or writes far beyond the end of a list can still make up to 2 GiB of it at once. That is its
// author's doing, who has signed it, unless it takes the number from the document.
package format

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"vitrine/agent/connect/rows"
)

// Options say how a file is read. Only Type is needed; what does not concern a type is not looked at.
type Options struct {
	Type      string // one of Types
	Charset   string // of text that is neither marked nor UTF-8; "" = windows-1252
	Locale    string // fr-FR: how its keeper writes numbers and dates; "" = en
	Separator string // delimited: one character; "" = the one that fits best; dated: text between time and words
	Header    *bool  // whether a row names the columns; nil = true
	HeaderRow int    // which row of the file or range does, from 1; what is above it is left out; 0 = the first
	Sheet     string // sheets: a name, or a number from 1; Access: the table; "" = the first
	Range     string // sheets: A1:D20, B:D, or a defined name; "" = all that is used
	Cells     string // sheets: "" = typed, percent and money as shown; values = all typed; shown = all as shown
	XPath     string // xml: which elements are rows
	// Namespaces are those that prefixes of the XPath stand for, whatever the document calls them; none = the prefixes are
	// the document's own.
	Namespaces map[string]string
	Query      string // json: a jq query whose results are rows
	Path       string // json: where the rows are, a dotted path; instead of Query
}

// Types are the values of Options.Type. xlsx, xls, ods and sheet read any of the three workbooks, by what the bytes are.
func Types() []string {
	return []string{"text", "dated", "delimited", "rtf", "xlsx", "xls", "ods", "sheet", "xml", "json", "feed", "access"}
}

func (o Options) header() bool { return o.Header == nil || *o.Header }

var errNoRows = errors.New("no rows are there")

// Check says what is wrong with options before there are any bytes.
func Check(o Options) error {
	if !slices.Contains(Types(), o.Type) {
		return fmt.Errorf("its type %q is not known to this player; it knows %s", o.Type, strings.Join(Types(), ", "))
	}
	if o.Charset != "" {
		if _, err := htmlindex.Get(o.Charset); err != nil {
			return fmt.Errorf("its charset %q is not known; write utf-8, windows-1252, iso-8859-1 or utf-16le", o.Charset)
		}
	}
	if o.HeaderRow < 0 {
		return fmt.Errorf("its header row is %d; rows are counted from 1", o.HeaderRow)
	}
	var err error
	switch {
	case o.Type == "delimited" && (utf8.RuneCountInString(o.Separator) > 1 || strings.Contains("\"\r\n\ufffd", o.Separator) && o.Separator != ""):
		return fmt.Errorf("its separator %q is not one character that may be one", o.Separator)
	case o.Cells != "" && o.Cells != "values" && o.Cells != "shown":
		return fmt.Errorf("its cells are %q; write values, shown or nothing", o.Cells)
	case o.Type == "json" && o.Query != "" && o.Path != "":
		return errors.New("it has a jq query and a path; write one of the two")
	case o.Type == "json" && o.Query != "":
		_, err = compile(o.Query)
	case o.Type == "xml" && o.XPath != "":
		_, err = path(o)
	}
	return err
}

// Parse makes a table of at most most rows. Its errors are sentences for the person who keeps the file.
func Parse(ctx context.Context, o Options, b []byte, most int) (t rows.Table, err error) {
	defer func() {
		if p := recover(); p != nil {
			t, err = rows.Table{}, fmt.Errorf("the data cannot be read: %v", p)
		}
	}()
	if err := Check(o); err != nil {
		return rows.Table{}, err
	}
	if err := ctx.Err(); err != nil {
		return rows.Table{}, err
	}
	if t, err = parse(ctx, o, b, max(most, 0)); err != nil {
		return rows.Table{}, err
	}
	return t, weighTable(t)
}

func parse(ctx context.Context, o Options, b []byte, most int) (rows.Table, error) {
	switch o.Type {
	case "text", "dated", "delimited":
		if is := sniff(b); !slices.Contains([]string{"text", "delimited", "empty", "json", "xml", "xml2003", "unknown", "calendar"}, is.id) {
			return rows.Table{}, fmt.Errorf("it is no text but %s: %s", is.name, is.fix)
		}
	}
	switch o.Type {
	case "text":
		return lines(decode(b, o.Charset), most), nil
	case "dated":
		return dated(ctx, decode(b, o.Charset), o, most)
	case "delimited":
		return delimited(ctx, decode(b, o.Charset), o, most)
	case "rtf":
		return richText(ctx, b, o, most)
	case "sheet", "xlsx", "xls", "ods":
		return sheet(ctx, o, b, most)
	case "xml":
		return document(ctx, decode(b, cmp.Or(o.Charset, declared(b))), o, most)
	case "feed":
		return feed(decode(b, cmp.Or(o.Charset, declared(b))), most)
	case "access":
		return access(ctx, b, o, most)
	case "json":
		return tree(ctx, decode(b, o.Charset), o, most)
	}
	return rows.Table{}, fmt.Errorf("its type %q is not known to this player", o.Type)
}
