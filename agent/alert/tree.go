package alert

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The bounds of a message. A warning has some kilobytes; a polygon of a coast may have a hundred.
const (
	MaxMessage  = 1 << 20 // bytes of XML
	maxDepth    = 16      // elements within each other; CAP needs four, a signature eight
	maxElements = 20_000
)

// element is an element of a CAP message with the elements of the same namespace in it.
type element struct {
	name     string
	text     strings.Builder
	children []*element
}

// tree reads XML into elements. Nothing that could make it larger than it is, or fetch something, is accepted: no document
// type, hence no entities but XML's own five. Elements of other namespaces (signatures, extensions) are passed over.
func tree(b []byte) (root *element, space string, err error) {
	if len(b) > MaxMessage {
		return nil, "", fmt.Errorf("it is larger than %d bytes; send less, or send it as several messages", MaxMessage)
	}
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
	d.Strict = true
	d.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("it is written in %q; send it as UTF-8", charset)
	}
	var open []*element
	foreign, count := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && root != nil {
			return root, space, nil
		}
		if err != nil {
			return nil, "", fmt.Errorf("it is not well-formed XML: %w", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, "", errors.New("it has a document type or another <!…> declaration, which CAP does not use and a player does not read; take it out")
		case xml.StartElement:
			if count++; count > maxElements || len(open)+foreign >= maxDepth {
				return nil, "", fmt.Errorf("it has more than %d elements, or more than %d within each other; send less", maxElements, maxDepth)
			}
			switch {
			case root == nil:
				root, space = &element{name: t.Name.Local}, t.Name.Space
				open = append(open, root)
			case len(open) == 0:
				return nil, "", errors.New("something follows the end of the alert; send one alert in each message")
			case foreign > 0 || t.Name.Space != space:
				foreign++
			default:
				e := &element{name: t.Name.Local}
				open[len(open)-1].children = append(open[len(open)-1].children, e)
				open = append(open, e)
			}
		case xml.EndElement:
			if foreign > 0 {
				foreign--
			} else {
				open = open[:len(open)-1]
			}
		case xml.CharData:
			if foreign == 0 && len(open) > 0 {
				open[len(open)-1].text.Write(t)
			}
		}
	}
}

// value is an element's text without the space around it.
func (e *element) value() string { return clean(e.text.String()) }

// clean drops control characters and the marks that turn text around, which would let a message write over its own label.
func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < 0x20, r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s))
}
