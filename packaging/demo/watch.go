package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"vitrine/render/witness"
)

// eye watches the screen, and lets others wait for what comes to be on it.
type eye struct {
	screen witness.Screen
	place  func(image.Rectangle) image.Rectangle // canvas to screen

	mu      sync.Mutex
	begin   time.Time
	last    look
	waiting []waiter
	since   counts // since mark was last called
	film    *witness.Film
	err     error
	done    chan struct{}
}

// look is one sample: what is on the screen by the number that every frame carries.
type look struct {
	At    time.Time
	Black bool
	Mark  witness.Mark
	OK    bool // there was a number
}

// counts is what a stretch of time has shown.
type counts struct {
	Samples, Black int
	Items          []int // in the order in which they came
	Frozen         time.Duration
}

type waiter struct {
	ok   func(look) bool
	seen chan look
}

// newEye knows the screen; run watches it.
func newEye(screen witness.Screen) (*eye, error) {
	p, err := screen.Read()
	if err != nil {
		return nil, fmt.Errorf("look at the screen: %w", err)
	}
	scale := min(float64(p.Size.X)/float64(canvas().X), float64(p.Size.Y)/float64(canvas().Y))
	off := image.Pt(int(float64(p.Size.X)-scale*float64(canvas().X))/2, int(float64(p.Size.Y)-scale*float64(canvas().Y))/2)
	place := func(r image.Rectangle) image.Rectangle {
		f := func(v int) int { return int(float64(v)*scale + 0.5) }
		return image.Rect(f(r.Min.X), f(r.Min.Y), f(r.Max.X), f(r.Max.Y)).Add(off)
	}
	return &eye{screen: screen, place: place, begin: time.Now(), done: make(chan struct{})}, nil
}

// run watches at 60 Hz until ctx ends.
func (e *eye) run(ctx context.Context) {
	defer close(e.done)
	sizes := map[image.Point]bool{}
	var media []image.Point
	for _, it := range reel() {
		if !sizes[it.Size] {
			sizes[it.Size] = true
			media = append(media, it.Size)
		}
	}
	looks := append(plateLook(e.place(filmZone()), media...), plateLook(e.place(image.Rectangle{Max: canvas()}), media...)...)
	film, err := witness.Watch(ctx, e.screen, witness.Watching{Looks: looks, Stills: 32, Width: 640, Each: e.sample})
	e.mu.Lock()
	e.film, e.err = film, err
	for _, w := range e.waiting {
		close(w.seen)
	}
	e.waiting = nil
	e.mu.Unlock()
}

// sample notes one look.
func (e *eye) sample(s witness.Sample) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := look{At: time.Now(), Black: s.Black}
	for _, m := range s.Marks {
		if m.OK {
			l.Mark, l.OK = m.Mark, true
			break
		}
	}
	e.last = l
	e.since.Samples++
	if l.Black {
		e.since.Black++
	}
	if n := len(e.since.Items); l.OK && (n == 0 || e.since.Items[n-1] != l.Mark.Item) {
		e.since.Items = append(e.since.Items, l.Mark.Item)
	}
	keep := e.waiting[:0]
	for _, w := range e.waiting {
		if w.ok(l) {
			w.seen <- l
		} else {
			keep = append(keep, w)
		}
	}
	e.waiting = keep
}

// wait waits until a look satisfies ok.
func (e *eye) wait(ctx context.Context, limit time.Duration, what string, ok func(look) bool) (look, error) {
	w := waiter{ok, make(chan look, 1)}
	e.mu.Lock()
	e.waiting = append(e.waiting, w)
	e.mu.Unlock()
	select {
	case l, open := <-w.seen:
		if !open {
			return l, errors.New("nobody watches the screen any more")
		}
		return l, nil
	case <-time.After(limit):
		return look{}, fmt.Errorf("%s was not seen on the screen within %v", what, limit)
	case <-ctx.Done():
		return look{}, context.Cause(ctx)
	}
}

// fresh waits for content other than what was on the screen when it was called: a held frame does not count.
func (e *eye) fresh(ctx context.Context, limit time.Duration) (look, error) {
	was := e.now()
	return e.wait(ctx, limit, "new content", func(l look) bool { return l.OK && l.Mark != was.Mark })
}

// now is the last look.
func (e *eye) now() look {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.last
}

// mark gives what was seen since the last call, and begins again.
func (e *eye) mark() counts {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.since
	e.since = counts{}
	return c
}

// merged is the film with one mark a sample: of whichever place had one.
func (e *eye) merged() *witness.Film {
	<-e.done
	f := *e.film
	f.Looks = []witness.Look{{Label: "screen"}}
	f.Samples = nil
	for _, s := range e.film.Samples {
		one := witness.Seen{}
		for _, m := range s.Marks {
			if m.OK {
				one = m
				break
			}
		}
		s.Marks = []witness.Seen{one}
		f.Samples = append(f.Samples, s)
	}
	return &f
}

// widget looks at a zone that shows no numbers: how much of it differs from its commonest colour, and what it looks like.
func (e *eye) widget(zone image.Rectangle) (ink float64, hash uint64, err error) {
	p, err := e.screen.Read()
	if err != nil {
		return 0, 0, err
	}
	r := e.place(zone).Intersect(image.Rectangle{Max: p.Size})
	colors := map[uint32]int{}
	n, most := 0, 0
	for y := r.Min.Y; y < r.Max.Y; y += 2 {
		for x := r.Min.X; x < r.Max.X; x += 2 {
			b := p.Pix[y*p.Stride+x*4:]
			c := uint32(b[0])>>3 | uint32(b[1])>>3<<8 | uint32(b[2])>>3<<16
			colors[c]++
			most = max(most, colors[c])
			hash = hash*1099511628211 + uint64(c)
			n++
		}
	}
	return 1 - float64(most)/float64(max(n, 1)), hash, nil
}
