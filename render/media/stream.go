package media

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync"
	"time"

	"vitrine/render/scene"
)

// Core plays one live address; see package mpv, whose Core it is. Load and Close may block.
type Core interface {
	Load(item scene.Item, start time.Duration) error
	Play()
	SetVolume(percent int)
	Fresh() bool
	Render(pix []byte, stride int, size image.Point) error
	Ready() bool
	Ended() bool
	Err() error
	Size() image.Point
	Sounds() bool
	Dropped() uint64
	Hwdec() string
	Close()
}

// StreamConfig is what a Stream is made of.
type StreamConfig struct {
	Open func(wake func()) (Core, error) // a core that may use the network
	Wake func()                          // called from foreign goroutines; must not block
	Log  *slog.Logger                    // nil = slog.Default()
}

// Stream plays a live address and watches it. When no new frame comes it says so (Stalled), and tries again beside what is
// there, with growing waits: the last frame stays until the stream is back, or the item's stand-in takes its place. It is a
// compose.Video without an end.
type Stream struct {
	cfg StreamConfig

	mu      sync.Mutex
	item    scene.Item
	cur     Core
	next    Core // a new connection, not shown yet
	volume  int
	played  bool
	force   bool // cur is another one: its frame must be drawn
	shown   bool // it has had a frame
	held    shot // the last frame, for when there is no other
	stalled bool
	last    time.Time // a new frame, or the beginning of the connection
	lost    uint64    // frames, by cores that are gone
	kick    chan struct{}
	stop    context.CancelFunc
	gone    chan struct{}
}

// NewStream has nothing to play yet.
func NewStream(cfg StreamConfig) *Stream {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Stream{cfg: cfg, kick: make(chan struct{}, 1)}
}

// Load begins to connect. It plays as soon as there is something, silent until Play. start means nothing to a live stream.
func (s *Stream) Load(item scene.Item, _ time.Duration) error {
	s.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	tries := newAddresses(ctx, item.Src)
	core, err := s.connect(item, tries, false)
	if err != nil {
		cancel()
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.item, s.cur, s.played, s.stalled, s.shown, s.held, s.last = item, core, false, false, false, shot{}, time.Now()
	s.stop, s.gone = cancel, make(chan struct{})
	go s.watch(&connection{stream: s, item: item, tries: tries, began: time.Now(), stop: ctx.Done(), gone: s.gone})
	return nil
}

// connect opens the next of a stream's addresses.
func (s *Stream) connect(item scene.Item, tries *addresses, again bool) (Core, error) {
	address, err := tries.next(again)
	if err != nil {
		return nil, err
	}
	item.Src = address
	core, err := s.cfg.Open(s.woken)
	if err != nil {
		return nil, err
	}
	if err := core.Load(item, 0); err != nil {
		core.Close()
		return nil, err
	}
	core.SetVolume(0)
	return core, nil
}

func (s *Stream) woken() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
	s.cfg.Wake()
}

// Play lets the stream be heard.
func (s *Stream) Play() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.played = true
	if s.cur != nil {
		s.cur.Play()
		s.cur.SetVolume(s.volume)
	}
}

// SetVolume is 0 to 100 per cent, and holds from Play on.
func (s *Stream) SetVolume(percent int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.volume = percent
	if s.played && s.cur != nil {
		s.cur.SetVolume(percent)
	}
}

// Stop ends the connection.
func (s *Stream) Stop() {
	s.mu.Lock()
	stop, gone := s.stop, s.gone
	s.stop = nil
	s.mu.Unlock()
	if stop == nil {
		return
	}
	stop()
	<-gone
	s.mu.Lock()
	cores := []Core{s.cur, s.next}
	s.lost += s.cur.Dropped()
	s.cur, s.next = nil, nil
	s.mu.Unlock()
	for _, c := range cores {
		if c != nil {
			c.Close()
		}
	}
}

// Fresh says whether there is a new frame. It must be followed by Render.
func (s *Stream) Fresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cur == nil {
		return false
	}
	fresh := s.cur.Fresh()
	if s.shown && !s.cur.Ready() { // what it draws now is no picture
		if fresh {
			drain(s.cur)
		}
		return false
	}
	if fresh {
		s.last = time.Now()
	}
	fresh = fresh || s.force
	s.force = false
	return fresh
}

// drain takes a frame that nobody wants: libmpv waits for each to be drawn.
func drain(c Core) {
	var scratch [16 * 16 * 4]byte
	_ = c.Render(scratch[:], 16*4, image.Pt(16, 16))
}

// Render draws the present frame, or the last one that there was.
func (s *Stream) Render(pix []byte, stride int, size image.Point) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cur == nil {
		return errors.New("draw a stream: nothing is loaded")
	}
	if size.X < 1 || size.Y < 1 || len(pix) < stride*(size.Y-1)+size.X*4 {
		return fmt.Errorf("draw a stream: %d bytes do not hold %d×%d pixels", len(pix), size.X, size.Y)
	}
	if s.shown && !s.cur.Ready() && s.held.size != (image.Point{}) {
		if s.held.size != size {
			s.held = (&scaler{}).stretch(s.held, size)
		}
		for y := range size.Y {
			copy(pix[y*stride:y*stride+size.X*4], s.held.pix[y*size.X*4:])
		}
		return nil
	}
	if err := s.cur.Render(pix, stride, size); err != nil {
		return fmt.Errorf("draw the stream %s: %w", s.item.Src, err)
	}
	s.shown = s.shown || s.cur.Ready()
	if s.held.size != size {
		s.held = shot{pix: make([]byte, size.X*size.Y*4), size: size}
	}
	for y := range size.Y {
		copy(s.held.pix[y*size.X*4:(y+1)*size.X*4], pix[y*stride:])
	}
	return nil
}

// Stalled says that there is no present picture.
func (s *Stream) Stalled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stalled
}

// Ready says that the first frame is there. Once it was, it stays so.
func (s *Stream) Ready() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cur != nil && (s.shown || s.cur.Ready())
}

// Ended is false: a live stream has no end.
func (s *Stream) Ended() bool { return false }

// Err is nil: a stream that does not come is tried again.
func (s *Stream) Err() error { return nil }

// Length is zero: a live stream has none.
func (s *Stream) Length() time.Duration { return 0 }

// Size is the picture's, zero before Ready.
func (s *Stream) Size() (size image.Point) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cur != nil {
		size = s.cur.Size()
	}
	return size
}

// Sounds says that the stream has sound that is being decoded.
func (s *Stream) Sounds() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cur != nil && s.cur.Sounds() && !s.stalled
}

// Dropped counts the frames that came too late to be shown.
func (s *Stream) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cur == nil {
		return s.lost
	}
	return s.lost + s.cur.Dropped()
}

// Hwdec names what decodes.
func (s *Stream) Hwdec() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cur == nil {
		return ""
	}
	return s.cur.Hwdec()
}

// Close is Stop.
func (s *Stream) Close() { s.Stop() }
