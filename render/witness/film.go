package witness

import (
	"context"
	"hash/maphash"
	"image"
	"time"
)

// Watching says how a screen is watched.
type Watching struct {
	Hz    float64 // samples a second; 0 = 60
	Looks []Look  // where marks are expected
	// Stills keeps a small picture of each item that is seen, at most this many; Width is theirs in pixels (0 = 480).
	Stills int
	Width  int
	// Each is told of every sample, on the watching goroutine; nil = nobody. It must be quick.
	Each func(Sample)
}

// Sample is the screen at one instant.
type Sample struct {
	At    time.Duration // since the film's begin
	Black bool          // not one of a grid of 64 × 36 pixels is brighter than 16 of 255
	Hash  uint64        // of that grid: differs when the picture does
	Marks []Seen        // one for each Look
}

// Seen is a mark that was read in the place of a Look; OK is false where none was.
type Seen struct {
	Mark
	OK bool
}

// Still is a picture that was on the screen.
type Still struct {
	At    time.Duration
	Item  int
	Label string
	Image *image.RGBA
}

// Film is all that was seen.
type Film struct {
	Begin   time.Time
	Period  time.Duration // between samples, as asked for
	Looks   []Look
	Samples []Sample
	Stills  []Still
	Blind   int // samples that came more than half a period late: the machine was busy, what was on then is not known
}

// Every is what a slower camera would have seen: each n-th sample.
func (f *Film) Every(n int) *Film {
	out := *f
	out.Period *= time.Duration(n)
	out.Samples = nil
	for i := 0; i < len(f.Samples); i += n {
		out.Samples = append(out.Samples, f.Samples[i])
	}
	return &out
}

// Watch looks at a screen until ctx ends.
func Watch(ctx context.Context, s Screen, w Watching) (*Film, error) {
	if w.Hz <= 0 {
		w.Hz = 60
	}
	if w.Width <= 0 {
		w.Width = 480
	}
	period := time.Duration(float64(time.Second) / w.Hz)
	f := &Film{Begin: time.Now(), Period: period, Looks: w.Looks}
	seed := maphash.MakeSeed()
	kept := map[int]bool{}
	next := f.Begin
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return f, nil
		case <-timer.C:
		}
		p, err := s.Read()
		if err != nil {
			return f, err
		}
		at := time.Since(f.Begin)
		if at-next.Sub(f.Begin) > period/2 {
			f.Blind++
		}
		sample := look(p, w.Looks, seed)
		f.again(s, &sample)
		sample.At = at
		f.Samples = append(f.Samples, sample)
		f.keep(p, sample, w, kept)
		if w.Each != nil {
			w.Each(sample)
		}
		if next = next.Add(period); time.Now().After(next) {
			next = time.Now()
		}
		timer.Reset(time.Until(next))
	}
}

// again looks once more for marks that were there before and now are not: they may have been read while the screen was
// being written. The X server says what it has written; any other screen is read 2 ms later.
func (f *Film) again(s Screen, now *Sample) {
	if len(f.Samples) == 0 {
		return
	}
	before := f.Samples[len(f.Samples)-1]
	torn := false
	for i, m := range now.Marks {
		torn = torn || !m.OK && before.Marks[i].OK
	}
	if !torn {
		return
	}
	var p Pixels
	var err error
	if server, ok := s.(interface{ whole() (Pixels, error) }); ok {
		p, err = server.whole()
	} else {
		time.Sleep(2 * time.Millisecond)
		p, err = s.Read()
	}
	if err != nil {
		return // the next sample says so
	}
	for i, l := range f.Looks {
		if m, ok := l.Read(p); ok && !now.Marks[i].OK {
			now.Marks[i] = Seen{Mark: m, OK: true}
		}
	}
}

// look takes one sample.
func look(p Pixels, looks []Look, seed maphash.Seed) Sample {
	const wide, high = 64, 36
	var grid [wide * high * 3]byte
	out := Sample{Black: true, Marks: make([]Seen, len(looks))}
	n := 0
	for y := range high {
		row := p.Pix[(p.Size.Y*(2*y+1)/(2*high))*p.Stride:]
		for x := range wide {
			b := row[(p.Size.X*(2*x+1)/(2*wide))*4:]
			out.Black = out.Black && b[0] <= 16 && b[1] <= 16 && b[2] <= 16
			n += copy(grid[n:], b[:3])
		}
	}
	out.Hash = maphash.Bytes(seed, grid[:])
	for i, l := range looks {
		m, ok := l.Read(p)
		out.Marks[i] = Seen{Mark: m, OK: ok}
	}
	return out
}

// keep takes a picture of each item, some frames after it came.
func (f *Film) keep(p Pixels, s Sample, w Watching, kept map[int]bool) {
	const settled = 10 // frames: what a person would see, not the instant of the change
	for i, m := range s.Marks {
		picture := m.Frame == 0 && f.unchanged(i, m.Item, settled)
		if !m.OK || kept[m.Item] || len(f.Stills) >= w.Stills || m.Frame < settled && !picture {
			continue
		}
		kept[m.Item] = true
		f.Stills = append(f.Stills, Still{At: s.At, Item: m.Item, Label: w.Looks[i].Label, Image: shrink(p, w.Width)})
	}
}

// unchanged says whether the last n samples of a look all showed an item.
func (f *Film) unchanged(look, item, n int) bool {
	if len(f.Samples) < n {
		return false
	}
	for _, s := range f.Samples[len(f.Samples)-n:] {
		if !s.Marks[look].OK || s.Marks[look].Item != item {
			return false
		}
	}
	return true
}

// shrink takes every n-th pixel: cheap enough to be done between two samples.
func shrink(p Pixels, width int) *image.RGBA {
	width = min(width, p.Size.X)
	height := max(1, p.Size.Y*width/p.Size.X)
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		row := p.Pix[(p.Size.Y*y/height)*p.Stride:]
		for x := range width {
			b, d := row[(p.Size.X*x/width)*4:], m.Pix[y*m.Stride+x*4:]
			d[0], d[1], d[2], d[3] = b[2], b[1], b[0], 0xff
		}
	}
	return m
}
