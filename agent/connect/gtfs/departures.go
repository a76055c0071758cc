package gtfs

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"vitrine/agent/connect/rows"
)

// ahead is how far departures are told.
const ahead = 24 * time.Hour

// Departures are those of a table of Read from an instant on, at most most, the next first: line, destination, stop, platform,
// departure, time, minutes (until then, whole), route, color and type. A table of another origin gives none.
func Departures(t rows.Table, now time.Time, most int) rows.Table {
	out := rows.Table{Columns: []string{"line", "destination", "stop", "platform", "departure", "time", "minutes", "route", "color", "type"},
		Truncated: t.Truncated, Dropped: t.Dropped}
	if !slices.Equal(t.Columns, columns) {
		return out
	}
	type leaving struct {
		at  time.Time
		row []rows.Value
	}
	var all []leaving
	known := map[string]days{}
	var zone *time.Location
	from := now.Truncate(time.Minute)
	for _, row := range t.Rows {
		if zone == nil {
			var err error
			if zone, err = time.LoadLocation(row[9].Text); err != nil {
				return out
			}
		}
		service, ok := known[row[8].Text]
		if !ok {
			service, _ = daysOf(row[8].Text)
			known[row[8].Text] = service
		}
		seconds := number(row[7].Text)
		y, m, d := now.In(zone).Date()
		for back := -4; back <= 1; back++ { // times go on past midnight, for days on long journeys
			day := time.Date(y, m, d+back, 0, 0, 0, 0, time.UTC)
			if seconds < 0 || -back*24*3600 > seconds || !service.on(day) {
				continue
			}
			if at := instant(day, seconds, zone); !at.Before(from) && at.Before(now.Add(ahead)) {
				all = append(all, leaving{at, row})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b leaving) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.row[0].Text, b.row[0].Text), cmp.Compare(a.row[1].Text, b.row[1].Text))
	})
	for _, l := range all[:min(len(all), most)] {
		minutes := int(l.at.Sub(from) / time.Minute)
		out.Rows = append(out.Rows, []rows.Value{l.row[0], l.row[1], l.row[2], l.row[3], rows.Of(rows.DateTime, l.at.Format(time.RFC3339)),
			rows.Of(rows.Time, l.at.In(zone).Format("15:04:05")), rows.Of(rows.Decimal, strconv.Itoa(minutes)), l.row[4], l.row[5], l.row[6]})
	}
	return out
}
