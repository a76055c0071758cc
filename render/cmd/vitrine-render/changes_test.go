package main_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/render/pipe"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

var (
	changesFile = flag.String("changes", "", "measure changes of every pair of kinds and write them to this `file` as JSON")
	changesMany = flag.Int("changes-many", 500, "how `many` changes, in each of two runs: without a ticker and with one")
	changesStay = flag.Duration("changes-stay", 2500*time.Millisecond, "how `long` each item stays")
)

// everyPair goes through n things so that each follows each, itself included, once in a round (a sequence of de Bruijn's).
func everyPair(n int) []int {
	var out []int
	for a := range n {
		out = append(out, a)
		for b := a + 1; b < n; b++ {
			out = append(out, a, b)
		}
	}
	return out
}

func TestEveryPairIsInARound(t *testing.T) {
	for n := 1; n < 8; n++ {
		order := everyPair(n)
		seen := map[[2]int]int{}
		for i, a := range order {
			seen[[2]int{a, order[(i+1)%len(order)]}]++
		}
		if len(order) != n*n || len(seen) != n*n {
			t.Errorf("of %d things %d pairs in %d steps, want each once", n, len(seen), len(order))
		}
	}
}

// parade is what a run shows: in one playlist, or each in a scene of its own.
type parade struct {
	sorts  []sort
	ticker bool
	scenes bool
	turn   []int // by sort: which of its two media comes next
}

// next is the medium of a sort that was not shown last, as a zone's item or as zones.
func (p *parade) next(n int) (scene.Item, []scene.Zone, int) {
	if p.turn == nil {
		p.turn = make([]int, len(p.sorts))
	}
	i := p.turn[n]
	p.turn[n] = 1 - i
	s := p.sorts[n]
	return s.media[i].Item, s.zones[i], s.media[i].known.ID
}

func (p *parade) scene(zones []scene.Zone) scene.Scene {
	s := scene.Scene{Zones: zones}
	if p.ticker {
		s.Zones = append(slices.Clone(zones), scene.Zone{At: scene.Rect{0, 620, 1280, 100}, Z: 2, Background: "#102030",
			Ticker: &scene.Ticker{Text: "News that moves, without end"}})
	}
	return s
}

// play shows so many items on a display of its own, and returns what was seen.
func (p *parade) play(t *testing.T, many int) witness.Summary {
	t.Helper()
	g := newRig(t, []witness.Look{{Zone: image.Rectangle{Max: screenSize}, Sizes: []image.Point{markSize}, Fit: scene.Stretch}}, true)
	order := everyPair(len(p.sorts))
	if p.scenes {
		for i := range many + 1 {
			item, zones, _ := p.next(order[i%len(order)])
			s := p.scene(zones)
			if zones == nil {
				s = p.scene([]scene.Zone{{At: whole(), Playlist: []scene.Item{item}}})
			} else {
				s.For = scene.Duration(p.sorts[0].media[0].known.Period) * scene.Duration(p.sorts[0].media[0].known.Frames)
			}
			g.queue(uint64(i+1), i == 0, s)
			g.awaitStarted(uint64(i + 1))
		}
	} else {
		var items []scene.Item
		for range 2 { // both media of each sort are in both roles
			for _, n := range order {
				item, _, _ := p.next(n)
				items = append(items, item)
			}
		}
		g.queue(1, true, p.scene([]scene.Zone{{At: whole(), Playlist: items}}))
		for left := many; left > 0; left -= 20 { // a minute is the end of every wait
			g.awaitRuns(0, min(left, 20))
		}
	}
	known := map[int]medium{}
	for _, s := range p.sorts {
		for _, m := range s.media {
			known[m.known.ID] = m
		}
	}
	out := g.summary(0, known)
	var items []witness.Item
	for _, m := range known {
		items = append(items, m.known)
	}
	slow := g.film.Every(cameras).Summarise(0, items) // gaps are compared as a camera of 60 Hz sees them
	out.Changes, out.Median, out.Worst, out.Hole = slow.Changes, slow.Median, slow.Worst, slow.Hole
	for _, r := range g.reports {
		if r.Ev == pipe.EvFailed {
			t.Errorf("failed: %s", r.Error)
		}
	}
	for id := range known {
		if out.Seen[id] == 0 && many > len(order) && len(order) > 1 {
			t.Errorf("item %d was never seen", id)
		}
	}
	return out
}

func TestChangesOfEveryPairOfKindsAreNeverBlackOrStale(t *testing.T) {
	const stay = 300 * time.Millisecond
	sorts := makeSorts(t, stay)
	for _, scenes := range []bool{false, true} {
		p := parade{sorts: sorts, scenes: scenes, ticker: scenes}
		if !scenes { // widgets are no items
			p.sorts = slices.DeleteFunc(slices.Clone(sorts), func(s sort) bool { return s.zones[0] != nil })
		}
		s := p.play(t, len(p.sorts)*len(p.sorts)+1)
		if s.Black != 0 || s.Stale != 0 || s.Unreadable != 0 {
			t.Errorf("scenes %v: %d black, %d stale, %d unreadable samples, want none", scenes, s.Black, s.Stale, s.Unreadable)
		}
	}
}

// pair is what was measured of changes from one kind to another.
type pair struct {
	From, To          string
	Changes, Lates    int
	MedianMS, WorstMS float64
	late              []time.Duration
	HoleMS            float64
}

// tally are the figures of one run.
type tally struct {
	Run                 string
	Changes             int
	MedianMS, WorstMS   float64
	Black, Stale        int
	FramesShown, Frames int
	Samples, Blind      int
	Pairs               []*pair
}

func TestChangesFigures(t *testing.T) {
	if *changesFile == "" {
		t.Skip("a benchmark of 45 minutes: run it with -changes FILE")
	}
	sorts := addLive(t, makeSorts(t, *changesStay), *changesStay)
	items := slices.DeleteFunc(slices.Clone(sorts), func(s sort) bool { return s.zones[0] != nil })
	var out []tally
	for _, ticker := range []bool{false, true} {
		for _, p := range []parade{{sorts: items, ticker: ticker}, {sorts: sorts, scenes: true, ticker: ticker}} {
			name := fmt.Sprintf("items of a playlist, ticker %v", ticker)
			if p.scenes {
				name = fmt.Sprintf("scenes, ticker %v", ticker)
			}
			t.Run(name, func(t *testing.T) {
				s := p.play(t, *changesMany/2)
				out = append(out, p.tally(name, s))
				t.Log(out[len(out)-1].table(p.sorts))
			})
		}
	}
	b, err := json.MarshalIndent(out, "", "  ")
	if err == nil {
		err = os.WriteFile(*changesFile, append(b, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (p *parade) tally(name string, s witness.Summary) tally {
	of := map[int]string{}
	for _, k := range p.sorts {
		for _, m := range k.media {
			of[m.known.ID] = k.name
		}
	}
	out := tally{Run: name, Changes: len(s.Changes), Black: s.Black, Stale: s.Stale, FramesShown: s.FramesShown, Frames: s.FramesDue,
		Samples: s.Samples, Blind: s.Blind}
	var all []time.Duration
	for _, c := range s.Changes {
		i := slices.IndexFunc(out.Pairs, func(q *pair) bool { return q.From == of[c.From] && q.To == of[c.To] })
		if i < 0 {
			i = len(out.Pairs)
			out.Pairs = append(out.Pairs, &pair{From: of[c.From], To: of[c.To]})
		}
		q := out.Pairs[i]
		q.Changes++
		late := max(0, c.Late)
		q.late, all = append(q.late, late), append(all, late)
		if late > 17*time.Millisecond {
			q.Lates++
		}
		q.HoleMS = max(q.HoleMS, millis(c.Hole))
	}
	for _, q := range out.Pairs {
		q.MedianMS, q.WorstMS = spread(q.late)
	}
	out.MedianMS, out.WorstMS = spread(all)
	return out
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()/100) / 10 }

func spread(d []time.Duration) (median, worst float64) {
	if len(d) == 0 {
		return 0, 0
	}
	slices.Sort(d)
	return millis(d[len(d)/2]), millis(d[len(d)-1])
}

// table has a row for each kind and a column for each that follows it: median and worst gap in milliseconds.
func (y tally) table(sorts []sort) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d changes, gap median %.1f ms, worst %.1f; black %d, stale %d; video frames %d of %d; %d samples, %d blind\n%-10s",
		y.Run, y.Changes, y.MedianMS, y.WorstMS, y.Black, y.Stale, y.FramesShown, y.Frames, y.Samples, y.Blind, "from \\ to")
	for _, s := range sorts {
		fmt.Fprintf(&b, "%14s", s.name)
	}
	for _, from := range sorts {
		fmt.Fprintf(&b, "\n%-10s", from.name)
		for _, to := range sorts {
			cell := "–"
			for _, q := range y.Pairs {
				if q.From == from.name && q.To == to.name {
					cell = fmt.Sprintf("%.0f/%.0f (%d)", q.MedianMS, q.WorstMS, q.Changes)
				}
			}
			fmt.Fprintf(&b, "%14s", cell)
		}
	}
	return b.String()
}
