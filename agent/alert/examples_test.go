package alert_test

import (
	"testing"

	"vitrine/agent/alert"
)

// Messages of the kinds that appendix A of CAP 1.2 shows: the same structure, words of our own.
const (
	advisory = `<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>SAFE-7713</identifier><sender>safety@example.gov</sender><sent>2027-04-02T14:39:01-05:00</sent>
  <status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
  <info>
    <category>Security</category><event>Security advisory</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>
    <senderName>Ministry of Safety</senderName><headline>Raised level of attention</headline>
    <description>The level of attention has been raised for the whole country.</description>
    <instruction>Report what looks suspicious.</instruction><web>https://example.gov/level</web>
    <parameter><valueName>LEVEL</valueName><value>ORANGE</value></parameter>
    <resource><resourceDesc>Image file (GIF)</resourceDesc><mimeType>image/gif</mimeType><uri>https://example.gov/level.gif</uri></resource>
    <area><areaDesc>Whole country</areaDesc></area>
  </info>
</alert>`

	thunderstorm = `<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>STO-1055887203</identifier><sender>weather@example.gov</sender><sent>2027-06-17T14:57:00-07:00</sent>
  <status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
  <info>
    <category>Met</category><event>Severe thunderstorm</event><responseType>Shelter</responseType>
    <urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty>
    <eventCode><valueName>SAME</valueName><value>SVR</value></eventCode>
    <expires>2027-06-17T16:00:00-07:00</expires><senderName>Weather office</senderName>
    <headline>Severe thunderstorm warning</headline>
    <description>A storm was seen on radar over the county moving southwest at 5 km/h.</description>
    <instruction>Take shelter in a solid building until the storm has passed.</instruction><contact>Office</contact>
    <area><areaDesc>Some of the county</areaDesc>
      <polygon>38.47,-120.14 38.34,-119.95 38.52,-119.74 38.62,-119.89 38.47,-120.14</polygon>
      <geocode><valueName>SAME</valueName><value>006109</value></geocode>
      <geocode><valueName>SAME</valueName><value>006009</value></geocode></area>
  </info>
</alert>`

	earthquake = `<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>TRI-13970876.2</identifier><sender>seismo@example.edu</sender><sent>2027-06-11T20:56:00-07:00</sent>
  <status>Actual</status><msgType>Update</msgType><scope>Public</scope>
  <references>seismo@example.edu,TRI-13970876.1,2027-06-11T20:30:00-07:00</references>
  <info>
    <category>Geo</category><event>Earthquake</event><urgency>Past</urgency><severity>Minor</severity><certainty>Observed</certainty>
    <senderName>Seismic network</senderName><headline>Earthquake of magnitude 3.4</headline>
    <description>A light earthquake has been reviewed by a seismologist.</description>
    <parameter><valueName>EventID</valueName><value>13970876</value></parameter>
    <area><areaDesc>2 km SW of the lake</areaDesc><circle>32.9525,-115.5527 0</circle></area>
  </info>
</alert>`

	amber = `<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>KAR0-0306112239-SW</identifier><sender>police@example.org</sender><sent>2027-06-11T22:39:00-07:00</sent>
  <status>Actual</status><msgType>Alert</msgType><source>SW</source><scope>Public</scope>
  <info>
    <language>en-US</language><category>Rescue</category><event>Child abduction</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>
    <headline>A child has been abducted</headline><description>A grey van was seen.</description>
    <area><areaDesc>The county</areaDesc><geocode><valueName>SAME</valueName><value>006037</value></geocode></area>
  </info>
  <info>
    <language>es-US</language><category>Rescue</category><event>Sustracción de menor</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>
    <headline>Un niño ha sido secuestrado</headline><description>Se vio una furgoneta gris.</description>
    <area><areaDesc>El condado</areaDesc><geocode><valueName>SAME</valueName><value>006037</value></geocode></area>
  </info>
</alert>`
)

func TestTheExamplesOfTheStandard(t *testing.T) {
	storm := &alert.Point{Lat: 38.48, Lon: -119.95}
	for name, c := range map[string]struct {
		xml   string
		site  alert.Site
		after string // the instant that is asked, RFC 3339; "" = when it was sent
		shown string // the headline; "" = nothing
	}{
		"an advisory without shapes is for everyone":                {xml: advisory, site: alert.Site{Position: storm}, shown: "Raised level of attention"},
		"a storm is shown inside of its polygon":                    {xml: thunderstorm, site: alert.Site{Position: storm}, shown: "Severe thunderstorm warning"},
		"not outside":                                               {xml: thunderstorm, site: alert.Site{Position: &alert.Point{Lat: 45.76, Lon: 4.84}}},
		"nor after its expiry":                                      {xml: thunderstorm, site: alert.Site{Position: storm}, after: "2027-06-17T16:00:00-07:00"},
		"but up to it":                                              {xml: thunderstorm, site: alert.Site{Position: storm}, after: "2027-06-17T15:59:59-07:00", shown: "Severe thunderstorm warning"},
		"a site outside of the polygon with its code gets it":       {xml: thunderstorm, site: alert.Site{Position: &alert.Point{}, Geocodes: []alert.Pair{{Name: "SAME", Value: "006009"}}}, shown: "Severe thunderstorm warning"},
		"an earthquake that is over takes no screen":                {xml: earthquake},
		"an abduction is shown in the audience's language":          {xml: amber, site: alert.Site{Locale: "es"}, shown: "Un niño ha sido secuestrado"},
		"in that which comes first where the audience has another":  {xml: amber, site: alert.Site{Locale: "fr"}, shown: "A child has been abducted"},
		"in the very language before another kind of it":            {xml: amber, site: alert.Site{Locale: "en_US"}, shown: "A child has been abducted"},
		"and not in another county":                                 {xml: amber, site: alert.Site{Geocodes: []alert.Pair{{Name: "same", Value: "006038"}}}},
		"unless the site knows nothing of such codes, to be safe":   {xml: amber, site: alert.Site{Position: storm}, shown: "A child has been abducted"},
		"which a site can leave out":                                {xml: amber, site: alert.Site{Position: storm, OnlySure: true}},
		"it ends a day after it was sent, for it names no end":      {xml: amber, after: "2027-06-12T22:39:00-07:00"},
		"and not before":                                            {xml: amber, after: "2027-06-12T22:38:59-07:00", shown: "A child has been abducted"},
		"a site that asks for extreme danger does not get a severe": {xml: amber, site: alert.Site{Least: "Extreme"}},
		"one that asks for moderate danger does":                    {xml: amber, site: alert.Site{Least: "Moderate"}, shown: "A child has been abducted"},
	} {
		t.Run(name, func(t *testing.T) {
			m := parse(t, c.xml)
			if len(m.Faults) > 0 {
				t.Errorf("faults: %q", m.Faults)
			}
			var b alert.Book
			if _, err := b.Take(m); err != nil {
				t.Fatal(err)
			}
			now := m.Sent
			if c.after != "" {
				now = instant(c.after)
			}
			got := ""
			if list := b.Active(c.site, now); len(list) > 0 {
				got = list[0].Info.Headline
			}
			if got != c.shown {
				t.Errorf("shown: %q, want %q", got, c.shown)
			}
		})
	}
}
