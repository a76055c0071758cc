package main

import (
	"crypto/rand"
	"flag"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"vitrine/agent/alert"
)

// flagSet is what flags are added to.
type flagSet = *flag.FlagSet

// spoken is a text in one language, or in several: "fr=Évacuez" "en=Leave".
type spoken struct {
	order []string
	text  map[string]string
}

func (s *spoken) String() string { return "" }

func (s *spoken) Set(v string) error {
	lang := ""
	if m := regexp.MustCompile(`^([a-z]{2,3}(-[A-Za-z0-9]+)*)=`).FindStringSubmatch(v); m != nil {
		lang, v = m[1], v[len(m[0]):]
	}
	if s.text == nil {
		s.text = map[string]string{}
	}
	if _, twice := s.text[lang]; twice {
		return fmt.Errorf("it is given twice for the same language; write fr=… and en=… before them")
	}
	s.text[lang] = v
	s.order = append(s.order, lang)
	return nil
}

// in is the text in a language; what names none is for all.
func (s *spoken) in(lang string) string {
	if t, ok := s.text[lang]; ok {
		return t
	}
	return s.text[""]
}

// plainList is a flag that may be given several times; commas belong to its values.
type plainList []string

func (l *plainList) String() string { return strings.Join(*l, " ") }

// Set implements flag.Value.
func (l *plainList) Set(s string) error {
	*l = append(*l, s)
	return nil
}

// draft is a message that is written on the command line.
type draft struct {
	headline, description, instruction                          spoken
	severity, urgency, certainty, event, category, area, sender string
	lang, expires, update                                       string
	exercise, clear                                             bool
	shapes, geocodes                                            plainList
}

func draftFlags(fs flagSet) *draft {
	d := &draft{}
	fs.Var(&d.headline, "headline", "the large line; for several languages give it several times: --headline fr=… --headline en=…")
	fs.Var(&d.description, "description", "what happens; languages as for --headline")
	fs.Var(&d.instruction, "instruction", "what to do; languages as for --headline")
	fs.StringVar(&d.severity, "severity", "Severe", "Extreme, Severe, Moderate, Minor or Unknown: the colour, and which of two is shown first")
	fs.StringVar(&d.urgency, "urgency", "Immediate", "Immediate, Expected, Future, Past or Unknown")
	fs.StringVar(&d.certainty, "certainty", "Observed", "Observed, Likely, Possible, Unlikely or Unknown")
	fs.StringVar(&d.event, "event", "", "what it is about, in a word or two")
	fs.StringVar(&d.category, "category", "Safety", "Geo, Met, Safety, Security, Rescue, Fire, Health, Env, Transport, Infra, CBRNE or Other")
	fs.StringVar(&d.area, "area", "", "where, in words")
	fs.Var(&d.shapes, "shape", "where, as CAP writes it: a circle \"45.76,4.84 12\" (km) or a polygon \"lat,lon lat,lon … \"; may be given several times")
	fs.Var(&d.geocodes, "geocode", "where, as NAME=VALUE of a system of codes; may be given several times")
	fs.StringVar(&d.sender, "sender", "", "who warns, as people read it; \"\" = the customer's name")
	fs.StringVar(&d.lang, "lang", "", "language of what names none, fr or en; \"\" = this machine's")
	fs.StringVar(&d.expires, "expires", "", "its end: 2h, or 2027-01-04T18:00+01:00; \"\" = after 2 hours, or as the file says")
	fs.StringVar(&d.update, "update", "", "serial or identifier of the warning that this one replaces")
	fs.BoolVar(&d.exercise, "exercise", false, "it is one: the screens say so")
	fs.BoolVar(&d.clear, "all-clear", false, "the danger is over: shown green")
	return d
}

// written says whether there is a message on the command line.
func (d *draft) written() bool { return len(d.headline.order)+len(d.description.order) > 0 }

// end is when the message ends.
func (d *draft) end(now time.Time) (time.Time, error) {
	if d.expires == "" {
		return now.Add(2 * time.Hour), nil
	}
	if v, err := time.ParseDuration(d.expires); err == nil && v > 0 {
		return now.Add(v), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(form, d.expires); err == nil {
			return t, nil
		}
	}
	if t, err := time.ParseInLocation("2006-01-02T15:04", d.expires, time.Local); err == nil {
		return t, nil
	}
	return time.Time{}, usage("--expires is like 2h, or like 2027-01-04T18:00+01:00, not %q", d.expires)
}

// compose writes the CAP message. earlier is what it replaces, nil = nothing.
func (d *draft) compose(customer string, earlier *record) ([]byte, *alert.Message, error) {
	now := time.Now().UTC().Truncate(time.Second)
	end, err := d.end(now)
	if err != nil {
		return nil, nil, err
	}
	if !end.After(now) {
		return nil, nil, usage("--expires %s is past", d.expires)
	}
	area, err := d.where()
	if err != nil {
		return nil, nil, err
	}
	m := &alert.Message{Version: "1.2", Identifier: identifier(customer), Sender: customer, Sent: now, Status: alert.Actual, Type: alert.TypeAlert, Scope: alert.Public}
	if d.exercise {
		m.Status = alert.Exercise
	}
	if earlier != nil {
		m.Type, m.Sender, m.References = alert.TypeUpdate, earlier.m.Sender, referring(earlier.m)
	}
	for _, lang := range d.languages() {
		i := alert.Info{Language: lang, Categories: []string{d.category}, Event: d.event, Urgency: d.urgency, Severity: d.severity, Certainty: d.certainty,
			Expires: end.UTC().Truncate(time.Second), SenderName: d.sender, Headline: d.headline.in(lang), Description: d.description.in(lang), Instruction: d.instruction.in(lang), Areas: area}
		if i.Event == "" {
			i.Event = i.Headline
		}
		if i.SenderName == "" {
			i.SenderName = customer
		}
		if d.clear {
			i.Responses = []string{"AllClear"}
		}
		m.Infos = append(m.Infos, i)
	}
	xml, err := m.XML()
	return xml, m, err
}

// languages are those of the texts; a text that names none is in --lang.
func (d *draft) languages() []string {
	def := d.lang
	if def == "" {
		def = systemLanguage()
	}
	var out []string
	for _, s := range []*spoken{&d.headline, &d.description, &d.instruction} {
		for _, l := range s.order {
			if l != "" && !slices.Contains(out, l) {
				out = append(out, l)
			}
		}
	}
	if len(out) == 0 {
		return []string{def}
	}
	return out
}

// where is the area; nil = everywhere.
func (d *draft) where() ([]alert.Area, error) {
	area := alert.Area{Description: d.area}
	for _, s := range d.shapes {
		a, err := alert.ReadArea(s)
		if err != nil {
			return nil, usage("--shape %q: %v", s, err)
		}
		area.Circles, area.Polygons = append(area.Circles, a.Circles...), append(area.Polygons, a.Polygons...)
	}
	for _, g := range d.geocodes {
		name, value, ok := strings.Cut(g, "=")
		if !ok || name == "" || value == "" {
			return nil, usage("--geocode is NAME=VALUE, not %q", g)
		}
		area.Geocodes = append(area.Geocodes, alert.Pair{Name: name, Value: value})
	}
	if area.Description == "" && len(area.Circles)+len(area.Polygons)+len(area.Geocodes) == 0 {
		return nil, nil
	}
	return []alert.Area{area}, nil
}

// identifier is a new message's name.
func identifier(customer string) string {
	return fmt.Sprintf("%s-%s-%s", customer, time.Now().UTC().Format("20060102T150405Z"), strings.ToLower(rand.Text()[:6]))
}
