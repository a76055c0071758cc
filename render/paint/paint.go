// Package paint answers: what does this widget look like? Text, tickers, clocks, countdowns, tables, cards, calendars, weather, charts,
// QR codes, shapes and the player's own card; and it reads pictures.
//
//	scene.Zone ──New──> Widget ──Paint(dst, now)──> the zone's own surface ──> compose
//	                      │ ▲
//	          Next(now) ──┘ └── Update(zone): new rows, same widget
//	                   text: package glyph
//
// A widget draws into a surface of its own that is kept between calls, and says which part of it has changed. Opacity and
// the place on the screen are the compositor's business; background and rounded corners are the widget's.
package paint

import (
	"fmt"
	"image"
	"time"

	"vitrine/render/glyph"
	"vitrine/render/scene"
)

// Env is what a widget sees of the world around it.
type Env struct {
	Fonts  *glyph.Fonts
	Zone   *time.Location // of clocks that name none; nil = the machine's
	Locale string         // "fr", "en"; "" = en
	// Patient says that a page waits for its pictures, at any cost in time: for pictures and films, not for screens.
	Patient bool
}

// Widget paints the content of one zone. Its methods are called by one goroutine at a time; different widgets may be
// used by different goroutines though they share their fonts.
type Widget interface {
	// Paint brings dst, the zone's own surface (premultiplied, transparent at first, kept between calls), up to date and
	// returns what has changed; an empty rectangle is nothing.
	Paint(dst *image.RGBA, now time.Time) image.Rectangle
	// Next is when Paint will have something new: zero is never, now or before is each frame.
	Next(now time.Time) time.Time
}

// Updater is a Widget that takes new content without starting again.
type Updater interface {
	// Update says whether the widget has taken z. False: z differs by more than its contents, make a new widget.
	Update(z scene.Zone) bool
}

// maxSide and maxPixels bound a zone's surface: a mistake in a bundle must not take the player's memory.
const (
	maxSide   = 16384
	maxPixels = 64 << 20
)

// New makes the widget of a zone. The size is in output pixels, scale is output pixels per canvas pixel. A playlist zone's
// widget is its background alone: its media are the compositor's business.
func New(z scene.Zone, size image.Point, scale float64, env Env) (Widget, error) {
	if size.X < 1 || size.Y < 1 || size.X > maxSide || size.Y > maxSide || size.X*size.Y > maxPixels {
		return nil, fmt.Errorf("a zone of %d×%d pixels cannot be drawn: give it a width and a height between 1 and %d", size.X, size.Y, maxSide)
	}
	if !(scale > 0 && scale <= 64) {
		return nil, fmt.Errorf("a zone cannot be drawn at scale %v: the canvas must have a width and a height", scale)
	}
	if env.Fonts == nil {
		fonts, err := glyph.LoadFonts(glyph.FontConfig{NoSystem: true})
		if err != nil {
			return nil, err
		}
		env.Fonts = fonts
	}
	if env.Zone == nil {
		env.Zone = time.Local
	}
	p := newPlate(z, size, scale)
	w, err := newWidget(z, p, env)
	if err != nil {
		return nil, err
	}
	if _, takes := w.(Updater); takes && z.SourceName() != "" {
		return newDated(w, p, env), nil
	}
	return w, nil
}

// newWidget makes the widget of a zone's kind.
func newWidget(z scene.Zone, p plate, env Env) (Widget, error) {
	switch z.Kind() {
	case "text":
		return newText(*z.Text, p, env), nil
	case "clock":
		if len(z.Clock.Cities) > 0 || z.Clock.Face == "hands" {
			return orError(newWorld(*z.Clock, p, env))
		}
		return orError(newClock(*z.Clock, p, env))
	case "ticker":
		return newTicker(*z.Ticker, p, env), nil
	case "table":
		return orError(newTable(*z.Table, p, env))
	case "countdown":
		return orError(newCountdown(*z.Countdown, p, env))
	case "chart":
		return orError(newChart(*z.Chart, p, env))
	case "shape":
		return orError(newShape(*z.Shape, p))
	case "qr":
		return orError(newCode(*z.QR, p))
	case "cards":
		return orError(newCards(*z.Cards, p, env))
	case "weather":
		return newWeather(*z.Weather, p, env), nil
	case "calendar":
		return newPlanner(*z.Calendar, p, env), nil
	case "card":
		return newCard(*z.Card, p, env), nil
	}
	return newBlank(p), nil
}

// orError gives no widget beside an error.
func orError[W Widget](w W, err error) (Widget, error) {
	if err != nil {
		return nil, err
	}
	return w, nil
}
