package witness

import (
	"slices"
	"time"
)

// Item is what is known of a medium beforehand.
type Item struct {
	ID     int
	Frames int           // 0 = a picture
	Period time.Duration // of a frame
	For    time.Duration // of a picture on the screen; 0 = not known
	Round  int           // of a live stream: frames after which their numbers begin again; 0 = they do not
}

// ItemOf describes a Clip.
func ItemOf(c Clip) Item {
	return Item{ID: c.Item, Frames: c.Frames, Period: time.Second / time.Duration(c.Rate)}
}

// Run is one showing of an item, as far as it was seen.
type Run struct {
	Item        int
	First, Last time.Duration // of the samples that showed it
	FirstFrame  int
	LastFrame   int           // of a live stream it counts on where the numbers begin again
	LastCame    time.Duration // first sample of its last frame
	Distinct    int           // frames that were seen
	Backwards   int           // samples whose frame number was lower than the one before
	hole        int           // samples without a mark before it
}

// Change is the passage from one item to another.
type Change struct {
	From, To int
	At       time.Duration
	// Late is how long the next item's first picture came after the present item's time was over: the freeze. Negative:
	// it came before. Known to one sample.
	Late time.Duration
	// Hole is how long neither of the two was on the screen, in whole samples.
	Hole time.Duration
}

// Summary is what a film shows about one Look.
type Summary struct {
	Samples      int
	Blind        int           // see Film
	FirstContent time.Duration // the first sample with a mark; negative = never
	Black        int           // black samples after that
	Unreadable   int           // samples without a mark after that, black ones included
	Stale        int           // samples that showed something older than the sample before
	Runs         []Run
	Changes      []Change
	Worst        time.Duration // the latest change, 0 if none was late
	Median       time.Duration // of the changes' lateness, early ones count as 0
	Hole         time.Duration // the longest
	Seen         map[int]int   // by item: times it was shown
	FramesShown  int           // of the videos' frames in whole runs …
	FramesDue    int           // … and how many there were
}

// Summarise follows one Look through the film.
func (f *Film) Summarise(look int, items []Item) Summary {
	out := Summary{Samples: len(f.Samples), Blind: f.Blind, FirstContent: -1, Seen: map[int]int{}}
	known := map[int]Item{}
	for _, it := range items {
		known[it.ID] = it
	}
	hole := 0
	for _, s := range f.Samples {
		m := s.Marks[look]
		if m.OK && out.FirstContent < 0 {
			out.FirstContent = s.At
		}
		if out.FirstContent < 0 {
			continue
		}
		if s.Black {
			out.Black++
		}
		if !m.OK {
			out.Unreadable++
			hole++
			continue
		}
		out.see(s.At, m.Mark, hole, known[m.Item].Round)
		hole = 0
	}
	out.changes(known, f.Period)
	return out
}

// see adds a mark to the present run, or begins another.
func (o *Summary) see(at time.Duration, m Mark, hole, round int) {
	if n := len(o.Runs); n > 0 && o.Runs[n-1].Item == m.Item {
		r := &o.Runs[n-1]
		if round > 0 { // the nearer way round, as RFC 1982 compares serial numbers
			m.Frame = r.LastFrame + (m.Frame-r.LastFrame%round+round+round/2)%round - round/2
		}
		again := m.Frame < r.LastFrame && m.Frame <= 2 // the same file once more
		switch {
		case m.Frame == r.LastFrame:
			r.Last = at
			return
		case m.Frame > r.LastFrame:
			r.Last, r.LastFrame, r.LastCame = at, m.Frame, at
			r.Distinct++
			return
		case !again:
			r.Last = at
			r.Backwards++
			o.Stale++
			return
		}
	}
	o.Runs = append(o.Runs, Run{Item: m.Item, First: at, Last: at, FirstFrame: m.Frame, LastFrame: m.Frame, LastCame: at, Distinct: 1, hole: hole})
	o.Seen[m.Item]++
}

// changes measures what lies between the runs.
func (o *Summary) changes(known map[int]Item, period time.Duration) {
	var late []time.Duration
	for i := 1; i < len(o.Runs); i++ {
		a, b := o.Runs[i-1], o.Runs[i]
		c := Change{From: a.Item, To: b.Item, At: b.First, Hole: time.Duration(b.hole) * period}
		due := a.First + known[a.Item].For
		if it := known[a.Item]; it.Frames > 0 {
			due = a.LastCame + time.Duration(it.Frames-a.LastFrame)*it.Period
			if i > 1 {
				o.FramesShown += a.Distinct
				o.FramesDue += it.Frames
			}
		}
		if known[a.Item].Frames > 0 || known[a.Item].For > 0 {
			c.Late = b.First - due
			late = append(late, max(0, c.Late))
		}
		o.Changes = append(o.Changes, c)
		o.Worst, o.Hole = max(o.Worst, c.Late), max(o.Hole, c.Hole)
		if i > 1 && o.Runs[i-2].Item == b.Item && b.FirstFrame > 2 && b.FirstFrame >= o.Runs[i-2].LastFrame {
			o.Stale++ // it went on after a flash of another
		}
	}
	if len(late) > 0 {
		slices.Sort(late)
		o.Median = late[len(late)/2]
	}
}
