//go:build mpv

package mpv

import (
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"github.com/gen2brain/go-mpv"

	"vitrine/render/scene"
)

// Core is one libmpv: one file at a time. Load, Stop and Close may block and belong on a goroutine of their own; the
// others never wait for libmpv, but for Render, which draws. One goroutine at a time may call Fresh and Render.
type Core struct {
	m     *mpv.Mpv
	rc    *mpv.RenderContext
	wake  func()
	live  bool
	ended chan struct{} // the event goroutine is gone

	mu      sync.Mutex
	closing bool
	start   time.Duration // of the last Load
	hooked  bool          // libmpv asks before it seeks there
	want    int64         // playlist entry of the last Load; 0 = none
	file    file
	dropped uint64 // by the files before this one
	hwdec   string
}

// file is what the events said about one playlist entry.
type file struct {
	entry   int64
	shown   bool // libmpv has a first frame and has seen it rendered
	eof     bool
	sounds  bool
	err     error
	length  time.Duration
	size    image.Point
	dropped uint64
	at      time.Duration // of the newest frame …
	since   time.Time     // … which came then
}

const (
	eofReached = iota + 1
	length
	lateFrames
	position
)

func start(options [][2]string) (*mpv.Mpv, error) {
	mpv.SetLocale(mpv.LCNumeric, "C") // libmpv refuses to start otherwise
	m := mpv.New()
	for _, o := range options {
		err := m.SetOptionString(o[0], o[1])
		if err != nil && !errors.Is(err, mpv.ErrOptionNotFound) { // an option that this build lacks is one less to turn off
			m.TerminateDestroy()
			return nil, fmt.Errorf("start libmpv: option %s=%s: %w", o[0], o[1], err)
		}
	}
	if err := m.Initialize(); err != nil {
		m.TerminateDestroy()
		return nil, fmt.Errorf("start libmpv: %w", err)
	}
	return m, nil
}

// New starts a libmpv that has nothing to play yet.
func New(cfg Config) (*Core, error) {
	o := options(cfg.Hwdec)
	if cfg.Live {
		o = liveOptions(cfg.Hwdec)
	}
	m, err := start(o)
	if err != nil {
		return nil, err
	}
	rc, err := m.NewRenderContextSW()
	if err != nil {
		m.TerminateDestroy()
		return nil, fmt.Errorf("start libmpv's software renderer: %w; it needs libmpv 0.33 or newer", err)
	}
	c := &Core{m: m, rc: rc, wake: cfg.Wake, live: cfg.Live, ended: make(chan struct{})}
	observed := []struct {
		id     uint64
		name   string
		format mpv.Format
	}{
		{eofReached, "eof-reached", mpv.FormatFlag}, {length, "duration", mpv.FormatDouble},
		{lateFrames, "frame-drop-count", mpv.FormatInt64}, {position, "time-pos", mpv.FormatDouble},
	}
	for _, o := range observed {
		if err := m.ObserveProperty(o.id, o.name, o.format); err != nil {
			rc.Free()
			m.TerminateDestroy()
			return nil, fmt.Errorf("start libmpv: watch %s: %w", o.name, err)
		}
	}
	rc.SetUpdateCallback(cfg.Wake)
	go c.listen()
	return c, nil
}

// Version is libmpv's own name for itself, like "mpv 0.35.1".
func (c *Core) Version() string { return c.m.GetPropertyString("mpv-version") }

// Load opens a file and pauses it on its first frame, or on the one at start, which counts round and round a file that
// is shorter. What the Core showed before is gone.
func (c *Core) Load(item scene.Item, start time.Duration) error {
	if c.live {
		return c.loadLive(item)
	}
	if err := errFile(item.Src); err != nil {
		return err
	}
	panscan, keep := fitting(item.Fit)
	aid := "no" // a silent item does not pay for decoding its sound
	if item.Volume > 0 {
		aid = "auto"
	}
	set := []struct {
		name   string
		format mpv.Format
		value  any
	}{
		{"pause", mpv.FormatFlag, true}, {"panscan", mpv.FormatDouble, panscan}, {"keepaspect", mpv.FormatFlag, keep},
		{"aid", mpv.FormatString, aid}, {"volume", mpv.FormatDouble, float64(item.Volume)},
		{"start", mpv.FormatString, "none"}, {"speed", mpv.FormatDouble, 1.0},
	}
	if err := c.beginAt(start); err != nil {
		return fmt.Errorf("prepare libmpv for %s: %w", item.Src, err)
	}
	for _, s := range set {
		if err := c.m.SetProperty(s.name, s.format, s.value); err != nil {
			return fmt.Errorf("prepare libmpv for %s: %s: %w", item.Src, s.name, err)
		}
	}
	return c.open(item.Src)
}

// open has libmpv load something, and notes under which number its events will come.
func (c *Core) open(src string) error {
	reply, err := c.m.CommandNode([]any{"loadfile", src, "replace"})
	if err != nil {
		return fmt.Errorf("open the video %s: %w", src, err)
	}
	fields, _ := reply.(map[string]any)
	entry, ok := fields["playlist_entry_id"].(int64)
	if !ok {
		return fmt.Errorf("open the video %s: this libmpv does not number what it plays; it needs 0.33 or newer", src)
	}
	c.mu.Lock()
	c.want = entry
	c.mu.Unlock()
	c.wake() // its events may have come before its number
	return nil
}

// beginAt has libmpv ask where to begin, and which way up, once it has opened the file: a start beyond the end would show
// nothing, and a picture that its flag turns would be drawn from outside of itself.
func (c *Core) beginAt(start time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start = start
	if c.hooked {
		return nil
	}
	c.hooked = true
	return c.m.HookAdd(0, "on_preloaded", 0)
}

// Play lets the loaded file go on.
func (c *Core) Play() { _ = c.m.SetPropertyAsync("pause", 0, mpv.FormatFlag, false) }

// SetVolume is 0 to 100 per cent as on a volume control: libmpv's sound is as strong as the third power of it.
func (c *Core) SetVolume(percent int) {
	setVolume(c.m, percent)
}

func setVolume(m *mpv.Mpv, percent int) {
	_ = m.SetPropertyAsync("volume", 0, mpv.FormatDouble, float64(min(100, max(0, percent))))
}

// SetSpeed plays faster or slower from now on; each Load sets it back to 1.
func (c *Core) SetSpeed(factor float64) {
	_ = c.m.SetPropertyAsync("speed", 0, mpv.FormatDouble, factor)
}

// At is the position of the newest frame, and when it came; false while there is none.
func (c *Core) At() (position time.Duration, since time.Time, ok bool) {
	f, ok := c.current()
	return f.at, f.since, ok && f.shown && !f.since.IsZero()
}

// Stop unloads the file and frees its decoder.
func (c *Core) Stop() {
	c.mu.Lock()
	c.want = 0
	c.mu.Unlock()
	_ = c.m.Command([]string{"stop"})
}

// Fresh says whether Render would draw another frame than before. It must be followed by Render: libmpv waits for it.
func (c *Core) Fresh() bool { return c.rc.Update()&mpv.RenderUpdateFrame != 0 }

// Render draws the present frame into pix: size.Y rows of stride bytes, 4 bytes a pixel: blue, green, red, unused.
func (c *Core) Render(pix []byte, stride int, size image.Point) error {
	if len(pix) < stride*(size.Y-1)+size.X*4 {
		return fmt.Errorf("draw a video frame: %d bytes do not hold %d×%d pixels", len(pix), size.X, size.Y)
	}
	if err := c.rc.RenderSW(size.X, size.Y, stride, "bgr0", pix); err != nil {
		return fmt.Errorf("draw a video frame: %w", err)
	}
	return nil
}

// Ready says that the file's first frame is there: Render draws it.
func (c *Core) Ready() bool { f, ok := c.current(); return ok && f.shown && f.err == nil }

// Ended says that the last frame has been shown for its time; it stays.
func (c *Core) Ended() bool { f, ok := c.current(); return ok && f.shown && f.eof }

// Err is why the file cannot be played, nil while it can.
func (c *Core) Err() error {
	f, ok := c.current()
	if !ok {
		return nil
	}
	return f.err
}

// Length is the file's, zero while it is not known.
func (c *Core) Length() time.Duration { f, _ := c.current(); return f.length }

// Size is the picture's in square pixels, upright; zero before Ready.
func (c *Core) Size() image.Point { f, _ := c.current(); return f.size }

// Sounds says that the file has sound that is being decoded.
func (c *Core) Sounds() bool { f, _ := c.current(); return f.sounds }

// Dropped counts the frames that came too late to be shown, over all files.
func (c *Core) Dropped() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dropped + c.file.dropped
}

// Hwdec names what decodes: "no" is the processor, "" is not known yet.
func (c *Core) Hwdec() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hwdec
}

// Close ends libmpv and frees all it had.
func (c *Core) Close() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.m.Wakeup()
	<-c.ended
	c.rc.Free()
	c.m.TerminateDestroy()
}

func (c *Core) current() (file, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.want == 0 || c.file.entry != c.want {
		return file{}, false
	}
	return c.file, true
}
