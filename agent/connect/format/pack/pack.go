// Package pack reads the XML of a document, zipped or not, without trusting it.
//
//	bytes ──zip──> part ──at most so many bytes──> XML: no DOCTYPE, no depth without end, until the context ends
package pack

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Bounds of a document.
const (
	maxParts = 20_000
	maxPart  = 512 << 20 // bytes of one part, unpacked
	maxDepth = 256       // elements within one another
)

// ErrDoctype refuses what only an attack needs.
var ErrDoctype = errors.New("it has a DOCTYPE, which is not read: save it without document type and entities")

// Pack is a zipped document.
type Pack struct{ parts map[string]*zip.File }

// Open reads the directory of a zip.
func Open(b []byte) (*Pack, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("its zip cannot be read, perhaps it was not copied whole: %w", err)
	}
	if len(z.File) > maxParts {
		return nil, fmt.Errorf("its zip has %d parts, %d are allowed", len(z.File), maxParts)
	}
	p := &Pack{parts: map[string]*zip.File{}}
	for _, f := range z.File {
		name := strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/")
		if p.parts[strings.ToLower(name)] == nil {
			p.parts[strings.ToLower(name)] = f
		}
	}
	return p, nil
}

// Has says whether there is a part.
func (p *Pack) Has(name string) bool { return p.parts[strings.ToLower(name)] != nil }

// Names are the parts that begin so, in order, in small letters.
func (p *Pack) Names(prefix string) []string {
	var out []string
	for name := range p.parts {
		if strings.HasPrefix(name, prefix) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Part opens a part; who opens it closes it.
func (p *Pack) Part(ctx context.Context, name string) (*Part, error) {
	f := p.parts[strings.ToLower(name)]
	if f == nil {
		return nil, fmt.Errorf("its part %s is missing", name)
	}
	if f.Flags&1 != 0 {
		return nil, errors.New("it is locked with a password: save it without one")
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("its part %s cannot be unpacked: %w", name, err)
	}
	return &Part{Reader: bufio.NewReaderSize(&bounded{ctx: ctx, r: r, left: maxPart, name: name}, 64<<10), close: r.Close}, nil
}

// Part is the unpacked bytes of a part.
type Part struct {
	*bufio.Reader
	close func() error
}

// Close ends the reading.
func (p *Part) Close() error { return p.close() }

// bounded reads so many bytes, until its context ends.
type bounded struct {
	ctx  context.Context
	r    io.Reader
	left int64
	name string
}

func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if b.left <= 0 {
		return 0, fmt.Errorf("its part %s is longer than %d MiB unpacked: this is no table for a screen", b.name, maxPart>>20)
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// XML gives the tokens of a document.
type XML struct {
	d     *xml.Decoder
	ctx   context.Context
	depth int
	most  int
	n     int
}

// NewXML reads a document.
func NewXML(ctx context.Context, r io.Reader) *XML {
	x := &XML{d: xml.NewDecoder(r), ctx: ctx, most: maxDepth}
	x.d.Strict = false
	return x
}

// Next is the next token; what it holds is valid until the one after. io.EOF at the end.
func (x *XML) Next() (xml.Token, error) {
	if x.n++; x.n&0xfff == 0 {
		if err := x.ctx.Err(); err != nil {
			return nil, err
		}
	}
	t, err := x.d.RawToken()
	switch t := t.(type) {
	case xml.StartElement:
		if x.depth++; x.depth > x.most {
			return nil, fmt.Errorf("its elements are nested more than %d deep", x.most)
		}
	case xml.EndElement:
		x.depth--
	case xml.Directive:
		if d := bytes.TrimSpace(t); len(d) >= 7 && bytes.EqualFold(d[:7], []byte("doctype")) {
			return nil, ErrDoctype
		}
	}
	return t, err
}

// Depth is how many elements are open.
func (x *XML) Depth() int { return x.depth }

// Skip goes behind the end of the element that has just begun.
func (x *XML) Skip() error {
	for depth := x.depth - 1; x.depth > depth; {
		if _, err := x.Next(); err != nil {
			return err
		}
	}
	return nil
}

// Text is all the text within the element that has just begun, to its end.
func (x *XML) Text() (string, error) {
	var b []byte
	for depth := x.depth - 1; x.depth > depth; {
		t, err := x.Next()
		if err != nil {
			return "", err
		}
		if text, ok := t.(xml.CharData); ok {
			b = append(b, text...)
		}
	}
	return string(b), nil
}

// Attr is an attribute, whatever its namespace's prefix; "" without it.
func Attr(e xml.StartElement, local string) string {
	for _, a := range e.Attr {
		if a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}
