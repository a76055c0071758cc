package alert_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"vitrine/agent/alert"
	"vitrine/render/scene"
)

const ns12 = "urn:oasis:names:tc:emergency:cap:1.2"

// head is what every message begins with; each of its lines can be replaced by its element's name.
func head(replace map[string]string) string {
	var b strings.Builder
	for _, e := range [][2]string{{"identifier", "43b080713727"}, {"sender", "warn@example.org"}, {"sent", "2027-01-04T08:00:00+01:00"},
		{"status", "Actual"}, {"msgType", "Alert"}, {"scope", "Public"}} {
		v, ok := replace[e[0]]
		if !ok {
			v = e[1]
		}
		if v != "-" {
			fmt.Fprintf(&b, "<%s>%s</%s>", e[0], v, e[0])
		}
	}
	return b.String()
}

func wrap(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><alert xmlns="` + ns12 + `">` + body + `</alert>`
}

func parse(t *testing.T, xml string) *alert.Message {
	t.Helper()
	m, err := alert.Parse(strings.NewReader(xml))
	if err != nil {
		t.Fatalf("%v\n%s", err, xml)
	}
	return m
}

func instant(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestMessagesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct{ xml, says string }{
		"nothing":                               {"", "not well-formed"},
		"no XML":                                {"hello", "not well-formed"},
		"an end that is missing":                {`<alert xmlns="` + ns12 + `">` + head(nil), "not well-formed"},
		"another element":                       {`<feed xmlns="` + ns12 + `"/>`, "first element"},
		"another namespace":                     {`<alert xmlns="urn:oasis:names:tc:emergency:cap:1.9">` + head(nil) + `</alert>`, "first element"},
		"no namespace":                          {`<alert>` + head(nil) + `</alert>`, "first element"},
		"two alerts":                            {wrap(head(nil)) + wrap(head(nil)), ""},
		"a document type":                       {`<!DOCTYPE alert>` + wrap(head(nil)), "document type"},
		"entities of its own":                   {`<!DOCTYPE a [<!ENTITY x "y">]><alert xmlns="` + ns12 + `">` + head(map[string]string{"sender": "&x;"}) + `</alert>`, "document type"},
		"an entity that nobody has declared":    {wrap(head(map[string]string{"sender": "&nbsp;"})), "not well-formed"},
		"an external entity":                    {`<!DOCTYPE a SYSTEM "file:///etc/passwd">` + wrap(head(nil)), "document type"},
		"another encoding":                      {`<?xml version="1.0" encoding="UTF-16"?>` + wrap(head(nil))[38:], "UTF-8"},
		"bytes that are no UTF-8":               {wrap(head(map[string]string{"sender": "\xff\xfe"})), "not well-formed"},
		"a thousand elements within each other": {wrap(head(nil) + strings.Repeat("<x>", 1000) + strings.Repeat("</x>", 1000)), "within each other"},
		"foreign elements within each other":    {wrap(head(nil) + strings.Repeat(`<x xmlns="y">`, 1000) + strings.Repeat("</x>", 1000)), "within each other"},
		"too many elements":                     {wrap(head(nil) + strings.Repeat("<x/>", 20_001)), "more than"},
		"more than a mebibyte":                  {wrap(head(nil) + strings.Repeat(" ", 1<<20)), "larger"},
		"no identifier":                         {wrap(head(map[string]string{"identifier": "-"})), "identifier"},
		"an identifier with a space":            {wrap(head(map[string]string{"identifier": "a b"})), "identifier"},
		"an identifier with a comma":            {wrap(head(map[string]string{"identifier": "a,b"})), "identifier"},
		"an identifier with a restricted sign":  {wrap(head(map[string]string{"identifier": "a&lt;b"})), "identifier"},
		"no sender":                             {wrap(head(map[string]string{"sender": "-"})), "sender"},
		"a sender with a space":                 {wrap(head(map[string]string{"sender": "the office"})), "sender"},
		"no sent":                               {wrap(head(map[string]string{"sent": "-"})), "sent"},
		"a sent without an offset":              {wrap(head(map[string]string{"sent": "2027-01-04T08:00:00"})), "sent"},
		"an unknown status":                     {wrap(head(map[string]string{"status": "Real"})), "status"},
		"an unknown type":                       {wrap(head(map[string]string{"msgType": "Alarm"})), "msgType"},
		"no scope":                              {wrap(head(map[string]string{"scope": "-"})), "scope"},
		"two identifiers":                       {wrap(head(nil) + "<identifier>b</identifier>"), "more than one identifier"},
		"two severities":                        {wrap(head(nil) + "<info><severity>Minor</severity><severity>Extreme</severity></info>"), "more than one severity"},
		"an update of nothing":                  {wrap(head(map[string]string{"msgType": "Update"})), "references"},
		"a cancel of nothing":                   {wrap(head(map[string]string{"msgType": "Cancel"})), "references"},
		"a reference that is not three parts":   {wrap(head(map[string]string{"msgType": "Cancel"}) + "<references>a@b,c</references>"), "reference"},
		"a reference with a wrong time":         {wrap(head(map[string]string{"msgType": "Cancel"}) + "<references>a@b,c,yesterday</references>"), "reference"},
		"a bare reference, but in CAP 1.2":      {wrap(head(map[string]string{"msgType": "Cancel"}) + "<references>c</references>"), "reference"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := alert.Parse(strings.NewReader(c.xml))
			if err == nil {
				t.Fatalf("taken as %+v", m)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("it says %q, not %q", err, c.says)
			}
		})
	}
}

func TestMessagesThatAreTaken(t *testing.T) {
	for name, c := range map[string]struct {
		xml string
		ok  func(m *alert.Message) bool
	}{
		"the least message there is": {wrap(head(nil)), func(m *alert.Message) bool {
			return m.Version == "1.2" && m.Identifier == "43b080713727" && m.Sent.Equal(instant("2027-01-04T07:00:00Z")) && len(m.Faults) == 0
		}},
		"with a byte order mark": {"\ufeff" + wrap(head(nil)), func(m *alert.Message) bool { return m.Sender == "warn@example.org" }},
		"with a style sheet, which nobody opens": {`<?xml version="1.0"?><?xml-stylesheet href="http://example.org/x.xsl"?><alert xmlns="` + ns12 + `">` + head(nil) + `</alert>`,
			func(m *alert.Message) bool { return m.Type == alert.TypeAlert }},
		"with a prefix": {`<cap:alert xmlns:cap="` + ns12 + `">` + strings.NewReplacer("</", "</cap:", "<", "<cap:").Replace(head(nil)) + `</cap:alert>`,
			func(m *alert.Message) bool { return m.Status == alert.Actual }},
		"in CAP 1.1": {`<alert xmlns="urn:oasis:names:tc:emergency:cap:1.1">` + head(nil) + `</alert>`, func(m *alert.Message) bool { return m.Version == "1.1" }},
		"in CAP 1.0, with its own forms": {`<alert xmlns="http://www.incident.com/cap/1.0">` + head(map[string]string{"msgType": "Update"}) +
			`<references>A.1/warn@example.org B.2</references><info><certainty>Very Likely</certainty><eventCode>same=CAE</eventCode><area><areaDesc>x</areaDesc><geocode>fips6=006017</geocode></area></info></alert>`,
			func(m *alert.Message) bool {
				return m.References[0] == alert.Reference{Identifier: "A.1", Sender: "warn@example.org"} && m.References[1] == alert.Reference{Identifier: "B.2"} &&
					m.Infos[0].Certainty == "Likely" && m.Infos[0].EventCodes[0] == alert.Pair{Name: "same", Value: "CAE"} && m.Infos[0].Areas[0].Geocodes[0].Value == "006017"
			}},
		"whose enclosed signature is passed over": {wrap(head(nil) + `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo><identifier>evil</identifier></SignedInfo></Signature>`),
			func(m *alert.Message) bool { return m.Identifier == "43b080713727" }},
		"whose foreign element hides one of ours": {wrap(head(nil) + `<x xmlns="y"><status xmlns="` + ns12 + `">Test</status></x>`), func(m *alert.Message) bool { return m.Status == alert.Actual }},
		"with UTC as CAP writes it":               {wrap(head(map[string]string{"sent": "2027-01-04T07:00:00-00:00"})), func(m *alert.Message) bool { return m.Sent.Equal(instant("2027-01-04T07:00:00Z")) }},
		"with UTC as CAP forbids it":              {wrap(head(map[string]string{"sent": "2027-01-04T07:00:00Z"})), func(m *alert.Message) bool { return m.Sent.Hour() == 7 }},
		"with addresses of which one has a space": {wrap(head(map[string]string{"scope": "Private"}) + `<addresses>a@b "the porter" c@d</addresses>`),
			func(m *alert.Message) bool { return strings.Join(m.Addresses, "|") == "a@b|the porter|c@d" }},
		"with several references": {wrap(head(map[string]string{"msgType": "Cancel"}) + "<references>a@b,c,2027-01-04T07:00:00+00:00\n a@b,d,2027-01-04T08:30:00+01:00</references>"),
			func(m *alert.Message) bool {
				return len(m.References) == 2 && m.References[1].Identifier == "d" && m.References[1].Sent.Equal(instant("2027-01-04T07:30:00Z"))
			}},
		"with an info that says nothing": {wrap(head(nil) + "<info/>"), func(m *alert.Message) bool {
			i := m.Infos[0]
			return i.Language == "en-US" && i.Severity == "Unknown" && i.Urgency == "Unknown" && i.Certainty == "Unknown"
		}},
		"with a severity that does not exist, as Unknown": {wrap(head(nil) + "<info><severity>Terrible</severity></info>"), func(m *alert.Message) bool {
			return m.Infos[0].Severity == "Unknown" && len(m.Faults) == 1
		}},
		"with an expiry that cannot be read, without it": {wrap(head(nil) + "<info><expires>soon</expires></info>"), func(m *alert.Message) bool {
			return m.Infos[0].Expires.IsZero() && len(m.Faults) == 1
		}},
		"without the marks that turn text around": {wrap(head(nil) + "<info><headline>a\u202eb\u2066c\u0085d</headline></info>"), func(m *alert.Message) bool { return m.Infos[0].Headline == "abcd" }},
		"with the entities of XML itself":         {wrap(head(nil) + "<info><headline>a &amp; b &lt;i&gt;</headline></info>"), func(m *alert.Message) bool { return m.Infos[0].Headline == "a & b <i>" }},
		"with CDATA":                              {wrap(head(nil) + "<info><headline><![CDATA[a <b>]]></headline></info>"), func(m *alert.Message) bool { return m.Infos[0].Headline == "a <b>" }},
		"with a very long text, cut":              {wrap(head(nil) + "<info><description>" + strings.Repeat("é", 20_000) + "</description></info>"), func(m *alert.Message) bool { return len(m.Infos[0].Description) == 16<<10 && len(m.Faults) == 1 }},
		"with resources, which are not even read": {wrap(head(nil) + "<info><resource><resourceDesc>x</resourceDesc><uri>http://example.org/virus</uri><derefUri>AAAA</derefUri></resource></info>"),
			func(m *alert.Message) bool {
				b, err := json.Marshal(m)
				return err == nil && !strings.Contains(string(b), "virus") && !strings.Contains(string(b), "AAAA")
			}},
		"with a parameter of its own": {wrap(head(nil) + "<info><parameter><valueName>HSAS</valueName><value>ORANGE</value></parameter></info>"), func(m *alert.Message) bool {
			return m.Infos[0].Parameters[0] == alert.Pair{Name: "HSAS", Value: "ORANGE"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if m := parse(t, c.xml); !c.ok(m) {
				t.Errorf("%+v", m)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{wrap(head(nil)), thunderstorm, earthquake, amber, `<!DOCTYPE x [<!ENTITY a "b">]><alert/>`,
		wrap(head(nil) + "<info><area><polygon>0,0 0,1 1,1 0,0</polygon><circle>1,2 3</circle></area></info>")} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := alert.Parse(strings.NewReader(string(b)))
		if err != nil {
			return
		}
		var book, again alert.Book
		if _, err := book.Take(m); err != nil {
			t.Fatalf("parsed but not kept: %v", err)
		}
		kept, err := json.Marshal(&book)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(kept, &again); err != nil {
			t.Fatalf("kept but not read: %v", err)
		}
		if once, _ := json.Marshal(&again); string(once) != string(kept) {
			t.Fatalf("%s\nis not\n%s", once, kept)
		}
		at := &alert.Point{Lat: 0.25, Lon: 0.5}
		for _, a := range book.Active(alert.Site{Position: at, Exercises: true, Tests: true, Restricted: true}, m.Sent) {
			if e, scenes := a.Show(alert.Look{Size: scene.Size{Width: 640, Height: 360}}); len(e.Items) < 1 || len(e.Items) > 9 || len(scenes) != len(e.Items) {
				t.Fatalf("%d items, %d scenes", len(e.Items), len(scenes))
			}
		}
	})
}
