package film

import (
	"context"
	"image"
	"image/draw"
	"time"

	"vitrine/render/compose"
	"vitrine/render/paint"
	"vitrine/render/scene"
)

// reel plays the items of a playlist zone, as package compose's does on a screen.
//
//	item 1 ────────────┐ own end          a medium that ends by itself is shown to its last frame:
//	          item 2 ──┴──────────┐       the transition to the next one begins before that
//	               └ transition   └ its time is over: the next one begins here
type reel struct {
	film    *Film
	items   []scene.Item
	size    image.Point
	once    bool // holds its last frame after one pass
	cur     *take
	old     *take
	cross   scene.Transition
	length  time.Duration
	picture *image.RGBA
	radius  float64         // of the zone's corners, pixels
	own     []time.Duration // lengths of media that have one, as they are known
}

// take is one item on the screen.
type take struct {
	index  int
	begin  time.Time
	end    time.Time // zero = for ever
	medium medium
	round  *image.RGBA // the picture with corners of its own; nil = not needed yet
}

// medium gives pictures of one size at times that never go back.
type medium interface {
	at(ctx context.Context, d time.Duration) (*image.RGBA, error)
	close()
}

func (f *Film) newReel(ctx context.Context, items []scene.Item, size image.Point, radius float64, begin time.Time) (*reel, error) {
	r := &reel{film: f, items: items, size: size, radius: radius, picture: image.NewRGBA(image.Rectangle{Max: size}), own: make([]time.Duration, len(items))}
	for i, it := range items {
		d, err := f.ownLength(ctx, it)
		if err != nil {
			return nil, err
		}
		r.own[i] = d
	}
	var err error
	r.cur, err = r.take(ctx, 0, begin)
	return r, err
}

// stays is how long an item stays, and whether that is until its own end.
func (r *reel) stays(i int) (d time.Duration, own bool) {
	switch it := r.items[i]; {
	case it.For > 0:
		return time.Duration(it.For), false
	case r.own[i] > 0:
		return r.own[i], true
	default:
		return plain, false
	}
}

// until is how long after its begin item i makes place for the next one.
func (r *reel) until(i int) time.Duration {
	d, own := r.stays(i)
	if next := r.items[(i+1)%len(r.items)]; own && !(r.once && i == len(r.items)-1) {
		d = max(0, d-compose.TransitionLength(next.Transition))
	}
	return d
}

// pass is how long all items take, once.
func (r *reel) pass() time.Duration {
	var sum time.Duration
	for i := range r.items {
		sum += r.until(i)
	}
	return sum
}

func (r *reel) take(ctx context.Context, i int, begin time.Time) (*take, error) {
	m, err := r.film.open(ctx, r.items[i], r.size, r.own[i])
	if err != nil {
		return nil, err
	}
	t := &take{index: i, begin: begin, medium: m, end: begin.Add(r.until(i))}
	still := r.items[i].Kind.Still() || r.items[i].Kind.Endless()
	if r.once && i == len(r.items)-1 || len(r.items) == 1 && still {
		t.end = time.Time{}
	}
	return t, nil
}

// advance changes items whose time is over.
func (r *reel) advance(ctx context.Context, now time.Time) error {
	for !r.cur.end.IsZero() && !now.Before(r.cur.end) {
		i := (r.cur.index + 1) % len(r.items)
		next, err := r.take(ctx, i, r.cur.end)
		if err != nil {
			return err
		}
		r.arrive()
		r.old, r.cur = r.cur, next
		r.length = compose.TransitionLength(r.items[i].Transition)
		if d := time.Duration(r.items[i].For); d > 0 {
			r.length = min(r.length, d)
		}
		if r.length == 0 {
			r.arrive()
		} else {
			r.cross = *r.items[i].Transition
		}
	}
	if r.old != nil && !now.Before(r.cur.begin.Add(r.length)) {
		r.arrive()
	}
	return nil
}

// arrive ends a transition.
func (r *reel) arrive() {
	if r.old != nil {
		r.old.medium.close()
		r.old = nil
	}
}

// draw has picture be what the zone shows.
func (r *reel) draw(ctx context.Context, now time.Time) error {
	if err := r.advance(ctx, now); err != nil {
		return err
	}
	b, err := r.shot(ctx, r.cur, now)
	if err != nil {
		return err
	}
	if r.old == nil {
		copy(r.picture.Pix, b.Pix)
		return nil
	}
	a, err := r.shot(ctx, r.old, now)
	if err != nil {
		return err
	}
	compose.Between(r.picture, r.cross, float64(now.Sub(r.cur.begin))/float64(r.length), a, b)
	return nil
}

// shot is an item's picture at an instant. One that is to be seen whole has corners of its own, as on a screen.
func (r *reel) shot(ctx context.Context, t *take, now time.Time) (*image.RGBA, error) {
	img, err := t.medium.at(ctx, r.film.into(t.begin, now))
	if err != nil || r.radius <= 0 || r.items[t.index].Fit != scene.Contain {
		return img, err
	}
	if t.round == nil {
		t.round = image.NewRGBA(img.Rect)
	}
	copy(t.round.Pix, img.Pix)
	if at := compose.Letterbox(img); at != img.Rect { // the others are cut by the zone
		own := t.round.SubImage(at).(*image.RGBA)
		paint.Rounded(&image.RGBA{Pix: own.Pix, Stride: own.Stride, Rect: image.Rectangle{Max: at.Size()}}, r.radius)
	}
	return t.round, nil
}

// into is how far into a medium a frame is: media begin with the first frame in which they show, as on a screen.
func (f *Film) into(begin, now time.Time) time.Duration {
	rate := time.Duration(f.cfg.Rate)
	first := (begin.Sub(f.begin)*rate + time.Second - 1) / time.Second
	return max(0, now.Sub(f.at(int(first))))
}

func (r *reel) close() {
	r.arrive()
	if r.cur != nil {
		r.cur.medium.close()
	}
}

// exactly is a picture of exactly size: smaller or larger ones are cut or padded at the right and below.
func exactly(img *image.RGBA, size image.Point) *image.RGBA {
	if img.Rect == (image.Rectangle{Max: size}) && img.Stride == size.X*4 {
		return img
	}
	out := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(out, out.Rect, img, img.Rect.Min, draw.Src)
	return out
}
