package alert

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// capTime is how CAP 1.2 writes an instant (3.3.2): an offset, never the letter Z.
const capTime = "2006-01-02T15:04:05-07:00"

// XML writes the message as CAP 1.2, UTF-8. What it writes is read again before it is given out.
func (m *Message) XML() ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("write the CAP message: %w", err)
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	w := writer{e: xml.NewEncoder(&out)}
	w.e.Indent("", "  ")
	w.message(m)
	if w.err == nil {
		w.err = w.e.Close()
	}
	if w.err != nil {
		return nil, fmt.Errorf("write the CAP message: %w", w.err)
	}
	out.WriteByte('\n')
	again, err := Parse(bytes.NewReader(out.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("write the CAP message: %w", err)
	}
	if len(again.Faults) > 0 {
		return nil, fmt.Errorf("write the CAP message: %w", errors.New(strings.Join(again.Faults, "; ")))
	}
	return out.Bytes(), nil
}

// writer writes elements until the first error.
type writer struct {
	e   *xml.Encoder
	err error
}

func (w *writer) within(name string, fill func()) {
	start := xml.StartElement{Name: xml.Name{Local: name}}
	if name == "alert" {
		start.Attr = []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: "urn:oasis:names:tc:emergency:cap:1.2"}}
	}
	if w.err == nil {
		w.err = w.e.EncodeToken(start)
	}
	fill()
	if w.err == nil {
		w.err = w.e.EncodeToken(start.End())
	}
}

// text writes elements that have a value; empty ones are left out.
func (w *writer) text(name string, values ...string) {
	for _, v := range values {
		if v == "" || w.err != nil {
			continue
		}
		w.err = w.e.EncodeElement(v, xml.StartElement{Name: xml.Name{Local: name}})
	}
}

func (w *writer) time(name string, t time.Time) {
	if !t.IsZero() {
		w.text(name, t.Format(capTime))
	}
}

func (w *writer) pairs(name string, list []Pair) {
	for _, p := range list {
		w.within(name, func() {
			w.text("valueName", p.Name)
			w.text("value", p.Value)
		})
	}
}

// message writes in the order of CAP 1.2's schema.
func (w *writer) message(m *Message) {
	w.within("alert", func() {
		w.text("identifier", m.Identifier)
		w.text("sender", m.Sender)
		w.time("sent", m.Sent)
		w.text("status", string(m.Status))
		w.text("msgType", string(m.Type))
		w.text("source", m.Source)
		w.text("scope", string(m.Scope))
		w.text("restriction", m.Restriction)
		w.text("addresses", joined(m.Addresses))
		w.text("code", m.Codes...)
		w.text("note", m.Note)
		var refs []string
		for _, r := range m.References {
			refs = append(refs, r.Sender+","+r.Identifier+","+r.Sent.Format(capTime))
		}
		w.text("references", strings.Join(refs, " "))
		w.text("incidents", joined(m.Incidents))
		for i := range m.Infos {
			w.within("info", func() { w.info(&m.Infos[i]) })
		}
	})
}

// joined writes what quoted reads.
func joined(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		if out[i] = v; strings.ContainsAny(v, " \t\n") {
			out[i] = `"` + v + `"`
		}
	}
	return strings.Join(out, " ")
}

func (w *writer) info(i *Info) {
	w.text("language", i.Language)
	w.text("category", i.Categories...)
	w.text("event", i.Event)
	w.text("responseType", i.Responses...)
	w.text("urgency", i.Urgency)
	w.text("severity", i.Severity)
	w.text("certainty", i.Certainty)
	w.text("audience", i.Audience)
	w.pairs("eventCode", i.EventCodes)
	w.time("effective", i.Effective)
	w.time("onset", i.Onset)
	w.time("expires", i.Expires)
	w.text("senderName", i.SenderName)
	w.text("headline", i.Headline)
	w.text("description", i.Description)
	w.text("instruction", i.Instruction)
	w.text("web", i.Web)
	w.text("contact", i.Contact)
	w.pairs("parameter", i.Parameters)
	for k := range i.Areas {
		w.within("area", func() { w.area(&i.Areas[k]) })
	}
}

func (w *writer) area(a *Area) {
	w.text("areaDesc", a.Description)
	for _, r := range a.Polygons {
		points := make([]string, len(r))
		for i, p := range r {
			points[i] = point(p)
		}
		w.text("polygon", strings.Join(points, " "))
	}
	for _, c := range a.Circles {
		w.text("circle", point(c.Center)+" "+decimal(c.Radius))
	}
	w.pairs("geocode", a.Geocodes)
}

func point(p Point) string { return decimal(p.Lat) + "," + decimal(p.Lon) }

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// Over is when the last of what the message says has ended; a message without any info, such as a bare Cancel, counts for as
// long as any message may.
func (m *Message) Over() time.Time {
	if len(m.Infos) == 0 {
		return m.Sent.Add(longestLife)
	}
	var last time.Time
	for i := range m.Infos {
		if t := m.until(&m.Infos[i]); t.After(last) {
			last = t
		}
	}
	return last
}

// ReadArea reads one shape of an area as CAP writes it: a circle "45.76,4.84 12" (km), else a polygon of points apart by
// space, the last equal to the first.
func ReadArea(shape string) (Area, error) {
	if f := strings.Fields(shape); len(f) == 2 && !strings.Contains(f[1], ",") {
		c, err := readCircle(shape)
		return Area{Circles: []Circle{c}}, err
	}
	r, err := readRing(shape, maxPoints)
	return Area{Polygons: []Ring{r}}, err
}
