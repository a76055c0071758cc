package media

import (
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"vitrine/render/animation"
	"vitrine/render/scene"
)

// Animation plays pictures that move: GIF, APNG, WebP. It is a compose.Video. An item with a length goes round and
// round; one without is over when it has been through once.
type Animation struct {
	wake func()

	mu      sync.Mutex
	room    image.Point
	reel    *reel // nil = nothing loaded
	dropped uint64
}

// NewAnimation has nothing to play yet. wake is called from a goroutine of its own when there may be something new.
func NewAnimation(wake func()) *Animation { return &Animation{wake: wake} }

// reel is one loaded file. Its goroutine alone touches canvas and scaler.
type reel struct {
	of     *Animation
	item   scene.Item
	film   *animation.Animation
	canvas *animation.Canvas
	scaler scaler
	opaque bool
	close  func() error
	play   chan struct{} // closed by the first Play
	stop   chan struct{}
	gone   chan struct{} // the goroutine has ended

	// Under of.mu:
	shot   shot
	size   image.Point // that Render asked for
	fresh  bool
	ended  bool
	played bool
	err    error
}

// shot is a frame as Render hands it out: blue, green, red, alpha, premultiplied.
type shot struct {
	pix  []byte
	size image.Point
}

// Room says how large the zone is, so that frames are scaled before they are due.
func (p *Animation) Room(size image.Point, _ float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.room = size
}

// Load opens a file and decodes its first frame, or the one at start, which counts round and round.
func (p *Animation) Load(item scene.Item, start time.Duration) error {
	p.Stop()
	file, err := open(item.Src)
	if err != nil {
		return err
	}
	st, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	film, err := animation.Open(file, st.Size())
	if err != nil {
		return errors.Join(fmt.Errorf("the animation %s: %w", item.Src, err), file.Close())
	}
	r := &reel{of: p, item: item, film: film, canvas: film.NewCanvas(), close: file.Close,
		play: make(chan struct{}), stop: make(chan struct{}), gone: make(chan struct{})}
	frame, since := film.At(start)
	for i := 0; i <= frame; i++ {
		if err := r.canvas.Next(); err != nil {
			return errors.Join(fmt.Errorf("the animation %s: %w", item.Src, err), file.Close())
		}
		if i == 0 {
			r.opaque = r.canvas.Opaque()
		}
	}
	p.mu.Lock()
	r.size = film.Size
	if p.room != (image.Point{}) {
		r.size = target(film.Size, p.room, item.Fit)
	}
	p.mu.Unlock()
	r.shot = r.scaler.scale(r.canvas.Pix, r.size, item.Fit, shot{})
	p.mu.Lock()
	r.fresh = true
	p.reel = r
	p.mu.Unlock()
	go r.run(since)
	p.wake()
	return nil
}

// target is the size at which a picture is drawn in a room: only one that is to be seen whole is smaller.
func target(natural, room image.Point, fit scene.Fit) image.Point {
	if fit != scene.Contain {
		return room
	}
	_, to := place(natural, room, fit)
	return to.Size()
}

// run shows each frame at its time, counted from the first Play: a late one does not make the others late.
func (r *reel) run(since time.Duration) {
	defer close(r.gone)
	defer r.close() //nolint:errcheck // it was only read
	select {
	case <-r.play:
	case <-r.stop:
		return
	}
	due := time.Now().Add(-since)
	spare := shot{}
	for {
		i := r.canvas.Shown()
		due = due.Add(r.film.Frames[i].Stay)
		if i == len(r.film.Frames)-1 && r.item.For == 0 {
			if r.wait(due) {
				r.tell(func() { r.ended = true })
			}
			return
		}
		if err := r.canvas.Next(); err != nil {
			r.tell(func() { r.err = err })
			return
		}
		if next := due.Add(r.film.Frames[r.canvas.Shown()].Stay); time.Now().After(next) { // its time is over already
			r.of.mu.Lock()
			r.of.dropped++
			r.of.mu.Unlock()
			if late := time.Since(next); late > time.Second { // a machine that slept: nobody wants the past
				due = due.Add(late)
			}
			continue
		}
		r.of.mu.Lock()
		size := r.size
		r.of.mu.Unlock()
		ahead := r.scaler.scale(r.canvas.Pix, size, r.item.Fit, spare)
		if !r.wait(due) {
			return
		}
		r.tell(func() {
			spare, r.shot = r.shot, ahead
			r.fresh = true
		})
	}
}

// wait is false when the reel is stopped before t.
func (r *reel) wait(t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.stop:
		return false
	}
}

// tell changes what the others see, and wakes the compositor.
func (r *reel) tell(change func()) {
	r.of.mu.Lock()
	change()
	r.of.mu.Unlock()
	r.of.wake()
}

// Play lets the frames go on.
func (p *Animation) Play() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reel != nil && !p.reel.played {
		p.reel.played = true
		close(p.reel.play)
	}
}

// SetVolume does nothing: these pictures are silent.
func (p *Animation) SetVolume(int) {}

// Sounds is false: there is nothing to be heard.
func (p *Animation) Sounds() bool { return false }

// Stop forgets the file.
func (p *Animation) Stop() {
	p.mu.Lock()
	r := p.reel
	p.reel = nil
	p.mu.Unlock()
	if r != nil {
		close(r.stop)
		<-r.gone
	}
}

// Fresh says that there is a frame that Render has not drawn.
func (p *Animation) Fresh() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reel != nil && p.reel.fresh
}

// Render draws the present frame: premultiplied blue, green, red, alpha.
func (p *Animation) Render(pix []byte, stride int, size image.Point) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.reel
	if r == nil {
		return errors.New("draw an animation: nothing is loaded")
	}
	if size.X < 1 || size.Y < 1 || len(pix) < stride*(size.Y-1)+size.X*4 {
		return fmt.Errorf("draw an animation: %d bytes do not hold %d×%d pixels", len(pix), size.X, size.Y)
	}
	r.fresh, r.size = false, size
	s := r.shot
	if s.size != size { // once: from now on frames come in this size
		s = (&scaler{}).stretch(s, size)
		r.shot = s
	}
	for y := range size.Y {
		copy(pix[y*stride:y*stride+size.X*4], s.pix[y*size.X*4:])
	}
	return nil
}

// Alpha says that something can be seen through the picture.
func (p *Animation) Alpha() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reel != nil && !p.reel.opaque
}

// Ready says that the first frame is there: it is as soon as a file is loaded.
func (p *Animation) Ready() bool { return p.look(func(r *reel) bool { return r.err == nil }) }

// Ended says that the last frame has had its time; it stays.
func (p *Animation) Ended() bool { return p.look(func(r *reel) bool { return r.ended }) }

func (p *Animation) look(at func(*reel) bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reel != nil && at(p.reel)
}

// Err is why the file cannot be played on.
func (p *Animation) Err() (err error) {
	p.look(func(r *reel) bool { err = r.err; return true })
	return err
}

// Length is how long the file takes, zero when it goes round and round.
func (p *Animation) Length() (d time.Duration) {
	p.look(func(r *reel) bool {
		if r.item.For == 0 {
			d = r.film.Length()
		}
		return true
	})
	return d
}

// Size is the picture's.
func (p *Animation) Size() (size image.Point) {
	p.look(func(r *reel) bool { size = r.film.Size; return true })
	return size
}

// Dropped counts the frames that were decoded too late to be shown.
func (p *Animation) Dropped() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dropped
}

// Hwdec is "no": Go decodes.
func (p *Animation) Hwdec() string { return "no" }

// Close is Stop.
func (p *Animation) Close() { p.Stop() }
