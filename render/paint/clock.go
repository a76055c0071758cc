package paint

import (
	"fmt"
	"image"
	"reflect"
	"strings"
	"time"

	"vitrine/render/glyph"
	"vitrine/render/scene"
)

// clock shows the time of day and is drawn again only when its text changes.
type clock struct {
	plate
	env   Env
	what  scene.Clock
	zone  *time.Location
	step  time.Duration
	look  glyph.Look
	shown string
	fresh bool // nothing painted yet
}

func newClock(c scene.Clock, p plate, env Env) (*clock, error) {
	if c.Face != "" && c.Face != "digits" {
		return nil, fmt.Errorf("clock: face is digits or hands, not %q", c.Face)
	}
	w := &clock{plate: p, env: env, what: c, zone: env.Zone, fresh: true}
	if c.Zone != "" {
		loc, err := time.LoadLocation(c.Zone)
		if err != nil {
			return nil, fmt.Errorf("clock: %q is no time zone: use an IANA name such as Europe/Paris", c.Zone)
		}
		w.zone = loc
	}
	if w.what.Format == "" {
		w.what.Format = "15:04"
	}
	if w.what.Locale == "" {
		w.what.Locale = env.Locale
	}
	w.step = stepOf(w.what.Format)
	w.look = lookOf(c.Style, p.scale, w.what.Locale)
	w.look.Tabular = true
	return w, nil
}

// stepOf is how often a layout's text may change: the finest unit that it has.
func stepOf(layout string) time.Duration {
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	text := at.Format(layout)
	for _, step := range []time.Duration{time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second} {
		if at.Add(step).Format(layout) != text {
			return max(step, 100*time.Millisecond)
		}
	}
	return time.Minute
}

func (c *clock) text(now time.Time) string {
	return formatTime(now.In(c.zone), c.what.Format, c.what.Locale)
}

func (c *clock) Paint(dst *image.RGBA, now time.Time) image.Rectangle {
	s := c.text(now)
	if !c.fresh && s == c.shown {
		return image.Rectangle{}
	}
	c.fresh, c.shown = false, s
	box := c.bounds().Inset(int(c.px(c.what.Style.Pad)))
	if c.look.Size == 0 {
		// Fitted once, to the widest figures, so that the size does not breathe with the time.
		_, c.look = c.env.Fonts.Fit(widest(s), c.look, box.Size(), minSize*c.scale)
	}
	c.wipe(dst, c.bounds())
	paragraph(c.env.Fonts, dst, box, s, c.what.Style, c.look, c.scale)
	c.finish(dst, c.bounds())
	return c.bounds()
}

// widest replaces each digit by one of the widest.
func widest(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '8'
		}
		return r
	}, s)
}

// Next is the next instant at which the text may be another one. Zones are whole minutes away from UTC in this century,
// so that minutes and seconds change together everywhere.
func (c *clock) Next(now time.Time) time.Time {
	if c.fresh || c.text(now) != c.shown {
		return now
	}
	return now.Truncate(c.step).Add(c.step)
}

// Update takes no other content: a clock has none.
func (c *clock) Update(z scene.Zone) bool {
	return z.Clock != nil && c.same(z) && reflect.DeepEqual(*c.plate.zone.Clock, *z.Clock)
}
