// Package pack reads the XML of a document, zipped or not, without trusting it.
//
//	bytes ──zip──> part ──at most so many bytes──> XML: no DOCTYPE, no depth without end, until the context ends
package pack

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Bounds of a document.
const (
	maxParts = 20_000
	maxPart  = 256 << 20 // bytes of one part, unpacked
	maxDepth = 256       // elements within one another
	maxToken = 1 << 20   // bytes of one tag or text
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
