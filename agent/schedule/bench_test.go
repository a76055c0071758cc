package schedule

import (
	"fmt"
	"testing"
	"time"
)

// busySchedule has n recurring events with timings, priorities and conditions of many kinds.
func busySchedule(n int) *Schedule {
	s := &Schedule{Defaults: Defaults{Fleet: []string{"d"}}, WorkingHours: &WorkingHours{Windows: []Window{{"06:00", "23:00"}}}}
	rules := []string{"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYMONTHDAY=1,15", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24,31"}
	for i := range n {
		e := Event{ID: fmt.Sprintf("e%05d", i), Items: []string{fmt.Sprintf("i%d", i)}, RRule: rules[i%len(rules)], Priority: i % 10}
		e.Windows = []Window{{fmt.Sprintf("%02d:%02d", i%24, 5*(i/7%12)), fmt.Sprintf("%02d:%02d", (i+1+i%3)%24, 5*(i/5%12))}}
		if i%6 == 2 {
			e.StartDate = "2027-01-07"
		}
		if i%4 == 0 {
			e.When = []Condition{{"temp", "gt", float64(i % 40)}}
		}
		s.Events = append(s.Events, e)
	}
	return s
}

// benchmarkAt asks once a second, as a guard that never sleeps would.
func benchmarkAt(b *testing.B, n int) {
	plan, problems := Compile(busySchedule(n))
	if len(problems) > 0 {
		b.Fatal(problems[0])
	}
	pl, st := Player{ID: "p", Zone: "Europe/Paris"}, State{Metrics: map[string]any{"temp": 20.0}, Missing: []string{"i3"}}
	now := time.Date(2027, 6, 1, 8, 0, 0, 0, time.UTC)
	plan.At(pl, st, now)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Second)
		plan.At(pl, st, now)
	}
}

func BenchmarkAt1000(b *testing.B)  { benchmarkAt(b, 1_000) }
func BenchmarkAt10000(b *testing.B) { benchmarkAt(b, 10_000) }

// BenchmarkAtChange10000 asks at each transition: what a timer that fires costs.
func BenchmarkAtChange10000(b *testing.B) {
	plan, _ := Compile(busySchedule(10_000))
	pl, st := Player{ID: "p", Zone: "Europe/Paris"}, State{Metrics: map[string]any{"temp": 20.0}}
	now := time.Date(2027, 6, 1, 8, 0, 0, 0, time.UTC)
	for b.Loop() {
		now = *plan.At(pl, st, now).Next
	}
}

// BenchmarkTimeline goes through ten years of 1,000 recurring events.
func BenchmarkTimeline(b *testing.B) {
	plan, _ := Compile(busySchedule(1_000))
	from := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	changes := 0
	for b.Loop() {
		for range plan.Timeline(Player{ID: "p", Zone: "Europe/Paris"}, State{Metrics: map[string]any{"temp": 20.0}}, from, from.AddDate(10, 0, 0)) {
			changes++
		}
	}
	b.ReportMetric(float64(changes)/float64(b.N), "changes/op")
}

func BenchmarkCompile10000(b *testing.B) {
	s := busySchedule(10_000)
	b.ReportAllocs()
	for b.Loop() {
		Compile(s)
	}
}
