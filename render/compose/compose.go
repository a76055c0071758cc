// Package compose makes one frame of everything a screen shows.
//
//	Command ──> Stage ──┬─ scene on the screen ─┐                       ┌─> Present
//	                    │    zones: reels, widgets ├─ layers ─> dirty parts ─┤
//	                    ├─ overlays ────────────┘                       └─> Report
//	                    └─ scene that waits: prepared out of sight
//
// A reel plays a zone's items. The item after the present one is prepared out of sight, a video paused on its first frame
// in a libmpv of its own; at the end of the present one the two change places in the same turn of the loop. Scenes do the
// same as a whole. Nothing is ever cleared before what follows is ready: that is why the screen is never black.
//
// In a transition both sides go on: of a reel's two items each is drawn on a surface of its own, of two scenes each on a
// canvas of its own, for as long as it lasts. How far it is follows from the clock, so that a slow machine shows fewer steps
// and never a gap. A medium that ends by itself begins to go while its last frames are still to come.
//
// Sound follows the picture: an item's volume is its own, times the master's, times its share in a transition; the bed below
// a scene gives way to items that are heard, and goes on into the next scene that has the same one.
//
// One goroutine owns everything; whatever takes long (decoding, opening, shaping) is done elsewhere and handed back.
package compose

import (
	"image"
	"log/slog"
	"time"

	"vitrine/render/output"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// Video plays one item at a time. Load, Stop and Close may block and are called on other goroutines; see package mpv.
// What a kind has beside this it says by further methods:
//
//	Room(size image.Point, scale float64)  told before Load: the zone's pixels, and how many make a canvas pixel
//	Alpha() bool                           Render gives premultiplied pixels that are to be blended; others are opaque
//	Stalled() bool                         there is no present picture: the item's stand-in is shown, or the last frame
//	Update(item scene.Item)                the rows of a page have changed; it goes on
//	Sounds() bool                          there is something to be heard, when it is turned up; those who do not say do
type Video interface {
	Load(item scene.Item, start time.Duration) error // opens it, paused on its first frame
	Play()
	// SetVolume says how loud all of the item is to be, 0 to 100 per cent as on a volume control: what the item says, the
	// master volume and fades multiplied. It holds from the next Load or Play on, and must not block.
	SetVolume(percent int)
	Stop()
	Fresh() bool // there is a frame that Render has not drawn; Render must follow
	Render(pix []byte, stride int, size image.Point) error
	Ready() bool // the first frame is there
	Ended() bool // the last frame has had its time
	Err() error  // why it cannot be played
	Length() time.Duration
	Size() image.Point // of the picture, square pixels; known when ready
	Dropped() uint64   // frames too late, since the Video was made
	Hwdec() string
	Close()
}

// Widget paints a zone that is not a playlist; see package paint.
type Widget interface {
	Paint(dst *image.RGBA, now time.Time) image.Rectangle
	Next(now time.Time) time.Time
}

// Place is what clocks and names of days need to know.
type Place struct {
	Zone   *time.Location
	Locale string
}

// Config connects the Stage with what it is made of.
type Config struct {
	Output  output.Output
	Video   func(wake func()) (Video, error)
	Picture func(item scene.Item, size image.Point) (*image.RGBA, error) // images and pages, fitted into exactly size
	// Other opens what plays an item that is neither a video nor a still picture. nil: such items fail, and say so.
	Other func(kind scene.Kind, wake func()) (Video, error)
	// Sound opens what plays the beds of scenes. nil: there is none, which each scene with a bed reports.
	Sound  func(wake func()) (Sound, error)
	Widget func(z scene.Zone, size image.Point, scale float64, p Place) (Widget, error)
	Report func(pipe.Report) // must not block
	MPV    string            // version, for the ready report
	Log    *slog.Logger      // nil = slog.Default()
}

const (
	lead        = 5 * time.Second  // an item is prepared this long before its turn
	giveUp      = 10 * time.Second // an item or scene that is not ready by then is left out
	retry       = 30 * time.Second // a stream or page that failed is tried again after this
	plainLength = 10 * time.Second // of an image that says none
	pulseEvery  = time.Second
	frozen      = 5 * time.Second // a screen that takes this long over a frame is lost
	spareVideos = 2               // kept open for the next item
)
