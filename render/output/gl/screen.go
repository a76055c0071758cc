//go:build gl

package gl

import (
	"fmt"
	"image"
	"runtime"
	"slices"
	"strings"

	"vitrine/render/output"
	"vitrine/render/output/layout"
)

// Screen is an output that shows a composition as a plan says, through OpenGL.
type Screen struct {
	*layout.Screen // where things are; the pixels go another way
	window         *output.X11
	plan           layout.Plan
	frame          *output.Frame
	name           string
	table          func(channel, value int) byte // to be taken over; nil = none is
	whole          bool

	orders  chan func(card) error
	done    chan error
	closing chan struct{}
	closed  chan struct{}
}

// New draws into a window that was not presented yet; it belongs to the Screen, unless there is an error. ErrSoftware is
// that of a machine without a graphics card, unless software is true.
func New(x *output.X11, p layout.Plan, software bool) (*Screen, error) {
	s := &Screen{
		Screen: layout.Bare(x, p), window: x, plan: p, frame: output.NewFrame(p.Canvas),
		table: layout.Correction(output.Picture{}), whole: true,
		orders: make(chan func(card) error, 1), done: make(chan error, 4), closing: make(chan struct{}), closed: make(chan struct{}),
	}
	opened := make(chan error, 1)
	go s.run(software, opened)
	if err := <-opened; err != nil {
		return nil, err
	}
	go s.watch()
	return s, nil
}

// run is the one thread that OpenGL is spoken to on.
func (s *Screen) run(software bool, opened chan<- error) {
	runtime.LockOSThread()
	defer close(s.closed)
	c, err := openCard(s.window.Display(), s.window.Window(), s.plan.Canvas)
	if err != nil {
		opened <- fmt.Errorf("use OpenGL: %w", err)
		return
	}
	s.name = c.name()
	if !software && painted(s.name) {
		c.close()
		opened <- fmt.Errorf("%w (%s)", ErrSoftware, s.name)
		return
	}
	defer c.close()
	opened <- nil
	for {
		select {
		case order := <-s.orders:
			err := order(c)
			if err != nil {
				err = fmt.Errorf("show a frame through OpenGL: %w", err)
			}
			s.answer(err)
		case <-s.closing:
			return
		}
	}
}

// painted says that a renderer of OpenGL's is no graphics card.
func painted(name string) bool {
	name = strings.ToLower(name)
	for _, soft := range []string{"llvmpipe", "softpipe", "swrast", "software", "swiftshader"} {
		if strings.Contains(name, soft) {
			return true
		}
	}
	return false
}

// watch hands on what the window says by itself: that its server is gone, or its displays have changed.
func (s *Screen) watch() {
	for {
		select {
		case err := <-s.window.Done():
			if err != nil {
				s.answer(err)
			}
		case <-s.closing:
			return
		}
	}
}

func (s *Screen) answer(err error) {
	select {
	case s.done <- err:
	case <-s.closing:
	}
}

// Name is "gl".
func (s *Screen) Name() string { return "gl" }

// Renderer is the graphics card's name.
func (s *Screen) Renderer() string { return s.name }

// Software says that the processor does what a graphics card should.
func (s *Screen) Software() bool { return painted(s.name) }

// Frame is what Present uploads from.
func (s *Screen) Frame() *output.Frame { return s.frame }

// Done answers each Present, at the vertical blank that shows it.
func (s *Screen) Done() <-chan error { return s.done }

// Correct changes the colours from the next Present on.
func (s *Screen) Correct(p output.Picture) error {
	if err := s.Screen.Correct(p); err != nil {
		return err
	}
	s.table = layout.Correction(p)
	return nil
}

// Present uploads the dirty parts and draws.
func (s *Screen) Present(dirty []image.Rectangle) {
	var parts []image.Rectangle
	for _, r := range dirty {
		if r = r.Intersect(s.frame.Bounds()); !r.Empty() {
			parts = append(parts, r)
		}
	}
	if s.whole {
		parts, s.whole = []image.Rectangle{s.frame.Bounds()}, false
	}
	table := s.table
	s.table = nil
	s.orders <- func(c card) error {
		if table != nil {
			c.correct(table)
		}
		for _, r := range parts {
			if err := c.upload(s.frame, r); err != nil {
				return err
			}
		}
		return s.window.Cover(func() error { return c.draw(s.window.Size(), s.plan.Tiles) })
	}
}

// Hold stretches the last frame over a screen that has another size now, as the window's does.
func (s *Screen) Hold() {
	was := s.window.Size()
	size, other := s.window.Widen()
	if !other {
		return
	}
	tiles := slices.Clone(s.plan.Tiles)
	for i := range tiles {
		r := &tiles[i].To
		r.Min.X, r.Max.X = r.Min.X*size.X/was.X, r.Max.X*size.X/was.X
		r.Min.Y, r.Max.Y = r.Min.Y*size.Y/was.Y, r.Max.Y*size.Y/was.Y
	}
	held := make(chan struct{})
	s.orders <- func(c card) error {
		defer close(held)
		return c.draw(size, tiles)
	}
	<-held
}

// Close leaves the screen.
func (s *Screen) Close() {
	close(s.closing)
	<-s.closed
	s.window.Close()
}
