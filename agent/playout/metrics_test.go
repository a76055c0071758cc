package playout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect"
	"vitrine/agent/schedule"
)

func TestConditions(t *testing.T) {
	value := func(kind connect.Kind, text string) connect.Result {
		return connect.Result{Columns: []string{"name", "price"}, FetchedAt: time.Now(),
			Rows: [][]connect.Value{{{Kind: connect.Text, Text: "Soup"}, {Kind: kind, Text: text}}, {{Kind: connect.Text, Text: "Bread"}, {Kind: kind, Text: "1"}}}}
	}
	expired, stale := value(connect.Decimal, "12.5"), value(connect.Decimal, "12.5")
	expired.Expired, expired.Stale, stale.Stale = true, true, true
	cases := []struct {
		name  string
		rows  *connect.Result // nil = nothing is known
		relay any
		when  schedule.Condition
		plays bool
	}{
		{"the rows are counted", new(value(connect.Text, "")), nil, schedule.Condition{Metric: "menus.count", Op: "eq", Value: 2}, true},
		{"a source that has given nothing makes it false", nil, nil, schedule.Condition{Metric: "menus.count", Op: "lt", Value: 5}, false},
		{"rows are stale", &stale, nil, schedule.Condition{Metric: "menus.stale", Op: "eq", Value: true}, true},
		{"rows are not stale", new(value(connect.Text, "")), nil, schedule.Condition{Metric: "menus.stale", Op: "eq", Value: true}, false},
		{"a text of the first row", new(value(connect.Text, "")), nil, schedule.Condition{Metric: "menus.first.name", Op: "eq", Value: "Soup"}, true},
		{"a number of the first row", new(value(connect.Decimal, "12.5")), nil, schedule.Condition{Metric: "menus.first.price", Op: "gt", Value: 12}, true},
		{"a number in a file that knows no types", new(value(connect.Text, "12.5")), nil, schedule.Condition{Metric: "menus.first.price", Op: "gt", Value: 12}, true},
		{"a code is no number", new(value(connect.Text, "007")), nil, schedule.Condition{Metric: "menus.first.price", Op: "eq", Value: "007"}, true},
		{"a truth of the first row", new(value(connect.Bool, "true")), nil, schedule.Condition{Metric: "menus.first.price", Op: "eq", Value: true}, true},
		{"an empty cell makes it false", new(value(connect.Null, "")), nil, schedule.Condition{Metric: "menus.first.price", Op: "ne", Value: 3}, false},
		{"a number of the second row", new(value(connect.Decimal, "12.5")), nil, schedule.Condition{Metric: "menus[1].price", Op: "lt", Value: 2}, true},
		{"a row that is not there makes it false", new(value(connect.Decimal, "12.5")), nil, schedule.Condition{Metric: "menus[2].price", Op: "lt", Value: 2}, false},
		{"a date of a row", new(value(connect.Date, "2026-11-20")), nil, schedule.Condition{Metric: "menus[0].price", Op: "eq", Value: "2026-11-20"}, true},
		{"the kind of fault", new(faulty(value(connect.Text, ""))), nil, schedule.Condition{Metric: "menus.error", Op: "eq", Value: "late"}, true},
		{"rows too old to be shown make it false", &expired, nil, schedule.Condition{Metric: "menus.first.price", Op: "gt", Value: 12}, false},
		{"the relay is connected", nil, true, schedule.Condition{Metric: "relay.connected", Op: "eq", Value: true}, true},
		{"the relay is not connected", nil, false, schedule.Condition{Metric: "relay.connected", Op: "eq", Value: false}, true},
		{"without a relay both are false", nil, nil, schedule.Condition{Metric: "relay.connected", Op: "eq", Value: false}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := start(t)
				m := programme([]string{"long"}, schedule.Event{ID: "e", Items: []string{"c"}, When: []schedule.Condition{c.when}})
				m.Sources = map[string]bundle.SourceSpec{"menus": {Type: "text", Location: bundle.Location{Type: "file", Path: "/menus.txt"}}}
				p.publish(m)
				p.run()
				p.at("00:00:05")
				p.SetMetric("relay.connected", c.relay)
				if c.rows != nil {
					p.feeds.set("menus", *c.rows)
				}
				p.at("00:00:06")
				want := []string{"LONG@00:00:00"}
				if c.plays {
					want = append(want, "C@00:00:05")
				}
				p.wants(want...)
			})
		})
	}
}

// faulty are rows that could not be renewed.
func faulty(r connect.Result) connect.Result {
	r.Stale, r.Err, r.Class = true, "it did not answer in time", connect.Late
	return r
}
