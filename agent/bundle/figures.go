package bundle

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"vitrine/render/scene"
)

// validateFigure checks texts of several looks, countdowns, shapes, charts, clocks, cards and weather.
func (m *Manifest) validateFigure(z scene.Zone) error {
	switch {
	case z.Text != nil:
		return validateSpans(z.Text)
	case z.Countdown != nil:
		return validateCountdown(z.Countdown)
	case z.Shape != nil:
		return validateShape(z.Shape)
	case z.Chart != nil:
		return validateChart(z.Chart)
	case z.Clock != nil:
		return validateClock(z.Clock)
	case z.Cards != nil:
		return m.validateCards(z.Cards)
	case z.Weather != nil:
		return validateWeather(z.Weather)
	}
	return nil
}

func validateSpans(t *scene.Text) error {
	if len(t.Spans) > 200 || len(t.Spans) > 0 && t.Text != "" {
		return errors.New("its text has more than 200 spans, or spans and a text")
	}
	for _, s := range t.Spans {
		if s.Scale < 0 || s.Scale > 10 || s.Weight != 0 && (s.Weight < 100 || s.Weight > 900) {
			return fmt.Errorf("a span's scale %g is not within 0 to 10, or its weight %d not within 100 to 900", s.Scale, s.Weight)
		}
		if err := checkColor(s.Color); err != nil {
			return err
		}
	}
	return nil
}

func validateCountdown(c *scene.Countdown) error {
	if !IsInstant(c.To) {
		return fmt.Errorf("its countdown's instant %q is not written like 2026-12-31T24:00", c.To)
	}
	if c.Zone != "" {
		if _, err := time.LoadLocation(c.Zone); err != nil {
			return fmt.Errorf("its countdown's zone %q is not an IANA time zone", c.Zone)
		}
	}
	return nil
}

// IsInstant tells whether s is a date and a time of day as a countdown takes them: local ("2026-12-31T24:00", with seconds
// too), or with an offset (RFC 3339). 24:00 is the end of its day.
func IsInstant(s string) bool {
	for _, midnight := range []string{"T24:00:00", "T24:00"} {
		if day, ok := strings.CutSuffix(s, midnight); ok {
			s = day + "T00:00"
		}
	}
	return slices.ContainsFunc([]string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04"}, func(layout string) bool {
		_, err := time.Parse(layout, s)
		return err == nil
	})
}

func validateShape(s *scene.Shape) error {
	if !slices.Contains([]string{"", "rect", "ellipse"}, s.Form) || s.Angle < -360 || s.Angle > 360 || s.Width < 0 || s.Width > 1000 {
		return fmt.Errorf("its shape's form %q is not rect or ellipse, or its angle %d or border %d is out of bounds", s.Form, s.Angle, s.Width)
	}
	return errors.Join(checkColor(s.Fill), checkColor(s.To), checkColor(s.Border))
}

func validateChart(c *scene.Chart) error {
	if !slices.Contains([]string{"", "bar", "line", "pie"}, c.Form) {
		return fmt.Errorf("its chart's form %q is not bar, line or pie", c.Form)
	}
	if c.Label == "" || len(c.Values) < 1 || len(c.Values) > 12 || len(c.Titles) > 12 || len(c.Colors) > 100 {
		return errors.New("its chart has no label column, or not 1 to 12 value columns, or more than 12 titles or 100 colours")
	}
	for _, one := range c.Colors {
		if err := checkColor(one); err != nil {
			return err
		}
	}
	return nil
}
