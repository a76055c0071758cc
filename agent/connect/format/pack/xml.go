package pack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind says what a token is.
type Kind uint8

// The kinds of token.
const (
	Start Kind = iota + 1
	End
	Text
)

// XML gives the tokens of a document in UTF-8, one after another, in a buffer of its own: a document of any length costs one
// token. It takes what office programs write; it does not check what they never get wrong.
type XML struct {
	r      *bufio.Reader
	ctx    context.Context
	depth  int
	n      int
	inTag  bool   // the < of the next tag has been read
	empty  bool   // the element that began has no content: its end comes next
	cdata  bool   // the text has no entities
	token  []byte // the text, or the tag without its brackets
	more   []byte // collects a token that does not fit the reader's buffer
	name   []byte
	quoted []byte // collects a tag with a > within quotes
}

// NewXML reads a document. What is read of r is no more than the tokens that were given.
func NewXML(ctx context.Context, r *bufio.Reader) *XML { return &XML{r: r, ctx: ctx} }

// Next is the next token; its name, attributes and text are those of x until the one after. io.EOF at the end.
func (x *XML) Next() (Kind, error) {
	if x.n++; x.n&0xfff == 0 {
		if err := x.ctx.Err(); err != nil {
			return 0, err
		}
	}
	if x.empty {
		x.empty = false
		x.depth--
		return End, nil
	}
	for {
		if !x.inTag {
			err := x.until('<')
			if err == io.EOF && x.depth > 0 {
				return 0, errors.New("it ends in the middle")
			}
			if err != nil {
				return 0, err
			}
			x.inTag, x.cdata = true, false
			if len(x.token) > 0 {
				return Text, nil
			}
		}
		x.inTag = false
		switch kind, err := x.tag(); {
		case err == io.EOF:
			return 0, errors.New("it ends in the middle of a tag")
		case err != nil || kind != 0:
			return kind, err
		}
	}
}

// until reads to a character, which is not part of the token.
func (x *XML) until(stop byte) error {
	x.more = x.more[:0]
	for {
		b, err := x.r.ReadSlice(stop)
		if err == nil && len(x.more) == 0 {
			x.token = b[:len(b)-1]
			return nil
		}
		if len(x.more)+len(b) > maxToken {
			return fmt.Errorf("it has a text or tag of more than %d KiB", maxToken>>10)
		}
		x.more = append(x.more, b...)
		if err == nil {
			x.token = x.more[:len(x.more)-1]
			return nil
		}
		if err != bufio.ErrBufferFull {
			return err
		}
	}
}

// tag reads what stands behind a <; 0 is nothing that anybody needs.
func (x *XML) tag() (Kind, error) {
	head, err := x.r.Peek(3)
	if err != nil && len(head) == 0 {
		return 0, err
	}
	switch {
	case bytes.Equal(head, []byte("!--")):
		return 0, x.skipTo("-->")
	case bytes.HasPrefix(head, []byte("![")):
		return x.section()
	case head[0] == '?':
		return 0, x.skipTo("?>")
	}
	if err := x.whole(); err != nil {
		return 0, err
	}
	switch {
	case len(x.token) == 0:
		return 0, errors.New("it has a tag without a name")
	case x.token[0] == '!':
		return 0, ErrDoctype
	case x.token[0] == '/':
		x.depth--
		x.name = local(bytes.TrimSpace(x.token[1:]))
		return End, nil
	}
	if n := len(x.token) - 1; x.token[n] == '/' {
		x.empty, x.token = true, x.token[:n]
	}
	if x.depth++; x.depth > maxDepth {
		return 0, fmt.Errorf("its elements are nested more than %d deep", maxDepth)
	}
	end := bytes.IndexAny(x.token, " \t\r\n")
	if end < 0 {
		end = len(x.token)
	}
	x.name, x.token = local(x.token[:end]), x.token[end:]
	return Start, nil
}

// whole reads a tag to the > that is not within quotes.
func (x *XML) whole() error {
	var quote byte
	x.quoted = x.quoted[:0]
	for {
		if err := x.until('>'); err != nil {
			return err
		}
		for _, c := range x.token {
			switch {
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case c == quote:
				quote = 0
			}
		}
		if quote == 0 && len(x.quoted) == 0 {
			return nil
		}
		x.quoted = append(x.quoted, x.token...)
		if quote == 0 {
			x.token = x.quoted
			return nil
		}
		if x.quoted = append(x.quoted, '>'); len(x.quoted) > maxToken {
			return fmt.Errorf("it has a tag of more than %d KiB", maxToken>>10)
		}
	}
}

func local(name []byte) []byte {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return name[i+1:]
	}
	return name
}

// skipTo goes behind the end of a comment or an instruction.
func (x *XML) skipTo(end string) error {
	tail := ""
	for {
		b, err := x.r.ReadSlice('>')
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
		if tail += string(b[max(0, len(b)-2*len(end)):]); strings.HasSuffix(tail, end) {
			return nil
		}
		tail = tail[max(0, len(tail)-len(end)):]
	}
}

// section reads <![CDATA[ to its end.
func (x *XML) section() (Kind, error) {
	if head, err := x.r.Peek(8); err != nil || string(head) != "![CDATA[" {
		return 0, ErrDoctype
	}
	_, _ = x.r.Discard(8)
	var text []byte
	for {
		if err := x.until('>'); err != nil {
			return 0, err
		}
		if text = append(text, x.token...); bytes.HasSuffix(text, []byte("]]")) {
			x.token, x.cdata = text[:len(text)-2], true
			return Text, nil
		}
		if text = append(text, '>'); len(text) > maxToken {
			return 0, fmt.Errorf("it has a text of more than %d KiB", maxToken>>10)
		}
	}
}

// Depth is how many elements are open.
func (x *XML) Depth() int { return x.depth }

// Name is the element's, without its prefix.
func (x *XML) Name() string { return string(x.name) }

// Is says whether the element is called so.
func (x *XML) Is(name string) bool { return string(x.name) == name }

// Attr is an attribute of the element that has just begun, whatever its prefix; "" without it.
func (x *XML) Attr(name string) string {
	for _, value := range x.Attrs() {
		if value.Local == name {
			return value.Value()
		}
	}
	return ""
}

// Attribute is one attribute; its value is made when it is asked for.
type Attribute struct {
	Prefix, Local string
	raw           []byte
}

// Value is the value without its entities.
func (a Attribute) Value() string { return decoded(a.raw) }

// Attrs goes through the attributes of the element that has just begun.
func (x *XML) Attrs() func(func(int, Attribute) bool) {
	return func(yield func(int, Attribute) bool) {
		rest := x.token
		for i := 0; ; i++ {
			eq := bytes.IndexByte(rest, '=')
			if eq < 0 {
				return
			}
			name := string(bytes.TrimSpace(rest[:eq]))
			rest = bytes.TrimLeft(rest[eq+1:], " \t\r\n")
			if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
				return
			}
			end := bytes.IndexByte(rest[1:], rest[0])
			if end < 0 {
				return
			}
			a := Attribute{raw: rest[1 : 1+end]}
			if prefix, after, ok := strings.Cut(name, ":"); ok {
				a.Prefix, a.Local = prefix, after
			} else {
				a.Local = name
			}
			if !yield(i, a) {
				return
			}
			rest = rest[end+2:]
		}
	}
}

// Said is the text of a Text token.
func (x *XML) Said() string {
	if x.cdata {
		return strings.ToValidUTF8(string(x.token), "\ufffd")
	}
	return decoded(x.token)
}

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
	text := ""
	for depth := x.depth - 1; x.depth > depth; {
		kind, err := x.Next()
		if err != nil {
			return "", err
		}
		if kind != Text {
			continue
		}
		if text += x.Said(); len(text) > maxToken {
			return "", fmt.Errorf("it has a text of more than %d KiB", maxToken>>10)
		}
	}
	return text, nil
}

// decoded undoes the five entities of XML and the numbers of characters; others stay as they are, since nothing defines them.
func decoded(b []byte) string {
	if bytes.IndexByte(b, '\r') >= 0 {
		b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	}
	if bytes.IndexByte(b, '&') < 0 {
		if !utf8.Valid(b) {
			b = bytes.ToValidUTF8(b, []byte("\ufffd"))
		}
		return string(b)
	}
	var out strings.Builder
	for len(b) > 0 {
		i := bytes.IndexByte(b, '&')
		if i < 0 {
			break
		}
		out.Write(b[:i])
		b = b[i:]
		end := bytes.IndexByte(b[:min(len(b), 12)], ';')
		text := ""
		if end > 0 {
			text = entity(string(b[1:end]))
		}
		if text == "" {
			out.WriteByte('&')
			b = b[1:]
			continue
		}
		out.WriteString(text)
		b = b[end+1:]
	}
	out.Write(b)
	return strings.ToValidUTF8(out.String(), "\ufffd")
}

func entity(name string) string {
	switch name {
	case "lt":
		return "<"
	case "gt":
		return ">"
	case "amp":
		return "&"
	case "quot":
		return "\""
	case "apos":
		return "'"
	}
	digits, ok := strings.CutPrefix(name, "#")
	if !ok {
		return ""
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n == 0 || n > utf8.MaxRune {
		return ""
	}
	return string(rune(n))
}
