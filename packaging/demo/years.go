package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"vitrine/agent/schedule"
)

// recurring are events by many rules, priorities, windows and conditions.
func recurring(n int) *schedule.Schedule {
	s := &schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"d"}}, WorkingHours: &schedule.WorkingHours{Windows: []schedule.Window{{"06:00", "23:00"}}}}
	rules := []string{"FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=MONTHLY;BYMONTHDAY=1,15", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=24,31"}
	for i := range n {
		e := schedule.Event{ID: fmt.Sprintf("e%05d", i), Items: []string{fmt.Sprintf("i%d", i)}, RRule: rules[i%len(rules)], Priority: i % 10}
		e.Windows = []schedule.Window{{fmt.Sprintf("%02d:%02d", i%24, 5*(i/7%12)), fmt.Sprintf("%02d:%02d", (i+1+i%3)%24, 5*(i/5%12))}}
		if i%6 == 2 {
			e.StartDate = "2027-01-07"
		}
		if i%4 == 0 {
			e.When = []schedule.Condition{{Metric: "temperature", Op: "gt", Value: float64(i % 40)}}
		}
		s.Events = append(s.Events, e)
	}
	return s
}

// years measures large schedules, and ten years of one beside the same rules in the library that a person would take.
func years(ctx context.Context) ([]Figure, error) {
	player := schedule.Player{ID: "p", Zone: "Europe/Paris"}
	state := schedule.State{Metrics: map[string]any{"temperature": 20.0}, Since: map[string]time.Time{"touch.idle": time.Date(2027, 5, 1, 0, 0, 0, 0, time.UTC)}}
	begin := time.Date(2027, 6, 1, 8, 0, 0, 0, time.UTC)
	plan, _ := schedule.Compile(recurring(10_000))
	now := *plan.At(player, state, begin).Next
	asked := testing.Benchmark(func(b *testing.B) {
		for range b.N {
			now = now.Add(time.Second)
			plan.At(player, state, now)
		}
	})
	next := testing.Benchmark(func(b *testing.B) {
		at := begin
		for range b.N {
			at = *plan.At(player, state, at).Next
		}
	})
	figures := []Figure{
		{"schedule.At, 10,000 events", micro(asked), "–", "–"},
		{"the next change, 10,000 events", micro(next), "–", "–"},
	}
	weight(10) // what is loaded once
	small, large := weight(1_000), weight(10_000)
	figures = append(figures, Figure{"memory of 10,000 events", fmt.Sprintf("%.1f MiB", float64(large)/(1<<20)), fmt.Sprintf("of 1,000: %.2f MiB", float64(small)/(1<<20)), fmt.Sprintf("%.1f", float64(large)/float64(small))})
	decade, err := decade(ctx, player, state)
	return append(figures, decade), err
}

func micro(r testing.BenchmarkResult) string {
	return fmt.Sprintf("%.0f µs", float64(r.NsPerOp())/1e3)
}

// weight is what a schedule of n events and what is worked out of it take, bytes.
func weight(n int) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := recurring(n)
	plan, _ := schedule.Compile(s)
	plan.At(schedule.Player{ID: "p", Zone: "Europe/Paris"}, schedule.State{}, time.Date(2027, 6, 1, 8, 0, 0, 0, time.UTC))
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(plan)
	runtime.KeepAlive(s)
	return after.HeapAlloc - before.HeapAlloc
}

// expand has python3-dateutil list the days of the same rules: no windows, no priorities, no working hours.
const expand = `
import datetime, json, sys
from dateutil.rrule import rrulestr
begin, end, days = datetime.datetime(2027, 1, 1), datetime.datetime(2037, 1, 1), 0
for rule in json.load(sys.stdin):
    days += len(rrulestr(rule, dtstart=datetime.datetime(2027, 1, 7)).between(begin, end))
print(days)
`

// decade lists every change of ten years of 1,000 recurring events.
func decade(ctx context.Context, player schedule.Player, state schedule.State) (Figure, error) {
	s := recurring(1_000)
	plan, _ := schedule.Compile(s)
	from := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	begun, changes := time.Now(), 0
	for range plan.Timeline(player, state, from, from.AddDate(10, 0, 0)) {
		changes++
	}
	ours := time.Since(begun)
	var rules []string
	for _, e := range s.Events {
		rules = append(rules, e.RRule)
	}
	text, err := json.Marshal(rules)
	if err != nil {
		return Figure{}, err
	}
	f := Figure{What: fmt.Sprintf("ten years of 1,000 recurring events, %d changes", changes), Ours: fmt.Sprintf("%.2f s", ours.Seconds()), Other: "python3-dateutil is not there", Ratio: "–"}
	python := exec.CommandContext(ctx, "python3", "-c", expand)
	python.Stdin = bytes.NewReader(text)
	begun = time.Now()
	out, err := python.Output()
	if errors.Is(err, exec.ErrNotFound) || err == nil && len(bytes.TrimSpace(out)) == 0 {
		return f, nil
	}
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		f.Other = "python3-dateutil fails: " + string(bytes.TrimSpace(failed.Stderr[max(0, len(failed.Stderr)-60):]))
		return f, nil
	}
	if err != nil {
		return f, err
	}
	other := time.Since(begun)
	f.Other, f.Ratio = fmt.Sprintf("dateutil, %s days %.1f s", bytes.TrimSpace(out), other.Seconds()), fmt.Sprintf("%.2f", ours.Seconds()/other.Seconds())
	return f, nil
}
