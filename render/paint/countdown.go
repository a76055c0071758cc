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

// countdown shows how long it is until an instant.
type countdown struct {
	plate
	env    Env
	what   scene.Countdown
	to     time.Time
	look   glyph.Look
	shown  string
	fresh  bool // nothing painted yet
	french bool
}

func newCountdown(c scene.Countdown, p plate, env Env) (*countdown, error) {
	w := &countdown{plate: p, env: env, what: c, fresh: true}
	zone := env.Zone
	if c.Zone != "" {
		loc, err := time.LoadLocation(c.Zone)
		if err != nil {
			return nil, fmt.Errorf("countdown: %q is no time zone: use an IANA name such as Europe/Paris", c.Zone)
		}
		zone = loc
	}
	to, err := instant(c.To, zone)
	if err != nil {
		return nil, err
	}
	w.to = to
	locale := c.Locale
	if locale == "" {
		locale = env.Locale
	}
	w.french = strings.HasPrefix(strings.ToLower(locale), "fr")
	w.look = lookOf(c.Style, p.scale, locale)
	w.look.Tabular = true
	return w, nil
}

// instant reads a local or an absolute time; 24:00 is the end of a day (ISO 8601, 4.2.3).
func instant(s string, zone *time.Location) (time.Time, error) {
	day := 0
	for _, midnight := range []string{"T24:00:00", "T24:00"} {
		if rest, ok := strings.CutSuffix(s, midnight); ok {
			s, day = rest+"T00:00", 1
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t.AddDate(0, 0, day), nil
		}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("countdown: %q is no instant: write it like 2026-12-31T18:30", s)
	}
	return t, nil
}

// format is the format in use while so much is left.
func (c *countdown) format(left time.Duration) string {
	switch {
	case c.what.Format != "":
		return c.what.Format
	case left > 24*time.Hour && c.french:
		return "{d} j {hh}:{mm}:{ss}"
	case left > 24*time.Hour:
		return "{d} d {hh}:{mm}:{ss}"
	case left > time.Hour:
		return "{h}:{mm}:{ss}"
	}
	return "{m}:{ss}"
}

// finest is the smallest unit of a format.
func finest(format string) time.Duration {
	for _, u := range []struct {
		letter string
		unit   time.Duration
	}{{"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}} {
		if strings.Contains(format, "{"+u.letter) {
			return u.unit
		}
	}
	return 24 * time.Hour
}

// text is what is shown, and the instant from which on it is something else; zero = never.
func (c *countdown) text(now time.Time) (string, time.Time) {
	left := c.to.Sub(now)
	if left <= 0 {
		if c.what.Done != "" {
			return c.what.Done, time.Time{}
		}
		return countText(c.format(0), 0), time.Time{}
	}
	format := c.format(left)
	unit := finest(format)
	n := (left + unit - 1) / unit
	return countText(format, n*unit), c.to.Add(-(n - 1) * unit)
}

// countText writes a length of time; what a format has no unit for is counted in its next smaller one.
func countText(format string, left time.Duration) string {
	for _, u := range []struct {
		letter string
		unit   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		one, two := "{"+u.letter+"}", "{"+u.letter+u.letter+"}"
		if !strings.Contains(format, one) && !strings.Contains(format, two) {
			continue
		}
		n := left / u.unit
		left -= n * u.unit
		format = strings.ReplaceAll(format, two, fmt.Sprintf("%02d", n))
		format = strings.ReplaceAll(format, one, fmt.Sprintf("%d", n))
	}
	return format
}

func (c *countdown) Paint(dst *image.RGBA, now time.Time) image.Rectangle {
	s, _ := c.text(now)
	if !c.fresh && s == c.shown {
		return image.Rectangle{}
	}
	box := c.bounds().Inset(int(c.px(c.what.Style.Pad)))
	l := c.look
	if l.Size == 0 { // to the widest figures, so that the size changes with the number of figures only
		_, l = c.env.Fonts.Fit(widest(s), l, box.Size(), minSize*c.scale)
	}
	c.fresh, c.shown = false, s
	c.wipe(dst, c.bounds())
	paragraph(c.env.Fonts, dst, box, s, c.what.Style, l, c.scale)
	c.finish(dst, c.bounds())
	return c.bounds()
}

// Next is when another number is due.
func (c *countdown) Next(now time.Time) time.Time {
	s, next := c.text(now)
	if c.fresh || s != c.shown {
		return now
	}
	return next
}

// Update takes no other content: a countdown has none.
func (c *countdown) Update(z scene.Zone) bool {
	return z.Countdown != nil && c.same(z) && reflect.DeepEqual(c.what, *z.Countdown)
}
