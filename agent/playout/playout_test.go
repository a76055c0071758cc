package playout_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/connect"
	"vitrine/agent/playout"
	"vitrine/agent/schedule"
	"vitrine/agent/siren"
	"vitrine/agent/store"
	"vitrine/cloud/api"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// player is a store, a screen and a playout between them.
type player struct {
	t     *testing.T
	pub   *bundletest.Publisher
	store *store.Store
	*screen
	*playout.Playout
	feeds *feeds
	siren *siren.Siren // nil = none
	word  error        // its check
}

// feeds are rows that a test sets.
type feeds struct {
	mu      sync.Mutex
	rows    map[string]connect.Result
	changed chan struct{}
}

func (f *feeds) Result(name string) (connect.Result, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.rows[name]
	return r, ok
}

func (f *feeds) Use(map[string]bundle.SourceSpec, connect.Home, func(string) (string, bool)) {}

func (f *feeds) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

func (f *feeds) set(name string, r connect.Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows[name] = r
	close(f.changed)
	f.changed = make(chan struct{})
}

func start(t *testing.T) *player {
	t.Helper()
	p := &player{t: t, pub: bundletest.New(t), screen: newScreen(), feeds: &feeds{rows: map[string]connect.Result{}, changed: make(chan struct{})}}
	var err error
	if p.store, err = store.Open(store.Config{Dir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.store.Close() })
	if err := p.store.Pin(p.pub.Chain); err != nil {
		t.Fatal(err)
	}
	p.Playout, err = playout.New(playout.Config{Store: p.store, Clock: wall{}, Screen: p.screen, Feeds: p.feeds, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *player) run() {
	ctx, cancel := context.WithCancel(p.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx)
	}()
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		if p.siren != nil {
			p.siren.Run(ctx)
		}
	}()
	p.t.Cleanup(func() { cancel(); <-done; <-listening })
	synctest.Wait()
}

func (p *player) publish(m bundle.Manifest) {
	p.t.Helper()
	files := map[string][]byte{"media/x.png": picture()}
	if _, err := p.store.Ingest(p.t.Context(), content{p.pub.Content(p.t, m, files)}, nil); err != nil {
		p.t.Fatal(err)
	}
	synctest.Wait()
}

// at waits until a time of the bubble's first day, which is 1 January 2000, a Saturday.
func (p *player) at(clock string) {
	p.t.Helper()
	to, err := time.Parse("2006-01-02 15:04:05", "2000-01-01 "+clock)
	if err != nil {
		p.t.Fatal(err)
	}
	time.Sleep(time.Until(to))
	synctest.Wait()
}

func (p *player) wants(want ...string) {
	p.t.Helper()
	if got := p.seen(); !slices.Equal(got, want) {
		p.t.Errorf("the screen showed\n\t%q, not\n\t%q", got, want)
	}
}

func windows(from, to string) []schedule.Window { return []schedule.Window{{from, to}} }

func TestPlayout(t *testing.T) {
	scenes := map[string]scene.Scene{"a": say("A", 10*time.Second), "b": say("B", 10*time.Second), "c": say("C", 10*time.Second),
		"long": say("LONG", time.Hour), "lost": say("LOST", 5*time.Second)}
	fleet := schedule.Defaults{Fleet: []string{"a", "b"}}
	cases := []struct {
		name string
		play func(p *player)
	}{
		{"without a bundle the card is on", func(p *player) {
			p.run()
			p.wants("card@00:00:00")
		}},
		{"the card gives way to a bundle at once", func(p *player) {
			p.run()
			p.at("00:00:03")
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: fleet}})
			p.at("00:00:15")
			p.wants("card@00:00:00", "A@00:00:03", "B@00:00:13")
		}},
		{"a loop goes round", func(p *player) {
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: fleet}})
			p.run()
			p.at("00:00:35")
			p.wants("A@00:00:00", "B@00:00:10", "A@00:00:20", "B@00:00:30")
		}},
		{"a higher priority cuts, and its end waits for the item's end", func(p *player) {
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: fleet,
				Events: []schedule.Event{{ID: "e", Items: []string{"c"}, Windows: windows("00:00:04", "00:00:30")}}}})
			p.run()
			p.at("00:00:40")
			p.wants("A@00:00:00", "C@00:00:04", "C@00:00:14", "C@00:00:24", "B@00:00:34")
		}},
		{"an emergency cuts, and so does its end", func(p *player) {
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: fleet,
				Events: []schedule.Event{{ID: "e", Kind: "emergency", Severity: "Extreme", Items: []string{"c"}, Windows: windows("00:00:04", "00:00:17")}}}})
			p.run()
			p.at("00:00:20")
			p.wants("A@00:00:00", "C@00:00:04", "C@00:00:14", "B@00:00:17")
		}},
		{"an event that finishes waits no longer than it says", func(p *player) {
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"long"}},
				Events: []schedule.Event{{ID: "e", Items: []string{"c"}, OnStart: "finish", MaxWait: "20s", Windows: windows("00:01", "00:01:25")}}}})
			p.run()
			p.at("00:01:25")
			p.wants("LONG@00:00:00", "C@00:01:20")
		}},
		{"a new bundle goes on with an item that it has unchanged", func(p *player) {
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: fleet}})
			p.run()
			p.at("00:00:04")
			p.publish(bundle.Manifest{Seq: 2, Scenes: scenes, Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"a", "c"}}}})
			p.at("00:00:15")
			p.wants("A@00:00:00", "C@00:00:10")
		}},
		{"a new bundle cuts an item that is not in it", func(p *player) {
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: fleet}})
			p.run()
			p.at("00:00:04")
			p.publish(bundle.Manifest{Seq: 2, Scenes: scenes, Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"c"}}}})
			p.at("00:00:05")
			p.wants("A@00:00:00", "C@00:00:04")
		}},
		{"a new bundle waits for an end that is near", func(p *player) {
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: fleet}})
			p.run()
			time.Sleep(9950 * time.Millisecond)
			p.publish(bundle.Manifest{Seq: 2, Scenes: scenes, Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"c"}}}})
			p.at("00:00:12")
			p.wants("A@00:00:00", "C@00:00:10")
		}},
		{"an item that fails three times is left out for ten minutes", func(p *player) {
			p.bad["LOST"] = true
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"long", "lost"}}}})
			p.run()
			p.at("04:30:00")
			if q := p.Status().Quarantined; len(q) != 0 {
				t.Errorf("one failure an hour is no quarantine: %v", q)
			}
			p.publish(bundle.Manifest{Seq: 2, Scenes: scenes, Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"c", "lost"}}}})
			p.seen()
			p.at("04:30:45")
			if q := p.Status().Quarantined; q["lost"] == "" {
				t.Errorf("in quarantine are %v", q)
			}
			p.at("04:40:15")
			if q := p.Status().Quarantined; q["lost"] == "" {
				t.Errorf("let go too early")
			}
			p.mend("LOST")
			p.seen()
			p.at("04:41:00")
			if got := strings.Join(p.seen(), " "); !strings.Contains(got, "LOST") {
				t.Errorf("afterwards the screen showed %s", got)
			}
		}},
		{"where all fails, the card stands in", func(p *player) {
			p.bad["LOST"] = true
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"lost"}}}, Fallback: []string{"lost"}})
			p.run()
			p.at("00:01:00")
			p.wants("card@00:00:00")
		}},
		{"outside of working hours the screen is off, and nothing is proven", func(p *player) {
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: fleet, WorkingHours: &schedule.WorkingHours{Windows: windows("08:00", "08:00:15")}}})
			p.run()
			p.at("07:59:59")
			if !p.isDark() {
				t.Error("the screen is on at night")
			}
			p.at("08:00:12")
			p.wants("A@08:00:00", "B@08:00:10")
			p.at("08:01:00")
			if !p.dark || len(p.proofs()) != 2 {
				t.Errorf("dark %v, proofs %v", p.isDark(), p.proofs())
			}
		}},
		{"overlays come and go without touching what is below", func(p *player) {
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"long"}},
				Events: []schedule.Event{{ID: "o", Kind: "overlay", Items: []string{"c"}, Windows: windows("00:10", "00:20")}}}})
			p.run()
			p.at("00:10:00")
			if p.above() != 1 {
				t.Errorf("%d overlays at ten past", p.above())
			}
			p.at("00:20:00")
			if p.above() != 0 {
				t.Errorf("%d overlays at twenty past", p.above())
			}
			p.wants("LONG@00:00:00")
		}},
		{"an event that has played often enough gives way for the hour", func(p *player) {
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: fleet,
				Events: []schedule.Event{{ID: "e", Items: []string{"c"}, MaxPerHour: 2}}}})
			p.run()
			p.at("00:00:45")
			p.wants("C@00:00:00", "C@00:00:10", "A@00:00:20", "B@00:00:30", "A@00:00:40")
			p.seen()
			p.at("01:00:05")
			if got := p.seen(); got[len(got)-1] != "C@01:00:00" {
				t.Errorf("an hour later the screen showed %q", got[len(got)-3:])
			}
		}},
		{"an interrupt has its share of the time", func(p *player) {
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: fleet,
				Events: []schedule.Event{{ID: "ad", Kind: "interrupt", Items: []string{"c", "lost"}, Share: 250}}}})
			p.run()
			p.at("02:00:00")
			seconds := map[string]int{}
			for _, s := range p.seen() {
				item, _, _ := strings.Cut(s, "@")
				seconds[item] += map[string]int{"LOST": 5}[item]
				if item != "LOST" {
					seconds[item] += 10
				}
			}
			if ad := seconds["C"] + seconds["LOST"]; ad < 1780 || ad > 1820 || seconds["A"]-seconds["B"] > 10 || seconds["LOST"] == 0 {
				t.Errorf("of two hours they had, in seconds, %v", seconds)
			}
		}},
		{"of an item that is cut short, only what was seen of it counts for the shares", func(p *player) {
			p.publish(bundle.Manifest{Scenes: scenes, Schedule: schedule.Schedule{Defaults: fleet, Events: []schedule.Event{
				{ID: "ad", Kind: "interrupt", Items: []string{"c"}, Share: 500},
				{ID: "hour", Items: []string{"long"}, Windows: windows("00:00", "00:00:15")},
				{ID: "cut", Kind: "takeover", Items: []string{"lost"}, Windows: windows("00:00:10", "00:00:18")}}}})
			p.run()
			p.at("00:01:05")
			p.wants("LONG@00:00:00", "LOST@00:00:10", "LOST@00:00:15", "A@00:00:18", "C@00:00:28", "C@00:00:38", "B@00:00:48", "C@00:00:58")
		}},
		{"rows that change are shown without a new turn", func(p *player) {
			news := scene.Scene{For: scene.Duration(time.Hour), Zones: []scene.Zone{{At: scene.Rect{0, 0, 1920, 100}, Ticker: &scene.Ticker{Source: "news", Text: "{{.title}}!"}}}}
			p.feeds.set("news", rows("title", "un", "deux"))
			p.publish(bundle.Manifest{Scenes: map[string]scene.Scene{"n": news},
				Sources: map[string]bundle.SourceSpec{"news": {Type: "text", Location: bundle.Location{Type: "file", Path: "/news.txt"}}}})
			p.run()
			p.at("00:00:05")
			p.feeds.set("news", rows("title", "trois"))
			p.at("00:00:06")
			p.wants("un!|deux!@00:00:00", "trois!~00:00:05", "trois!~00:00:05") // what is on, and its next turn
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.play(start(t))
			})
		})
	}
}

func rows(column string, cells ...string) connect.Result {
	r := connect.Result{Columns: []string{column}}
	for _, c := range cells {
		r.Rows = append(r.Rows, []connect.Value{{Kind: connect.Text, Text: c}})
	}
	return r
}

func (p *player) proofs() []api.Proof {
	run, _, err := p.store.Plays(1000)
	if err != nil {
		p.t.Error(err)
	}
	return run.Plays
}

func TestADayIsProvenWithoutGaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		p.publish(bundle.Manifest{Scenes: map[string]scene.Scene{"a": say("A", 20*time.Second), "b": say("B", 40*time.Second)}})
		p.run()
		p.at("23:59:59")
		plays := p.proofs()
		if len(plays) != 1000 {
			t.Fatalf("%d plays in the first run", len(plays))
		}
		for i, pl := range plays {
			if pl.N != uint64(i+1) || pl.Reason != "time" || pl.Stream != "lobby" || pl.Layer != "default" {
				t.Fatalf("play %d is %+v", i, pl)
			}
			if i > 0 && !pl.Start.Equal(plays[i-1].End) {
				t.Fatalf("between %v and %v nothing was on", plays[i-1].End, pl.Start)
			}
		}
	})
}

func TestAShowingThatNeverStartsIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		p.publish(bundle.Manifest{Scenes: map[string]scene.Scene{"a": say("A", 10*time.Second), "b": say("B", 10*time.Second)}})
		deaf := &deaf{reports: make(chan pipe.Report, 16)}
		var err error
		p.Playout, err = playout.New(playout.Config{Store: p.store, Clock: wall{}, Screen: deaf})
		if err != nil {
			t.Fatal(err)
		}
		p.run()
		for range 20 {
			deaf.reports <- pipe.Report{Ev: pipe.EvPulse}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if !slices.Equal(deaf.queued, []string{"A", "B"}) {
			t.Errorf("the renderer was told %q", deaf.queued)
		}
	})
}

// deaf is a renderer that never shows anything.
type deaf struct {
	reports chan pipe.Report
	queued  []string
}

func (d *deaf) Reports() <-chan pipe.Report { return d.reports }

func (d *deaf) Send(c pipe.Command) error {
	if c.Op == pipe.OpQueue {
		d.queued = append(d.queued, name(c.Scene))
	}
	return nil
}
