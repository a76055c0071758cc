package playout_test

import (
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/playout"
	"vitrine/agent/schedule"
	"vitrine/agent/store"
	"vitrine/render/pipe"
)

// touches and presses are what the renderer reports of people.
func (p *player) touches() {
	p.reports <- pipe.Report{Ev: pipe.EvInput, Input: &pipe.Input{Point: &[2]int{100, 100}}}
	synctest.Wait()
}

func (p *player) presses(key string) {
	p.reports <- pipe.Report{Ev: pipe.EvInput, Input: &pipe.Input{Key: key}}
	synctest.Wait()
}

func triggered(id string, t schedule.Trigger, items ...string) schedule.Event {
	return schedule.Event{ID: id, Items: items, Priority: 5, Trigger: &t}
}

func TestTriggers(t *testing.T) {
	cases := []struct {
		name   string
		loop   []string
		events []schedule.Event
		does   func(p *player)
		want   []string
	}{
		{"a touch starts an event, and after its time the loop goes on where it was", []string{"long"},
			[]schedule.Event{triggered("help", schedule.Trigger{On: []string{"touch"}, For: "15s"}, "c")}, func(p *player) {
				p.at("00:00:20")
				p.touches()
				p.at("00:01:00")
			}, []string{"LONG@00:00:00", "C@00:00:20", "C@00:00:30", "LONG+20s@00:00:35"}},
		{"nothing that it does not wait for", []string{"long"},
			[]schedule.Event{triggered("help", schedule.Trigger{On: []string{"key:F2"}, For: "15s"}, "c")}, func(p *player) {
				p.at("00:00:20")
				p.touches()
				p.presses("F3")
				p.at("00:00:30")
				p.presses("F2")
				p.at("00:00:31")
			}, []string{"LONG@00:00:00", "C@00:00:30"}},
		{"again meanwhile does nothing", []string{"long"},
			[]schedule.Event{triggered("help", schedule.Trigger{On: []string{"touch"}, For: "15s"}, "c")}, func(p *player) {
				p.at("00:00:20")
				p.touches()
				p.at("00:00:30")
				p.touches()
				p.at("00:00:40")
			}, []string{"LONG@00:00:00", "C@00:00:20", "C@00:00:30", "LONG+20s@00:00:35"}},
		{"unless it extends", []string{"long"},
			[]schedule.Event{triggered("help", schedule.Trigger{On: []string{"touch"}, For: "15s", Extend: true}, "c")}, func(p *player) {
				p.at("00:00:20")
				p.touches()
				p.at("00:00:30")
				p.touches()
				p.at("00:00:50")
			}, []string{"LONG@00:00:00", "C@00:00:20", "C@00:00:30", "C@00:00:40", "LONG+20s@00:00:45"}},
		{"without a time its items are shown once", []string{"long"},
			[]schedule.Event{triggered("tour", schedule.Trigger{On: []string{"http:tour"}}, "a", "b")}, func(p *player) {
				p.at("00:00:20")
				p.Trigger("http:tour")
				p.at("00:00:35")
				p.Trigger("http:tour") // its last item is on
				p.at("00:01:30")
			}, []string{"LONG@00:00:00", "A@00:00:20", "B@00:00:30", "LONG+20s@00:00:40"}},
		{"and may be shown again after that", []string{"long"},
			[]schedule.Event{triggered("tour", schedule.Trigger{On: []string{"http:tour"}}, "a")}, func(p *player) {
				p.at("00:00:20")
				p.Trigger("http:tour")
				p.at("00:00:40")
				p.Trigger("http:tour")
				p.at("00:00:55")
			}, []string{"LONG@00:00:00", "A@00:00:20", "LONG+20s@00:00:30", "A@00:00:40", "LONG+30s@00:00:50"}},
		{"what is outranked without a time is forgotten", []string{"long"},
			[]schedule.Event{triggered("tour", schedule.Trigger{On: []string{"touch"}}, "a"), {ID: "top", Priority: 9, Items: []string{"c"}, Windows: windows("00:00:10", "00:00:28")}}, func(p *player) {
				p.at("00:00:20")
				p.touches()
				p.at("00:00:45")
			}, []string{"LONG@00:00:00", "C@00:00:10", "C@00:00:20", "LONG@00:00:30"}},
		{"the loop begins anew where the event says so", []string{"long"},
			[]schedule.Event{func() schedule.Event {
				e := triggered("help", schedule.Trigger{On: []string{"touch"}, For: "7s"}, "c")
				e.OnEnd = "restart"
				return e
			}()}, func(p *player) {
				p.at("00:00:20")
				p.touches()
				p.at("00:00:31")
			}, []string{"LONG@00:00:00", "C@00:00:20", "LONG@00:00:27"}},
		{"time since touch crosses at its second, from the start on", []string{"long"},
			[]schedule.Event{{ID: "attract", Priority: 1, Items: []string{"a"}, When: []schedule.Condition{{Metric: "touch.idle", Op: "ge", Value: 25}}}}, func(p *player) {
				p.at("00:00:26")
				p.touches()
				p.at("00:01:00")
			}, []string{"LONG@00:00:00", "A@00:00:25", "LONG@00:00:35", "A@00:00:51"}},
		{"a key is a touch to the time since touch", []string{"long"},
			[]schedule.Event{{ID: "attract", Priority: 1, Items: []string{"a"}, When: []schedule.Condition{{Metric: "touch.idle", Op: "ge", Value: 25}}}}, func(p *player) {
				p.at("00:00:20")
				p.presses("Return")
				p.at("00:00:50")
			}, []string{"LONG@00:00:00", "A@00:00:45"}},
		{"an action switches the screen off and on", []string{"long"}, nil, func(p *player) {
			p.at("00:00:05")
			p.SetScreen(false)
			synctest.Wait()
			if !p.isDark() {
				p.t.Error("the screen is on")
			}
			p.at("00:00:25")
			p.SetScreen(true)
			p.at("00:00:26")
		}, []string{"LONG@00:00:00", "LONG@00:00:25"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := start(t)
				p.publish(programme(c.loop, c.events...))
				p.run()
				c.does(p)
				p.wants(c.want...)
			})
		})
	}
}

func TestItIsSaidWhetherAnEventWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		p.publish(programme([]string{"long"}, triggered("bell", schedule.Trigger{On: []string{"http:bell"}, For: "15s"}, "c")))
		p.run()
		if p.Trigger("http:door") || !p.Trigger("http:bell") {
			t.Error("an event waits for http:bell alone")
		}
	})
}

func TestConditionsAreThePlayersOwnTooAndTheTimeSinceTouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		p.publish(programme([]string{"long"}))
		p.run()
		p.SetMetric("temperature", 41)
		values, since := p.Conditions()
		if values["temperature"] != 41 || !since["touch.idle"].Equal(time.Now()) {
			t.Errorf("%v %v", values, since)
		}
	})
}

// asked is a store that notes when playout wakes: each decision begins with a look at what is live.
type asked struct {
	*store.Store
	mu    sync.Mutex
	times []time.Time
}

func (a *asked) Live() (*store.Live, <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.times = append(a.times, time.Now())
	return a.Store.Live()
}

// since forgets what was noted before.
func (a *asked) since() []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	times := a.times
	a.times = nil
	return times
}

func TestNothingWakesItBetweenTwoChangesButTheGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		noted := &asked{Store: p.store}
		var err error
		if p.Playout, err = playout.New(playout.Config{Store: noted, Clock: wall{}, Screen: p.screen, Feeds: p.feeds, Log: slog.New(slog.DiscardHandler)}); err != nil {
			t.Fatal(err)
		}
		p.publish(programme([]string{"long"}, schedule.Event{ID: "e", Priority: 1, Items: []string{"c"}, Windows: windows("12:00:10", "13:00"), When: []schedule.Condition{{Metric: "touch.idle", Op: "ge", Value: 30}}}))
		p.run()
		p.at("00:30:30")
		noted.since()
		for range 1000 { // nobody asks for it
			p.SetMetric("temperature", time.Now().UnixNano())
		}
		p.at("00:59:59")
		if times := noted.since(); len(times) < 29 || len(times) > 30 {
			t.Errorf("it woke %d times in half an hour, want once a minute: %v", len(times), times)
		}
		p.at("11:59:00")
		noted.since()
		p.at("12:00:11")
		if times := noted.since(); len(times) == 0 || len(times) > 5 {
			t.Errorf("it woke %d times in the minute of a change: %v", len(times), times)
		}
	})
}
