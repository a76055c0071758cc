package agenda

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"vitrine/agent/connect/rows"
)

// calDAV asks a CalDAV server (RFC 4791) for what is in the window; rules are followed here, since servers differ in it.
// The libraries for it refuse a whole answer for one entry that they do not understand, so that the report is asked by hand.
type calDAV struct{ *caller }

const davStamp = "20060102T150405Z"

type multistatus struct {
	XMLName   xml.Name `xml:"DAV: multistatus"`
	Responses []struct {
		Href     string `xml:"DAV: href"`
		PropStat []struct {
			Status string  `xml:"DAV: status"`
			Prop   davProp `xml:"DAV: prop"`
		} `xml:"DAV: propstat"`
	} `xml:"DAV: response"`
}

type davProp struct {
	Data      string `xml:"urn:ietf:params:xml:ns:caldav calendar-data"`
	Name      string `xml:"DAV: displayname"`
	Principal struct {
		Href string `xml:"DAV: href"`
	} `xml:"DAV: current-user-principal"`
	Home struct {
		Href string `xml:"DAV: href"`
	} `xml:"urn:ietf:params:xml:ns:caldav calendar-home-set"`
	Type struct {
		Calendar *struct{} `xml:"urn:ietf:params:xml:ns:caldav calendar"`
	} `xml:"DAV: resourcetype"`
}

// Events implements Agenda.
func (d *calDAV) Events(ctx context.Context, w Window, limit int64) ([]Event, []rows.Drop, error) {
	at := d.base
	if d.Calendar != "" {
		var err error
		if at, err = d.find(ctx, limit); err != nil {
			return nil, nil, err
		}
	}
	body := fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?><C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">`+
		`<D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">`+
		`<C:time-range start="%s" end="%s"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`,
		w.From.UTC().Add(-aDay).Format(davStamp), w.To.UTC().Add(aDay).Format(davStamp)) // days are by whoever looks
	m, err := d.report(ctx, "REPORT", at, "1", body, limit)
	if err != nil {
		return nil, nil, err
	}
	r := &reader{window: w, budget: mostSteps}
	for _, res := range m.Responses {
		for _, p := range res.PropStat {
			if p.Prop.Data == "" {
				continue
			}
			if err := r.read([]byte(p.Prop.Data)); err != nil {
				r.told.Drop(cut(res.Href, 100), "%v", err)
			}
		}
	}
	return r.events, r.told.Dropped, ctx.Err()
}

// find looks for a calendar by its name among those of whoever asks (RFC 6764, RFC 5397, RFC 4791, section 6.2.1).
func (d *calDAV) find(ctx context.Context, limit int64) (*url.URL, error) {
	at := *d.base
	if at.Path == "" || at.Path == "/" {
		at.Path = "/.well-known/caldav"
		a, err := d.basic(ctx, "PROPFIND", &at, davHeader("0"), propfind("<D:current-user-principal/>"), limit)
		if err != nil {
			return nil, err
		}
		at.Path = "/"
		if next, err := d.base.Parse(a.header.Get("Location")); err == nil && a.status/100 == 3 {
			at = *next
		}
	}
	step := func(from *url.URL, ask string, href func(davProp) string) (*url.URL, error) {
		m, err := d.report(ctx, "PROPFIND", from, "0", propfind(ask), limit)
		if err != nil {
			return nil, err
		}
		for _, p := range m.props() {
			if h := strings.TrimSpace(href(p)); h != "" {
				return d.base.Parse(h)
			}
		}
		return nil, fmt.Errorf("%s does not say where the calendars are: write the address of the calendar itself into the source (url), without calendar", d.base.Host)
	}
	who, err := step(&at, "<D:current-user-principal/>", func(p davProp) string { return p.Principal.Href })
	if err != nil {
		return nil, err
	}
	home, err := step(who, "<C:calendar-home-set/>", func(p davProp) string { return p.Home.Href })
	if err != nil {
		return nil, err
	}
	m, err := d.report(ctx, "PROPFIND", home, "1", propfind("<D:displayname/><D:resourcetype/>"), limit)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, res := range m.Responses {
		for _, p := range res.PropStat {
			if p.Prop.Type.Calendar == nil {
				continue
			}
			href := strings.TrimSuffix(res.Href, "/")
			if name := href[strings.LastIndex(href, "/")+1:]; p.Prop.Name == d.Calendar || name == d.Calendar {
				return d.base.Parse(res.Href)
			}
			names = append(names, p.Prop.Name)
		}
	}
	return nil, fmt.Errorf("%s has no calendar %q; it has %q", d.base.Host, d.Calendar, names[:min(len(names), 20)])
}

func davHeader(depth string) http.Header {
	return http.Header{"Content-Type": {"application/xml; charset=utf-8"}, "Depth": {depth}}
}

func propfind(props string) string {
	return `<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop>` + props + `</D:prop></D:propfind>`
}

func (d *calDAV) report(ctx context.Context, method string, u *url.URL, depth, body string, limit int64) (*multistatus, error) {
	a, err := d.basic(ctx, method, u, davHeader(depth), body, limit)
	switch {
	case err != nil:
		return nil, err
	case a.status == http.StatusMethodNotAllowed, a.status == http.StatusOK, a.status == http.StatusNotImplemented:
		return nil, fmt.Errorf("%s does not speak CalDAV at this address; for a calendar's file write type: ical", d.base.Host)
	case a.status != http.StatusMultiStatus:
		return nil, d.refusal(a, "")
	}
	m := &multistatus{}
	if err := xml.Unmarshal(a.body, m); err != nil { // encoding/xml knows no DTDs and no entities of theirs
		return nil, errors.New("the server's answer is not what CalDAV says (RFC 4918, multistatus)")
	}
	return m, nil
}

func (m *multistatus) props() (out []davProp) {
	for _, r := range m.Responses {
		for _, p := range r.PropStat {
			out = append(out, p.Prop)
		}
	}
	return out
}

// stamp reads RFC 3339, and what leaves its offset out as UTC.
func stamp(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	return time.Parse("2006-01-02T15:04:05", s)
}
