// Package gtfs answers: which departures does this timetable have at these stops, from now on?
//
//	zip: stops, routes, trips, stop_times, calendar, calendar_dates, frequencies ──Read──> times of day with their service days
//	                                                                                        │ now
//	                                                                                        └──Departures──> rows
//
// It reads the static part of GTFS (gtfs.org, "Schedule"). What Read gives lasts as long as the timetable: departures are
// worked out from it without the file, for every minute and every day that it holds.
package gtfs

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"vitrine/agent/connect/rows"
)

// Bounds of a timetable.
const (
	maxFile  = 2 << 30 // bytes of one of its files, unpacked
	maxTimes = 50_000  // of the wanted stops
	maxDays  = 1500    // that a service is told of
	maxStops = 10_000
	maxTrips = 200_000 // that the wanted stops are on
)

// Options say what of a timetable is wanted.
type Options struct {
	Stops  []string // identifiers, or names, of stops and stations; at least one
	Routes []string // short names or identifiers of lines; none = all
}

// columns are those of what Read gives: not for people, but for Departures.
var columns = []string{"line", "destination", "stop", "platform", "route", "color", "type", "seconds", "days", "zone"}

// reader is one Read.
type reader struct {
	ctx   context.Context
	files map[string]*zip.File
	want  Options
	now   time.Time
	table rows.Table

	zone     string
	stops    map[string]stop
	routes   map[string]route
	trips    map[string]*trip
	services map[string]string // days by service
	last     string            // the last day of any service, 2006-01-02
	times    []passing
}

type stop struct{ name, platform string }

type route struct{ line, name, color, kind string }

type trip struct {
	route, service, headsign string
	first, end               int // stop_sequence
	begins                   int // seconds of the first stop's departure
	runs                     []run
}

// run is a frequency: the trip begins each headway seconds within it.
type run struct{ from, to, headway int }

// passing is a trip at a wanted stop.
type passing struct {
	trip, stop, headsign string
	sequence, seconds    int
}

// Read makes a table for Departures of a zipped feed. Services that ended before yesterday are left out.
func Read(ctx context.Context, b []byte, want Options, now time.Time) (rows.Table, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return rows.Table{}, fmt.Errorf("it is no zip file, as GTFS timetables are: %w", err)
	}
	r := &reader{ctx: ctx, files: map[string]*zip.File{}, want: want, now: now, stops: map[string]stop{}, routes: map[string]route{}, trips: map[string]*trip{},
		services: map[string]string{}, table: rows.Table{Columns: columns}}
	for _, f := range z.File {
		if name := path.Base(f.Name); r.files[name] == nil {
			r.files[name] = f
		}
	}
	for _, step := range []func() error{r.agencies, r.readStops, r.readRoutes, r.readServices, r.passings, r.readTrips, r.bounds, r.frequencies} {
		if err := step(); err != nil {
			return rows.Table{}, err
		}
	}
	return r.tabulate(), nil
}

// each reads a file of the feed record by record; cell gives a field of it, "" where there is none.
func (r *reader) each(name string, needed bool, fields []string, take func(cell func(string) string) error) error {
	f := r.files[name]
	if f == nil {
		if needed {
			return fmt.Errorf("the timetable has no %s: is it a GTFS feed?", name)
		}
		return nil
	}
	in, err := f.Open()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer in.Close()
	c := csv.NewReader(io.LimitReader(in, maxFile))
	c.FieldsPerRecord, c.LazyQuotes, c.ReuseRecord = -1, true, true
	at := map[string]int{}
	for n := 0; ; n++ {
		record, err := c.Read()
		if err == io.EOF && n > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", name, n+1, err)
		}
		if n%4096 == 0 && r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		if n == 0 {
			for i, h := range record {
				at[strings.ToLower(strings.Trim(h, "\ufeff \t"))] = i
			}
			for _, h := range fields {
				if _, ok := at[h]; !ok {
					return fmt.Errorf("%s has no column %s: is it a GTFS feed?", name, h)
				}
			}
			continue
		}
		err = take(func(field string) string {
			if i, ok := at[field]; ok && i < len(record) {
				return strings.Clone(strings.TrimSpace(record[i]))
			}
			return ""
		})
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", name, n+1, err)
		}
	}
}

func (r *reader) agencies() error {
	err := r.each("agency.txt", true, []string{"agency_timezone"}, func(cell func(string) string) error {
		if r.zone == "" {
			r.zone = cell("agency_timezone")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := time.LoadLocation(r.zone); err != nil || r.zone == "" || r.zone == "Local" {
		return fmt.Errorf("agency.txt: its time zone %.60q is not known", r.zone)
	}
	return nil
}

// readStops finds the stops that are wanted: by identifier, by name, and those of a wanted station.
func (r *reader) readStops() error {
	type found struct {
		stop
		id, parent string
	}
	var all []found
	wanted := map[string]bool{}
	is := func(id, name string) bool {
		return slices.ContainsFunc(r.want.Stops, func(w string) bool { return w == id || strings.EqualFold(strings.TrimSpace(w), name) })
	}
	var names []string
	err := r.each("stops.txt", true, []string{"stop_id"}, func(cell func(string) string) error {
		f := found{stop{cell("stop_name"), cell("platform_code")}, cell("stop_id"), cell("parent_station")}
		if is(f.id, f.name) {
			wanted[f.id] = true
		}
		if len(names) < 6 && !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
		if wanted[f.id] || f.parent != "" {
			all = append(all, f)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, f := range all {
		if (wanted[f.id] || wanted[f.parent]) && len(r.stops) < maxStops {
			r.stops[f.id] = f.stop
		}
	}
	if len(r.stops) == 0 {
		return fmt.Errorf("the timetable has no stop %q; it has %q and others", r.want.Stops, names)
	}
	return nil
}

func (r *reader) readRoutes() error {
	err := r.each("routes.txt", true, []string{"route_id"}, func(cell func(string) string) error {
		id, line := cell("route_id"), cell("route_short_name")
		if len(r.want.Routes) > 0 && !slices.Contains(r.want.Routes, id) && !slices.Contains(r.want.Routes, line) {
			return nil
		}
		long := cell("route_long_name")
		if line == "" {
			line = long
		}
		color := ""
		if c := cell("route_color"); len(c) == 6 && strings.Trim(strings.ToLower(c), "0123456789abcdef") == "" {
			color = "#" + strings.ToLower(c)
		}
		r.routes[id] = route{line, long, color, kindOf(cell("route_type"))}
		return nil
	})
	if err == nil && len(r.routes) == 0 {
		err = fmt.Errorf("the timetable has no line %q", r.want.Routes)
	}
	return err
}

// kindOf names a means of transport (route_type, the extended types by their hundreds).
func kindOf(code string) string {
	n, err := strconv.Atoi(code)
	if err != nil {
		return ""
	}
	if n >= 100 {
		return map[int]string{1: "rail", 2: "coach", 4: "metro", 5: "metro", 7: "bus", 8: "trolleybus", 9: "tram", 10: "ferry", 11: "air", 12: "ferry", 13: "cable", 14: "funicular", 15: "taxi"}[n/100]
	}
	return map[int]string{0: "tram", 1: "metro", 2: "rail", 3: "bus", 4: "ferry", 5: "cable", 6: "cable", 7: "funicular", 11: "trolleybus", 12: "monorail"}[n]
}

var errTooMany = errors.New("the wanted stops have more times than a screen can have; want fewer stops, or name routes")

// passings finds the trips that leave from the wanted stops.
func (r *reader) passings() error {
	return r.each("stop_times.txt", true, []string{"trip_id", "stop_id", "stop_sequence"}, func(cell func(string) string) error {
		stop := cell("stop_id")
		if _, ok := r.stops[stop]; !ok || cell("pickup_type") == "1" {
			return nil
		}
		seconds, ok := clockOf(cell("departure_time"))
		if !ok {
			if seconds, ok = clockOf(cell("arrival_time")); !ok {
				return nil // between two points in time that are given: nobody promises one here
			}
		}
		sequence, err := strconv.Atoi(cell("stop_sequence"))
		if err != nil {
			return errors.New("its stop_sequence is no number")
		}
		if len(r.times) >= maxTrips {
			return errTooMany
		}
		id := cell("trip_id")
		r.times = append(r.times, passing{id, stop, cell("stop_headsign"), sequence, seconds})
		r.trips[id] = nil
		return nil
	})
}

// clockOf reads 8:05:00, 24:30:00, 25:10.
func clockOf(text string) (seconds int, ok bool) {
	parts := strings.Split(text, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, false
	}
	for i, unit := range []int{3600, 60, 1}[:len(parts)] {
		n, err := strconv.Atoi(strings.TrimSpace(parts[i]))
		if err != nil || n < 0 || i > 0 && n > 59 || n > 100 {
			return 0, false
		}
		seconds += n * unit
	}
	return seconds, true
}

func (r *reader) readTrips() error {
	err := r.each("trips.txt", true, []string{"trip_id", "route_id", "service_id"}, func(cell func(string) string) error {
		id := cell("trip_id")
		if _, wanted := r.trips[id]; !wanted {
			return nil
		}
		t := trip{route: cell("route_id"), service: cell("service_id"), headsign: cell("trip_headsign"), first: 1 << 30, end: -1}
		_, runs := r.services[t.service]
		if _, known := r.routes[t.route]; known && runs {
			r.trips[id] = &t
		}
		return nil
	})
	return err
}

// bounds finds where the trips begin and end: nobody leaves from the end of one.
func (r *reader) bounds() error {
	return r.each("stop_times.txt", true, nil, func(cell func(string) string) error {
		t := r.trips[cell("trip_id")]
		if t == nil {
			return nil
		}
		sequence, err := strconv.Atoi(cell("stop_sequence"))
		if err != nil {
			return errors.New("its stop_sequence is no number")
		}
		t.end = max(t.end, sequence)
		if sequence < t.first {
			t.first = sequence
			t.begins, _ = clockOf(cell("departure_time"))
		}
		return nil
	})
}

func (r *reader) frequencies() error {
	return r.each("frequencies.txt", false, []string{"trip_id", "start_time", "end_time", "headway_secs"}, func(cell func(string) string) error {
		t := r.trips[cell("trip_id")]
		from, ok1 := clockOf(cell("start_time"))
		to, ok2 := clockOf(cell("end_time"))
		headway, err := strconv.Atoi(cell("headway_secs"))
		if t == nil {
			return nil
		}
		if !ok1 || !ok2 || err != nil || headway < 10 {
			return errors.New("its times or its headway cannot be read")
		}
		t.runs = append(t.runs, run{from, to, headway})
		return nil
	})
}

// tabulate makes a row of every time at a wanted stop.
func (r *reader) tabulate() rows.Table {
	for _, p := range r.times {
		t := r.trips[p.trip]
		if t == nil || p.sequence >= t.end {
			continue
		}
		if len(t.runs) == 0 {
			r.add(p, t, p.seconds)
		}
		for _, run := range t.runs {
			for s := run.from; s < run.to && !r.table.Truncated; s += run.headway {
				r.add(p, t, s+p.seconds-t.begins)
			}
		}
		if r.table.Truncated {
			r.table.Drop("stop_times.txt", "%v", errTooMany)
			break
		}
	}
	if r.last != "" && r.last < r.now.Format("2006-01-02") {
		r.table.Drop("calendar.txt", "the timetable ended on %s; ask for a newer one", r.last)
	}
	return r.table
}

func (r *reader) add(p passing, t *trip, seconds int) {
	if len(r.table.Rows) >= maxTimes {
		r.table.Truncated = true
		return
	}
	headsign := p.headsign
	if headsign == "" {
		headsign = t.headsign
	}
	line, at := r.routes[t.route], r.stops[p.stop]
	text := func(s string) rows.Value { return rows.Of(rows.Text, s) }
	r.table.Rows = append(r.table.Rows, []rows.Value{text(line.line), text(headsign), text(at.name), text(at.platform), text(line.name), text(line.color), text(line.kind),
		rows.Of(rows.Decimal, strconv.Itoa(seconds)), text(r.services[t.service]), text(r.zone)})
}
