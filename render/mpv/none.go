//go:build !mpv

package mpv

import (
	"errors"
	"image"
	"time"

	"vitrine/render/scene"
)

// ErrNone is why a renderer that was built without libmpv plays no video.
var ErrNone = errors.New("this renderer was built without libmpv and plays no video; install libmpv and a vitrine-render that was built with the tag mpv")

// Frugal does nothing.
func Frugal() {}

// Core is never made without libmpv.
type Core struct{}

// New always fails.
func New(Config) (*Core, error) { return nil, ErrNone }

// Version is "": there is no libmpv.
func (c *Core) Version() string { return "" }

// Load fails.
func (c *Core) Load(scene.Item, time.Duration) error { return ErrNone }

// Play does nothing.
func (c *Core) Play() {}

// SetVolume does nothing.
func (c *Core) SetVolume(int) {}

// Stop does nothing.
func (c *Core) Stop() {}

// Fresh is false.
func (c *Core) Fresh() bool { return false }

// Ready is false.
func (c *Core) Ready() bool { return false }

// Ended is false.
func (c *Core) Ended() bool { return false }

// Err is ErrNone.
func (c *Core) Err() error { return ErrNone }

// Length is zero.
func (c *Core) Length() time.Duration { return 0 }

// Size is zero.
func (c *Core) Size() image.Point { return image.Point{} }

// Sounds is false.
func (c *Core) Sounds() bool { return false }

// Dropped is zero.
func (c *Core) Dropped() uint64 { return 0 }

// Hwdec is "".
func (c *Core) Hwdec() string { return "" }

// Render fails.
func (c *Core) Render([]byte, int, image.Point) error { return ErrNone }

// Close does nothing.
func (c *Core) Close() {}

// Sound is never made without libmpv.
type Sound struct{}

// NewSound always fails.
func NewSound(func()) (*Sound, error) {
	return nil, errors.New("this renderer was built without libmpv and plays no sound; install libmpv and a vitrine-render that was built with the tag mpv")
}

// Load fails.
func (s *Sound) Load([]scene.Item) error { return ErrNone }

// SetVolume does nothing.
func (s *Sound) SetVolume(int) {}

// Err is ErrNone.
func (s *Sound) Err() error { return ErrNone }

// Stop does nothing.
func (s *Sound) Stop() {}

// Close does nothing.
func (s *Sound) Close() {}
