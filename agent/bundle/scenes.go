package bundle

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"vitrine/render/scene"
)

// Bounds of a canvas and of what is on it, pixels.
const (
	maxCanvas = 16384
	maxZones  = 64
	maxItems  = 1000 // of one playlist
	maxZ      = 1000
)

var color = regexp.MustCompile(`^#[0-9a-f]{6}([0-9a-f]{2})?$`)

func (m *Manifest) validateScenes() error {
	if c := m.Canvas; c.Width < 1 || c.Height < 1 || c.Width > maxCanvas || c.Height > maxCanvas {
		return fmt.Errorf("the canvas of %d x %d is not within 1 to %d", c.Width, c.Height, maxCanvas)
	}
	for _, id := range slices.Sorted(maps.Keys(m.Scenes)) {
		if !name.MatchString(id) {
			return fmt.Errorf("a scene's name %q is not 1 to 64 letters, digits, \".\", \"_\" or \"-\"", id)
		}
		if err := m.validateScene(m.Scenes[id]); err != nil {
			return fmt.Errorf("scene %q: %w", id, err)
		}
	}
	return nil
}

func (m *Manifest) validateScene(s scene.Scene) error {
	if len(s.Zones) == 0 || len(s.Zones) > maxZones {
		return fmt.Errorf("it has %d zones; 1 to %d are allowed", len(s.Zones), maxZones)
	}
	if !slices.ContainsFunc(s.Zones, func(z scene.Zone) bool { return len(z.Playlist) > 0 }) && s.For == 0 {
		return errors.New("it has no length and no playlist that could give it one")
	}
	if s.For < 0 || time.Duration(s.For) > MaxFor {
		return fmt.Errorf("its length %s is not within 0 to %s", time.Duration(s.For), MaxFor)
	}
	if err := errors.Join(checkColor(s.Background), CheckTransition(s.Transition), m.validateBed(s.Audio)); err != nil {
		return err
	}
	for i, z := range s.Zones {
		if err := m.validateZone(z); err != nil {
			return fmt.Errorf("zone %d: %w", i+1, err)
		}
	}
	return nil
}

func (m *Manifest) validateZone(z scene.Zone) error {
	if err := CheckRect(z.At, m.Canvas); err != nil {
		return err
	}
	kinds := len(z.Contents())
	switch {
	case z.Card != nil:
		return errors.New("the player's own card is not for bundles")
	case kinds > 1:
		return fmt.Errorf("it has %d kinds of content; one is wanted", kinds)
	case kinds == 0 && z.Background == "":
		return errors.New("it has neither content nor a background")
	case z.Z < -maxZ || z.Z > maxZ:
		return fmt.Errorf("its z %d is not within -%d to %d", z.Z, maxZ, maxZ)
	case !(z.Opacity >= 0 && z.Opacity <= 1):
		return fmt.Errorf("its opacity %g is not within 0 to 1", z.Opacity)
	case z.Radius < 0 || z.Radius > maxCanvas:
		return fmt.Errorf("its radius %d is not within 0 to %d", z.Radius, maxCanvas)
	case len(z.Playlist) > maxItems:
		return fmt.Errorf("its playlist has %d items; %d are the most", len(z.Playlist), maxItems)
	}
	for _, item := range z.Playlist {
		if err := m.validateItem(item); err != nil {
			return fmt.Errorf("item %.200q: %w", item.Src, err)
		}
		if item.Kind == scene.Audio {
			return fmt.Errorf("item %.200q: sound alone belongs into the scene's audio", item.Src)
		}
	}
	if id := z.SourceName(); id != "" {
		if _, ok := m.Sources[id]; !ok {
			return fmt.Errorf("its source %q is not defined", id)
		}
	}
	return errors.Join(checkColor(z.Background), m.validateStyle(zoneStyle(z)), m.validateFonts(zoneFonts(z)), validateWidget(z), m.validateFigure(z), bounded(reflect.ValueOf(z)))
}

// CheckRect refuses a zone that is empty, absurd or wholly outside of the canvas.
func CheckRect(r scene.Rect, canvas scene.Size) error {
	x, y, w, h := r[0], r[1], r[2], r[3]
	for _, v := range r {
		if v < -maxCanvas || v > maxCanvas {
			return fmt.Errorf("its place %v is not within %d pixels", r, maxCanvas)
		}
	}
	if w < 1 || h < 1 {
		return fmt.Errorf("its place %v is x, y, width, height, and its width and height are not both at least 1", r)
	}
	if x >= canvas.Width || y >= canvas.Height || x+w <= 0 || y+h <= 0 {
		return fmt.Errorf("its place %v is outside of the canvas of %d x %d", r, canvas.Width, canvas.Height)
	}
	return nil
}

func (m *Manifest) validateStyle(s scene.Style) error {
	switch {
	case s.Size < 0 || s.Size > maxCanvas, s.Pad < 0 || s.Pad > maxCanvas:
		return errors.New("its style's size or pad is out of bounds")
	case s.Weight != 0 && (s.Weight < 100 || s.Weight > 900):
		return fmt.Errorf("its weight %d is not within 100 to 900", s.Weight)
	case !slices.Contains([]string{"", "start", "center", "end"}, s.Align):
		return fmt.Errorf("align %q is not start, center or end", s.Align)
	case !slices.Contains([]string{"", "top", "middle", "bottom"}, s.Valign):
		return fmt.Errorf("valign %q is not top, middle or bottom", s.Valign)
	}
	return checkColor(s.Color)
}

func (m *Manifest) validateFonts(fonts []string) error {
	for _, f := range fonts {
		if _, ok := m.Files[f]; !ok && strings.Contains(f, "/") {
			return fmt.Errorf("its font %q is not in the bundle", f)
		}
	}
	return nil
}

// validateWidget checks what the kinds of widget have of their own. What playout binds must be empty in a manifest.
func validateWidget(z scene.Zone) error {
	if !slices.Contains([]string{"", "stale", "always", "never"}, z.ShowAge) {
		return fmt.Errorf("its showAge %.40q is not stale, always or never", z.ShowAge)
	}
	switch {
	case z.Ticker != nil && len(z.Ticker.Items) > 0, z.Table != nil && len(z.Table.Cells) > 0, z.Chart != nil && len(z.Chart.Cells) > 0, z.Calendar != nil && len(z.Calendar.Cells) > 0, z.Age != "":
		return errors.New("it brings bound rows of its own")
	case z.Ticker != nil && (z.Ticker.Speed < 0 || z.Ticker.Speed > 10_000):
		return fmt.Errorf("its speed %d is not within 0 to 10000 pixels a second", z.Ticker.Speed)
	case z.Table != nil && (len(z.Table.Columns) == 0 || len(z.Table.Columns) > 50):
		return fmt.Errorf("its table has %d columns; 1 to 50 are allowed", len(z.Table.Columns))
	case z.Table != nil && (z.Table.Rows < 0 || z.Table.Rows > 1000):
		return fmt.Errorf("its table shows %d rows at a time; 0 to 1000 are allowed", z.Table.Rows)
	case z.QR != nil && (z.QR.Text == "" || len(z.QR.Text) > 2000):
		return errors.New("its QR code has no text, or more than 2000 bytes")
	case z.QR != nil && !slices.Contains([]string{"", "L", "M", "Q", "H"}, z.QR.Level):
		return fmt.Errorf("its QR code's level %q is not L, M, Q or H", z.QR.Level)
	}
	switch {
	case z.Calendar != nil:
		return validateCalendar(z.Calendar)
	case z.Text != nil && z.Text.Source != "":
		if _, err := NewLine(z.Text.Text); err != nil || z.Text.Row < 0 || len(z.Text.Spans) > 0 {
			return errors.Join(errors.New("its text's {{…}}, row or spans are not right"), err)
		}
	case z.Ticker != nil && z.Ticker.Source != "":
		if _, err := NewLine(z.Ticker.Text); err != nil {
			return fmt.Errorf("its text's {{…}} is not right: %w", err)
		}
	case z.Table != nil:
		for _, c := range z.Table.Columns {
			if c.Name == "" || c.Width < 0 || c.Width > 1000 || !slices.Contains([]string{"", "start", "center", "end"}, c.Align) {
				return fmt.Errorf("its column %q has no name, or a width or align that cannot be", c.Name)
			}
		}
		return checkColor(z.Table.Accent)
	case z.QR != nil:
		return checkColor(z.QR.Color)
	}
	return nil
}

func checkColor(c scene.Color) error {
	if c != "" && !color.MatchString(string(c)) {
		return fmt.Errorf("color %q is not #rrggbb or #rrggbbaa in lower case", c)
	}
	return nil
}
