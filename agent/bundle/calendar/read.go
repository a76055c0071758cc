package calendar

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Bounds of a file that is read.
const (
	MaxFile  = 16 << 20 // octets
	maxLine  = 1 << 20  // octets, unfolded
	maxDepth = 8
)

// Component is a part of a calendar, such as a VEVENT.
type Component struct {
	Name       string // in capitals
	Line       int    // of its BEGIN, from 1
	Properties []Property
	Parts      []*Component
}

// Property is one of a component's, its value as it is written.
type Property struct {
	Name   string // in capitals
	Value  string
	Params map[string]string // names in capitals, values without quotes
	Line   int
}

// Read reads the calendars of a file (RFC 5545, section 3.1). It takes what exporters really write: line ends without CR, a
// byte order mark, blank lines. Errors have the line.
func Read(r io.Reader) ([]*Component, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the calendar: %w", err)
	case len(b) > MaxFile:
		return nil, fmt.Errorf("the calendar has more than %d MiB", MaxFile>>20)
	case !utf8.Valid(b):
		return nil, errors.New("the calendar is not UTF-8, which iCalendar must be: export it again, or convert it")
	}
	p := &parser{}
	in := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	in.Buffer(nil, maxLine)
	n, begun, line := 0, 0, ""
	for in.Scan() {
		n++
		text := strings.TrimSuffix(in.Text(), "\r")
		if text != "" && (text[0] == ' ' || text[0] == '\t') && begun > 0 {
			if line += text[1:]; len(line) > maxLine {
				return nil, fmt.Errorf("line %d: the property is too long", begun)
			}
			continue
		}
		if err := p.line(line, begun); err != nil {
			return nil, err
		}
		line, begun = text, n
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", n+1, err)
	}
	if err := p.line(line, begun); err != nil {
		return nil, err
	}
	if len(p.open) > 0 {
		return nil, fmt.Errorf("the calendar is cut off: the %s of line %d does not end", p.open[len(p.open)-1].Name, p.open[len(p.open)-1].Line)
	}
	if len(p.done) == 0 {
		return nil, errors.New("this is not a calendar: it has no BEGIN:VCALENDAR")
	}
	return p.done, nil
}

type parser struct {
	open []*Component
	done []*Component
}

// line takes one unfolded content line.
func (p *parser) line(text string, n int) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	prop, ok := property(text)
	prop.Line = n
	name := strings.ToUpper(strings.TrimSpace(prop.Value))
	switch {
	case !ok:
		return fmt.Errorf("line %d: %.60q is not a calendar's line, which is NAME:VALUE", n, text)
	case prop.Name == "BEGIN" && len(p.open) == 0 && name != "VCALENDAR":
		return fmt.Errorf("line %d: this is not a calendar: it begins with %.60q instead of BEGIN:VCALENDAR", n, text)
	case prop.Name == "BEGIN" && len(p.open) >= maxDepth:
		return fmt.Errorf("line %d: the calendar is too deep", n)
	case prop.Name == "BEGIN":
		p.open = append(p.open, &Component{Name: name, Line: n})
	case len(p.open) == 0:
		return fmt.Errorf("line %d: this is not a calendar: %.60q is outside of BEGIN:VCALENDAR", n, text)
	case prop.Name == "END":
		last := p.open[len(p.open)-1]
		if name != last.Name {
			return fmt.Errorf("line %d: END:%.60s, but what began in line %d is %s", n, name, last.Line, last.Name)
		}
		if p.open = p.open[:len(p.open)-1]; len(p.open) == 0 {
			p.done = append(p.done, last)
		} else {
			parent := p.open[len(p.open)-1]
			parent.Parts = append(parent.Parts, last)
		}
	default:
		last := p.open[len(p.open)-1]
		last.Properties = append(last.Properties, prop)
	}
	return nil
}

// property splits NAME;PARAM=VALUE;PARAM="VALUE":VALUE.
func property(text string) (Property, bool) {
	end := strings.IndexAny(text, ";:")
	if end <= 0 {
		return Property{}, false
	}
	p := Property{Name: strings.ToUpper(text[:end])}
	for text[end] == ';' {
		text = text[end+1:]
		quoted := false
		end = strings.IndexFunc(text, func(r rune) bool {
			if r == '"' {
				quoted = !quoted
			}
			return !quoted && (r == ';' || r == ':')
		})
		if end < 0 {
			return Property{}, false
		}
		if name, value, ok := strings.Cut(text[:end], "="); ok {
			if p.Params == nil {
				p.Params = map[string]string{}
			}
			p.Params[strings.ToUpper(name)] = strings.Trim(value, `"`)
		}
	}
	p.Value = text[end+1:]
	return p, true
}

// All are a component's properties of a name.
func (c *Component) All(name string) []Property {
	var found []Property
	for _, p := range c.Properties {
		if p.Name == name {
			found = append(found, p)
		}
	}
	return found
}

// One is the first property of a name, and whether there is one.
func (c *Component) One(name string) (Property, bool) {
	if all := c.All(name); len(all) > 0 {
		return all[0], true
	}
	return Property{}, false
}

// Text is a TEXT property on one line, unescaped; "" when there is none.
func (c *Component) Text(name string) string {
	p, _ := c.One(name)
	s := p.Value
	if strings.Contains(s, `\`) {
		s = strings.NewReplacer(`\\`, `\`, `\;`, ";", `\,`, ",", `\n`, " ", `\N`, " ").Replace(s)
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff
	}), " ")
}
