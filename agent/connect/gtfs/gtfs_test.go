package gtfs_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"vitrine/agent/connect/connecttest"
	"vitrine/agent/connect/gtfs"
	"vitrine/agent/connect/rows"
)

// feed is a small town's: a tram that runs past midnight, a bus of workdays, a shuttle by frequency, a station of two platforms.
func feed() map[string]string {
	return map[string]string{
		"agency.txt": "\ufeffagency_id,agency_name,agency_url,agency_timezone\nA,Tram,https://a.example,Europe/Paris\n",
		"stops.txt":  "stop_id,stop_name,parent_station,platform_code\nG,Gare,,\nG1,Gare quai 1,G,1\nG2,Gare quai 2,G,2\nM,Mairie,,\nP,Port,,\n",
		"routes.txt": "route_id,route_short_name,route_long_name,route_type,route_color\nT1,1,Gare - Port,0,FF8800\nB7,7,Mairie - Gare,3,\nN,,Navette,700,\n",
		"trips.txt":  "route_id,service_id,trip_id,trip_headsign\nT1,all,t-late,Port\nT1,all,t-day,Port\nB7,week,b1,Mairie\nN,all,n1,Port\nT1,old,t-old,Port\n",
		"stop_times.txt": "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,stop_headsign\n" +
			"t-late,24:35:00,24:36:00,G1,1,,\nt-late,25:00:00,25:00:00,P,5,,\nt-day,8:05:00,8:06:00,G1,1,,\nt-day,08:30:00,08:30:00,P,5,,\n" +
			"b1,07:00:00,07:00:00,G2,10,0,Hôtel de ville\nb1,07:20:00,07:20:00,M,20,,\nn1,10:00:00,10:00:00,M,1,,\nn1,10:07:00,10:08:00,G2,2,,\nn1,10:20:00,10:20:00,P,3,,\n" +
			"t-old,09:00:00,09:00:00,G1,1,,\nt-old,09:30:00,09:30:00,P,2,,\n",
		"calendar.txt":       "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\nall,1,1,1,1,1,1,1,20260101,20271231\nweek,1,1,1,1,1,0,0,20260101,20271231\nold,1,1,1,1,1,1,1,20250101,20251231\n",
		"calendar_dates.txt": "service_id,date,exception_type\nweek,20261225,2\nweek,20261226,1\n",
		"frequencies.txt":    "trip_id,start_time,end_time,headway_secs\nn1,06:00:00,07:00:00,1200\n",
	}
}

func board(t rows.Table) string {
	var lines []string
	for _, r := range t.Rows {
		lines = append(lines, fmt.Sprintf("%s %s>%s p%s %s'", r[5].Text[:5], r[0].Text, r[1].Text, r[3].Text, r[6].Text))
	}
	return strings.Join(lines, "; ")
}

func TestDeparturesAreThoseOfTheDay(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	read := time.Date(2026, 11, 19, 12, 0, 0, 0, paris)
	for _, c := range []struct {
		name   string
		want   gtfs.Options
		at     time.Time
		most   int
		boards string
	}{
		{"a morning of the week", gtfs.Options{Stops: []string{"gare"}}, time.Date(2026, 11, 20, 6, 55, 30, 0, paris), 3, "07:00 7>Hôtel de ville p2 5'; 08:06 1>Port p1 71'; 00:36 1>Port p1 1061'"},
		{"a Saturday has no bus", gtfs.Options{Stops: []string{"G"}}, time.Date(2026, 11, 21, 6, 59, 0, 0, paris), 2, "08:06 1>Port p1 67'; 00:36 1>Port p1 1057'"},
		{"a holiday has none, the day after has one though it is a Saturday", gtfs.Options{Stops: []string{"G2"}, Routes: []string{"7"}}, time.Date(2026, 12, 25, 6, 0, 0, 0, paris), 9, ""},
		{"and that day", gtfs.Options{Stops: []string{"G2"}, Routes: []string{"7"}}, time.Date(2026, 12, 26, 6, 0, 0, 0, paris), 9, "07:00 7>Hôtel de ville p2 60'"},
		{"after midnight yesterday's tram still comes", gtfs.Options{Stops: []string{"G1"}}, time.Date(2026, 11, 21, 0, 30, 0, 0, paris), 1, "00:36 1>Port p1 6'"},
		{"a shuttle by its frequency", gtfs.Options{Stops: []string{"Gare"}, Routes: []string{"N"}}, time.Date(2026, 11, 20, 6, 0, 0, 0, paris), 3, "06:08 Navette>Port p2 8'; 06:28 Navette>Port p2 28'; 06:48 Navette>Port p2 48'"},
		{"nobody leaves from the end of a line", gtfs.Options{Stops: []string{"Port"}}, read, 9, ""},
		{"the night in which clocks go forward", gtfs.Options{Stops: []string{"G1"}}, time.Date(2027, 3, 28, 0, 0, 0, 0, paris), 2, "00:36 1>Port p1 36'; 08:06 1>Port p1 426'"},
		{"a year later, from what was read once", gtfs.Options{Stops: []string{"G1"}}, time.Date(2027, 11, 19, 8, 6, 59, 0, paris), 1, "08:06 1>Port p1 0'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, err := gtfs.Read(t.Context(), connecttest.Zip(t, feed()), c.want, read)
			if err != nil {
				t.Fatal(err)
			}
			if got := board(gtfs.Departures(table, c.at, c.most)); got != c.boards {
				t.Errorf("it is\n\t%s\nnot\n\t%s", got, c.boards)
			}
		})
	}
	table, err := gtfs.Read(t.Context(), connecttest.Zip(t, feed()), gtfs.Options{Stops: []string{"G1"}}, read)
	if err != nil {
		t.Fatal(err)
	}
	r := gtfs.Departures(table, read, 1).Rows[0]
	if r[8].Text != "#ff8800" || r[9].Text != "tram" || r[7].Text != "Gare - Port" || r[4].Text != "2026-11-20T00:36:00+01:00" {
		t.Errorf("a row is %v", r)
	}
}

func TestATimetableThatIsNoneSaysWhy(t *testing.T) {
	without := func(name string) map[string]string {
		f := maps.Clone(feed())
		delete(f, name)
		return f
	}
	other := func(name, text string) map[string]string {
		f := maps.Clone(feed())
		f[name] = text
		return f
	}
	for says, files := range map[string]map[string]string{
		"no stop_times.txt":     without("stop_times.txt"),
		"has no column trip_id": other("trips.txt", "trip,service\n"),
		"time zone":             other("agency.txt", "agency_timezone\nMars/Olympus\n"),
		`no stop ["Gare"]`:      other("stops.txt", "stop_id,stop_name\nX,Autre\n"),
		"not like 20270131":     other("calendar.txt", "service_id,start_date,end_date\nall,2026-01-01,2026-12-31\n"),
		"is no number":          other("stop_times.txt", "trip_id,departure_time,stop_id,stop_sequence\nt-day,08:00:00,G1,x\n"),
	} {
		if _, err := gtfs.Read(t.Context(), connecttest.Zip(t, files), gtfs.Options{Stops: []string{"Gare"}}, time.Now()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("it says %v, not %s", err, says)
		}
	}
	if _, err := gtfs.Read(t.Context(), []byte("<html>"), gtfs.Options{}, time.Now()); err == nil {
		t.Error("a page was taken for a timetable")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := gtfs.Read(ctx, connecttest.Zip(t, feed()), gtfs.Options{Stops: []string{"Gare"}}, time.Now()); err == nil {
		t.Error("it went on after its end")
	}
	ended, err := gtfs.Read(t.Context(), connecttest.Zip(t, feed()), gtfs.Options{Stops: []string{"Gare"}}, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(ended.Rows) != 0 || len(ended.Dropped) != 1 || !strings.Contains(ended.Dropped[0].Why, "ended on 2027-12-31") {
		t.Errorf("of one that is over: %+v, %v", ended, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(connecttest.Zip(f, feed()))
	f.Fuzz(func(t *testing.T, b []byte) {
		now := time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
		table, err := gtfs.Read(t.Context(), b, gtfs.Options{Stops: []string{"Gare"}}, now)
		if err != nil {
			return
		}
		gtfs.Departures(table, now, 100)
	})
}

// FuzzFiles: whatever is in the files of a feed, it is an error or rows.
func FuzzFiles(f *testing.F) {
	files := feed()
	f.Add(files["stops.txt"], files["stop_times.txt"], files["trips.txt"], files["calendar.txt"], files["frequencies.txt"])
	f.Fuzz(func(t *testing.T, stops, times, trips, calendar, frequencies string) {
		all := feed()
		all["stops.txt"], all["stop_times.txt"], all["trips.txt"], all["calendar.txt"], all["frequencies.txt"] = stops, times, trips, calendar, frequencies
		now := time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
		table, err := gtfs.Read(t.Context(), connecttest.Zip(t, all), gtfs.Options{Stops: []string{"Gare"}}, now)
		if err != nil {
			return
		}
		for _, r := range gtfs.Departures(table, now, 100).Rows {
			if len(r) != 10 {
				t.Fatal(r)
			}
		}
	})
}
