package alert

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Bounds of the parts of a message; what is beyond is left out and named in Faults, but for references, which decide.
const (
	maxInfos      = 64
	maxAreas      = 256
	maxPairs      = 2_000
	maxPoints     = 20_000 // of all polygons
	maxReferences = 500
	maxText       = 16 << 10 // bytes of one text
	maxFaults     = 20
)

// Parse reads one CAP message in UTF-8. What a message must have (identifier, sender, sent, status, msgType, scope)
// must be right, or it is refused; an optional part that is wrong is left out and named in Message.Faults, because a warning
// with one bad polygon is still a warning.
func Parse(r io.Reader) (*Message, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxMessage+1))
	if err != nil {
		return nil, fmt.Errorf("read the CAP message: %w", err)
	}
	root, space, err := tree(b)
	if err != nil {
		return nil, fmt.Errorf("the CAP message is refused: %w", err)
	}
	p := parser{m: &Message{Version: version(space)}}
	if root.name != "alert" || p.m.Version == "" {
		return nil, fmt.Errorf("the CAP message is refused: its first element is <%.40s> of %q; send an <alert> of urn:oasis:names:tc:emergency:cap:1.2, :1.1 or http://www.incident.com/cap/1.0",
			root.name, short(space))
	}
	p.alert(root)
	if p.refused == nil {
		p.refused = p.m.check()
	}
	if p.refused != nil {
		return nil, fmt.Errorf("the CAP message %q is refused: %w", short(p.m.Identifier), p.refused)
	}
	return p.m, nil
}

// version tells the protocol's version by its namespace.
func version(space string) string {
	switch space {
	case "urn:oasis:names:tc:emergency:cap:1.2":
		return "1.2"
	case "urn:oasis:names:tc:emergency:cap:1.1":
		return "1.1"
	case "http://www.incident.com/cap/1.0":
		return "1.0"
	}
	return ""
}

// check says why a message cannot be one, whether it came as XML or from the player's own disk.
func (m *Message) check() error {
	plain := func(s string) bool { return s != "" && len(s) <= 1000 && !strings.ContainsAny(s, " ,<&\t\n") }
	switch {
	case !plain(m.Identifier):
		return errors.New("its identifier is missing or has a space, a comma, < or & in it (CAP 1.2, 3.2.1)")
	case !plain(m.Sender):
		return errors.New("its sender is missing or has a space, a comma, < or & in it (CAP 1.2, 3.2.1)")
	case m.Sent.Year() < 1970 || m.Sent.Year() > 9998:
		return errors.New("its sent is missing or not like 2027-01-04T08:00:00+01:00 (CAP 1.2, 3.3.2)")
	case !slices.Contains([]Status{Actual, Exercise, System, Test, Draft}, m.Status):
		return errors.New("its status is not Actual, Exercise, System, Test or Draft")
	case !slices.Contains([]Type{TypeAlert, TypeUpdate, TypeCancel, TypeAck, TypeError}, m.Type):
		return errors.New("its msgType is not Alert, Update, Cancel, Ack or Error")
	case !slices.Contains([]Scope{Public, Restricted, Private}, m.Scope):
		return errors.New("its scope is not Public, Restricted or Private")
	case (m.Type == TypeUpdate || m.Type == TypeCancel) && len(m.References) == 0:
		return fmt.Errorf("its msgType is %s but it names no earlier message; give references, or send an Alert", m.Type)
	}
	return nil
}

// parser turns elements into a message.
type parser struct {
	m       *Message
	refused error
	points  int
	pairs   int
}

func (p *parser) fault(format string, args ...any) {
	if len(p.m.Faults) < maxFaults {
		p.m.Faults = append(p.m.Faults, fmt.Sprintf(format, args...))
	}
}

// once refuses an element that has come before: two readers may take two of them for the one that counts.
func (p *parser) once(e *element, seen map[string]bool) {
	if seen[e.name] && p.refused == nil {
		p.refused = fmt.Errorf("it has more than one %s; which of them counts cannot be known", e.name)
	}
	seen[e.name] = true
}

func (p *parser) alert(root *element) {
	m, seen := p.m, map[string]bool{}
	for _, e := range root.children {
		if e.name != "code" && e.name != "info" {
			p.once(e, seen)
		}
		switch e.name {
		case "identifier":
			m.Identifier = e.value()
		case "sender":
			m.Sender = e.value()
		case "sent":
			m.Sent, _ = instant(e.value())
		case "status":
			m.Status = Status(oneOf(e.value(), "Actual", "Exercise", "System", "Test", "Draft"))
		case "msgType":
			m.Type = Type(oneOf(e.value(), "Alert", "Update", "Cancel", "Ack", "Error"))
		case "scope":
			m.Scope = Scope(oneOf(e.value(), "Public", "Restricted", "Private"))
		case "source":
			m.Source = p.words(e)
		case "restriction":
			m.Restriction = p.words(e)
		case "addresses":
			m.Addresses = quoted(p.words(e))
		case "code":
			m.Codes = p.some(m.Codes, e)
		case "note":
			m.Note = p.words(e)
		case "references":
			p.references(e.value())
		case "incidents":
			m.Incidents = quoted(p.words(e))
		case "info":
			if len(m.Infos) == maxInfos {
				p.fault("only %d info elements are read", maxInfos)
				continue
			}
			m.Infos = append(m.Infos, p.info(e))
		}
	}
}

func (p *parser) info(root *element) Info {
	i, seen := Info{Language: "en-US", Urgency: "Unknown", Severity: "Unknown", Certainty: "Unknown"}, map[string]bool{}
	for _, e := range root.children {
		if !slices.Contains([]string{"category", "responseType", "eventCode", "parameter", "resource", "area"}, e.name) {
			p.once(e, seen)
		}
		switch e.name {
		case "language":
			if v := e.value(); v != "" && len(v) < 64 {
				i.Language = v
			}
		case "category":
			i.Categories = p.some(i.Categories, e)
		case "event":
			i.Event = p.words(e)
		case "responseType":
			i.Responses = p.some(i.Responses, e)
		case "urgency":
			i.Urgency = p.code(e, "Immediate", "Expected", "Future", "Past", "Unknown")
		case "severity":
			i.Severity = p.code(e, severities()...)
		case "certainty":
			i.Certainty = p.certainty(e)
		case "audience":
			i.Audience = p.words(e)
		case "eventCode":
			i.EventCodes = p.pair(i.EventCodes, e)
		case "effective":
			i.Effective = p.time(e)
		case "onset":
			i.Onset = p.time(e)
		case "expires":
			i.Expires = p.time(e)
		case "senderName":
			i.SenderName = p.words(e)
		case "headline":
			i.Headline = p.words(e)
		case "description":
			i.Description = p.words(e)
		case "instruction":
			i.Instruction = p.words(e)
		case "web":
			i.Web = p.words(e)
		case "contact":
			i.Contact = p.words(e)
		case "parameter":
			i.Parameters = p.pair(i.Parameters, e)
		case "area":
			if len(i.Areas) == maxAreas {
				p.fault("only %d areas of an info are read", maxAreas)
				i.Areas[maxAreas-1].Damaged = true
				continue
			}
			i.Areas = append(i.Areas, p.area(e))
		}
	}
	return i
}

func (p *parser) area(root *element) Area {
	var a Area
	for _, e := range root.children {
		switch e.name {
		case "areaDesc":
			a.Description = p.words(e)
		case "polygon":
			ring, err := readRing(e.value(), maxPoints-p.points)
			p.points += len(ring)
			if err != nil {
				p.fault("polygon of %q left out: %v", short(a.Description), err)
				a.Damaged = true
				continue
			}
			a.Polygons = append(a.Polygons, ring)
		case "circle":
			c, err := readCircle(e.value())
			if err != nil {
				p.fault("circle of %q left out: %v", short(a.Description), err)
				a.Damaged = true
				continue
			}
			a.Circles = append(a.Circles, c)
		case "geocode":
			before := len(a.Geocodes)
			a.Geocodes = p.pair(a.Geocodes, e)
			a.Damaged = a.Damaged || len(a.Geocodes) == before
		}
	}
	return a
}

// words reads a text, cut at its bound.
func (p *parser) words(e *element) string {
	s := e.value()
	if len(s) > maxText {
		p.fault("%s is cut after %d bytes", e.name, maxText)
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// some appends a short value to a list.
func (p *parser) some(list []string, e *element) []string {
	if v := e.value(); v != "" && len(v) < 256 && len(list) < 64 {
		return append(list, v)
	}
	return list
}

// code reads one of the values that the protocol knows; another one stands for Unknown.
func (p *parser) code(e *element, known ...string) string {
	if v := oneOf(e.value(), known...); v != "" {
		return v
	}
	p.fault("%s %q is not one of %s; it counts as Unknown", e.name, short(e.value()), strings.Join(known, ", "))
	return "Unknown"
}

// certainty takes CAP 1.0's "Very Likely" for Likely, as 1.1 and 1.2 ask (3.2.2).
func (p *parser) certainty(e *element) string {
	if strings.EqualFold(e.value(), "Very Likely") {
		return "Likely"
	}
	return p.code(e, "Observed", "Likely", "Possible", "Unlikely", "Unknown")
}

// pair reads a name and a value; in CAP 1.0 they are one text, "name=value".
func (p *parser) pair(list []Pair, e *element) []Pair {
	var v Pair
	for _, part := range e.children {
		switch part.name {
		case "valueName":
			v.Name = part.value()
		case "value":
			v.Value = part.value()
		}
	}
	if len(e.children) == 0 {
		v.Name, v.Value, _ = strings.Cut(e.value(), "=")
	}
	if p.pairs++; v.Name == "" || len(v.Name)+len(v.Value) > 4096 || p.pairs > maxPairs {
		p.fault("%s %q left out: it has no name, is too long, or there are more than %d of them", e.name, short(v.Name), maxPairs)
		return list
	}
	return append(list, v)
}

func (p *parser) time(e *element) time.Time {
	t, err := instant(e.value())
	if err != nil && e.value() != "" {
		p.fault("%s left out: %v", e.name, err)
	}
	return t
}

// references reads "sender,identifier,sent" apart by space; CAP 1.0 also has "identifier/sender" and bare identifiers.
// One that cannot be read makes the whole message refused: a Cancel must not end less, nor more, than it says.
func (p *parser) references(s string) {
	for _, f := range strings.Fields(s) {
		parts := strings.Split(f, ",")
		var r Reference
		switch {
		case len(parts) == 3:
			sent, err := instant(parts[2])
			if err != nil || parts[0] == "" {
				p.refused = fmt.Errorf("its reference %q is not sender,identifier,sent", short(f))
				return
			}
			r = Reference{Sender: parts[0], Identifier: parts[1], Sent: sent}
		case p.m.Version == "1.0" && len(parts) == 1:
			r.Identifier, r.Sender, _ = strings.Cut(f, "/")
		}
		if r.Identifier == "" || len(p.m.References) == maxReferences {
			p.refused = fmt.Errorf("its reference %q is not sender,identifier,sent, or it has more than %d of them", short(f), maxReferences)
			return
		}
		p.m.References = append(p.m.References, r)
	}
}

// instant reads a date and time with its offset from UTC (3.3.2). CAP forbids the letter Z; senders use it all the same.
func instant(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1970 || t.Year() > 9998 {
		return time.Time{}, fmt.Errorf("%q is not like 2027-01-04T08:00:00+01:00", short(s))
	}
	return t.UTC(), nil
}

// oneOf finds a value whatever its case; "" when it is none of them.
func oneOf(s string, known ...string) string {
	for _, k := range known {
		if strings.EqualFold(s, k) {
			return k
		}
	}
	return ""
}

// quoted splits a list that is apart by space; values that have a space in them are in double quotes (3.2.1).
func quoted(s string) []string {
	var list []string
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		var v string
		if rest, ok := strings.CutPrefix(s, `"`); ok {
			v, s, _ = strings.Cut(rest, `"`)
		} else if i := strings.IndexAny(s, " \t\n"); i >= 0 {
			v, s = s[:i], s[i:]
		} else {
			v, s = s, ""
		}
		if v != "" && len(list) < 1000 {
			list = append(list, v)
		}
	}
	return list
}

// short is enough of a foreign text for an error.
func short(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}

// number reads a decimal that is finite.
func number(s string) (float64, bool) {
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}
