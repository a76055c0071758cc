package connect_test

import (
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect"
	"vitrine/agent/connect/connecttest"
)

func TestPrefixesOfASourceAreBoundToItsNamespaces(t *testing.T) {
	spec := bundle.SourceSpec{Type: "xml", XPath: "//g:stop", Namespaces: map[string]string{"g": "urn:g"}, Location: bundle.Location{Type: "file", Path: "/x"}}
	for _, document := range []string{
		`<r xmlns:g="urn:g"><g:stop><g:name>Gare</g:name></g:stop></r>`,
		`<r xmlns:other="urn:g" xmlns:g="urn:h"><other:stop><other:name>Gare</other:name></other:stop><g:stop/></r>`,
	} {
		got, err := connect.Parse(spec, connect.Home{}, []byte(document), time.Now())
		if err != nil || len(got.Rows) != 1 || got.Rows[0][0].Text != "Gare" {
			t.Errorf("%s: %+v, %v", document, got.Rows, err)
		}
	}
}

func TestATimetableThatIsParsedGivesDepartures(t *testing.T) {
	packed := connecttest.Zip(t, map[string]string{
		"agency.txt":     "agency_timezone\nEurope/Paris\n",
		"stops.txt":      "stop_id,stop_name\na,Gare\nb,Port\n",
		"routes.txt":     "route_id,route_short_name\nr,7\n",
		"trips.txt":      "trip_id,route_id,service_id,trip_headsign\nt,r,s,Port\n",
		"stop_times.txt": "trip_id,departure_time,stop_id,stop_sequence\nt,10:20:00,a,1\nt,10:40:00,b,2\n",
		"calendar.txt":   "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\ns,1,1,1,1,1,1,1,20260101,20991231\n",
	})
	spec := bundle.SourceSpec{Type: "gtfs", Stops: []string{"Gare"}, Location: bundle.Location{Type: "file", Path: "/x"},
		Map: []bundle.RowColumn{{Name: "destination"}, {Name: "minutes"}}}
	got, err := connect.Parse(spec, connect.Home{Zone: "Europe/Paris"}, packed, time.Date(2027, 1, 4, 9, 5, 0, 0, time.UTC))
	if err != nil || len(got.Rows) != 1 || got.Rows[0][0].Text != "Port" || got.Rows[0][1].Text != "15" {
		t.Errorf("%+v, %v", got.Rows, err)
	}
}
