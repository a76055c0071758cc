// Package ods reads spreadsheets of OpenDocument, as LibreOffice saves them: which cells does this sheet hold?
//
//	zip ──> content.xml ──tags──> sheets, names, where each sheet begins
//	                     └──from there──> cells with their types and how they are shown ──> grid
//
// Rows and cells that are repeated a million times are counted, not made.
package ods

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"vitrine/agent/connect/format/grid"
	"vitrine/agent/connect/format/pack"
)

// Bounds of a document.
const (
	maxSheets = 4096
	maxNames  = 50_000
)

// Book is an open document.
type Book struct {
	pack   *pack.Pack
	sheets []sheet
	names  map[string]string // in small letters
}

type sheet struct {
	grid.Sheet
	at    int64 // where in content.xml its element begins
	style string
}

const content = "content.xml"

// Open finds the sheets of a document.
func Open(ctx context.Context, b []byte) (*Book, error) {
	p, err := pack.Open(b)
	if err != nil {
		return nil, err
	}
	if locked(ctx, p) {
		return nil, errors.New("it is locked with a password: save it without one")
	}
	k := &Book{pack: p, names: map[string]string{}}
	if err := k.index(ctx); err != nil {
		return nil, fmt.Errorf("its part %s: %w", content, err)
	}
	return k, nil
}

// locked says whether the parts are encrypted.
func locked(ctx context.Context, p *pack.Pack) bool {
	r, err := p.Part(ctx, "META-INF/manifest.xml")
	if err != nil {
		return false
	}
	defer r.Close()
	for {
		tag, err := r.ReadSlice('>')
		if bytes.Contains(tag, []byte("encryption-data")) {
			return true
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return false
		}
	}
}

// index goes through the tags once, without taking the text apart.
func (k *Book) index(ctx context.Context) error {
	r, err := k.pack.Part(ctx, content)
	if err != nil {
		return err
	}
	defer r.Close()
	hidden, style, at := map[string]bool{}, "", int64(0)
	for whole := true; ; {
		tag, err := r.ReadSlice('>')
		if open := bytes.IndexByte(tag, '<'); whole && open >= 0 && err == nil {
			if x, ok := element(ctx, tag[open:]); ok {
				style, err = k.note(x, at+int64(open), style, hidden)
			}
		}
		at += int64(len(tag))
		whole = !errors.Is(err, bufio.ErrBufferFull) // the rest of a long text is no tag
		switch {
		case err == io.EOF:
			for i, s := range k.sheets {
				k.sheets[i].Hidden = hidden[s.style]
			}
			return nil
		case err != nil && whole:
			return err
		}
	}
}

// element takes a tag apart if it is one of those that the index needs.
func element(ctx context.Context, tag []byte) (*pack.XML, bool) {
	name, _, _ := bytes.Cut(tag[1:], []byte(" "))
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	switch string(name) {
	case "table", "named-range", "database-range", "style", "table-properties":
	default:
		return nil, false
	}
	x := pack.NewXML(ctx, bufio.NewReaderSize(bytes.NewReader(tag), len(tag)))
	kind, err := x.Next()
	return x, kind == pack.Start && err == nil
}

// note takes what an element says; style is the name of the style that it is in.
func (k *Book) note(x *pack.XML, at int64, style string, hidden map[string]bool) (string, error) {
	switch x.Name() {
	case "style":
		style = x.Attr("name")
	case "table-properties":
		if x.Attr("display") == "false" && len(hidden) < maxNames {
			hidden[style] = true
		}
	case "table":
		if name := x.Attr("name"); name != "" {
			k.sheets = append(k.sheets, sheet{grid.Sheet{Name: name}, at, x.Attr("style-name")})
		}
		if len(k.sheets) > maxSheets {
			return "", fmt.Errorf("it has more than %d sheets", maxSheets)
		}
	case "named-range", "database-range":
		name, ref := strings.ToLower(x.Attr("name")), x.Attr("cell-range-address")
		if ref == "" {
			ref = x.Attr("target-range-address")
		}
		if _, known := k.names[name]; !known && len(k.names) < maxNames {
			k.names[name] = ref
		}
	}
	return style, nil
}

// Sheets are the sheets in their order.
func (k *Book) Sheets() []grid.Sheet {
	out := make([]grid.Sheet, len(k.sheets))
	for i, s := range k.sheets {
		out[i] = s.Sheet
	}
	return out
}

// Name finds what a named range or a database range means.
func (k *Book) Name(_ context.Context, wanted string, _ int) (string, bool) {
	ref, ok := k.names[strings.ToLower(wanted)]
	return ref, ok
}
