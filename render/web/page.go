package web

import (
	"context"
	"errors"
	"fmt"
	"image"
	"net"
	"net/url"
	"path"
	"sync"
	"time"

	"vitrine/render/scene"
)

// Page shows one item of kind web. It has the methods of compose.Video; see there.
type Page struct {
	b    *Browser
	wake func()

	plays chan struct{} // closed by Play
	rows  chan struct{}
	taps  chan [2]float64

	mu      sync.Mutex
	size    image.Point
	scale   float64
	item    scene.Item
	front   *picture // what is shown; nil before the first
	back    *picture // of the same size, for the next
	fresh   bool
	stalled bool
	playing bool
	err     error
	end     context.CancelFunc
	done    chan struct{}
}

// Room says how large the page is to be: screen pixels, and how many of them make a canvas pixel.
func (p *Page) Room(size image.Point, scale float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size, p.scale = size, scale
}

// Load opens the page in the background. What cannot be right is refused at once.
func (p *Page) Load(item scene.Item, _ time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end != nil {
		return errors.New("a web page is loaded once; open another")
	}
	if p.size.X < 1 || p.size.Y < 1 || p.scale <= 0 {
		return errors.New("the page has no room: its zone is smaller than a pixel")
	}
	if _, err := (&tab{}).aim(item, p.b.cfg.own); err != nil {
		return err
	}
	ctx, end := context.WithCancel(p.b.ctx)
	p.item, p.end, p.done = item, end, make(chan struct{})
	go p.live(ctx)
	return nil
}

// Play lets the page live from now on: its animations and videos begin.
func (p *Page) Play() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.playing {
		p.playing = true
		close(p.plays)
	}
}

// SetVolume does nothing: pages have no sound.
func (p *Page) SetVolume(int) {}

// Update gives the page other rows.
func (p *Page) Update(item scene.Item) {
	p.mu.Lock()
	p.item.Rows = item.Rows
	p.mu.Unlock()
	select {
	case p.rows <- struct{}{}:
	default:
	}
}

// Touch is a finger's tap on the page, in pixels of the zone.
func (p *Page) Touch(x, y int) {
	p.mu.Lock()
	scale := p.scale
	p.mu.Unlock()
	select {
	case p.taps <- [2]float64{float64(x) / scale, float64(y) / scale}:
	default: // a page that is not there has nobody to touch it
	}
}

// Stop ends the page and forgets all it has stored.
func (p *Page) Stop() {
	p.mu.Lock()
	end, done := p.end, p.done
	p.mu.Unlock()
	if end != nil {
		end()
		<-done
	}
}

// Close is Stop.
func (p *Page) Close() { p.Stop() }

// Fresh says that there is a picture which Render has not drawn.
func (p *Page) Fresh() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fresh
}

// Render draws the page's present picture: premultiplied blue, green, red, alpha.
func (p *Page) Render(pix []byte, stride int, size image.Point) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(pix) < stride*(size.Y-1)+size.X*4 {
		return fmt.Errorf("draw a page: %d bytes do not hold %d×%d pixels", len(pix), size.X, size.Y)
	}
	p.fresh = false
	if p.front != nil {
		p.front.draw(pix, stride, size)
	}
	return nil
}

// Alpha says that what is below the page may shine through: pages of the bundle paint their own ground.
func (p *Page) Alpha() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return translucent(p.item)
}

// Stalled says that the page has died or cannot be loaded, and is being tried again.
func (p *Page) Stalled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stalled
}

// Ready says that the page's first picture is there.
func (p *Page) Ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.front != nil && p.err == nil
}

// Err is why the page cannot be shown.
func (p *Page) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// Size is the zone's.
func (p *Page) Size() image.Point {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.size
}

// Ended is never true: a page has no end of its own.
func (p *Page) Ended() bool { return false }

// Length is zero, for the same reason.
func (p *Page) Length() time.Duration { return 0 }

// Dropped is zero: a page's frames have no times to be late for.
func (p *Page) Dropped() uint64 { return 0 }

// Hwdec is "": nothing is decoded.
func (p *Page) Hwdec() string { return "" }

// translucent says that an item is a page of the bundle.
func translucent(item scene.Item) bool { return item.Files != nil || path.IsAbs(item.Src) }

// address reads a page's address. own allows http on this machine.
func address(src string, own bool) (*url.URL, error) {
	u, err := url.Parse(src)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return nil, fmt.Errorf("%q is not the address of a page; write one like https://www.example.com/board", src)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && !(own && u.Scheme == "http" && ip != nil && ip.IsLoopback()) {
		return nil, fmt.Errorf("the address %q does not begin with https://, and no other page is fetched", src)
	}
	return u, nil
}

func lastOf(src string) string { return path.Base(src) }
