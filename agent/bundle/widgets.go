package bundle

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"vitrine/render/scene"
)

// Bounds of everything in a scene that no other check bounds.
const (
	maxText   = 10_000 // bytes of a text
	maxList   = 1000
	maxNumber = 1_000_000
	maxCities = 24
)

// bounded refuses texts, lists, numbers and lengths of time that no player could show, wherever they are in v.
func bounded(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return bounded(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if err := bounded(v.Field(i)); err != nil {
				return err
			}
		}
	case reflect.Slice, reflect.Array:
		if v.Len() > maxList {
			return fmt.Errorf("it has a list of %d; %d are the most", v.Len(), maxList)
		}
		for i := range v.Len() {
			if err := bounded(v.Index(i)); err != nil {
				return err
			}
		}
	case reflect.String:
		if v.Len() > maxText {
			return fmt.Errorf("it has a text of %d bytes; %d are the most", v.Len(), maxText)
		}
	case reflect.Int64, reflect.Int:
		if d, ok := v.Interface().(scene.Duration); ok {
			if d < 0 || time.Duration(d) > MaxFor {
				return fmt.Errorf("the length %s is not within 0 to %s", time.Duration(d), MaxFor)
			}
		} else if n := v.Int(); n < -maxNumber || n > maxNumber {
			return fmt.Errorf("the number %d is not within %d", n, maxNumber)
		}
	case reflect.Float64:
		if n := v.Float(); !(n >= -maxNumber && n <= maxNumber) {
			return fmt.Errorf("the number %g is not within %d", n, maxNumber)
		}
	}
	return nil
}

func validateClock(c *scene.Clock) error {
	if !slices.Contains([]string{"", "digits", "hands"}, c.Face) || len(c.Cities) > maxCities {
		return fmt.Errorf("its clock's face %.40q is not digits or hands, or it has more than %d cities", c.Face, maxCities)
	}
	for _, zone := range append([]scene.City{{Zone: c.Zone}}, c.Cities...) {
		if _, err := time.LoadLocation(zone.Zone); err != nil || zone.Zone == "Local" {
			return fmt.Errorf("its clock's zone %.60q is not an IANA time zone", zone.Zone)
		}
	}
	for _, city := range c.Cities {
		if city.Label == "" || city.Zone == "" {
			return errors.New("a city of its clock has no label or no zone")
		}
	}
	return nil
}

func (m *Manifest) validateCards(c *scene.Cards) error {
	switch {
	case len(c.Cells) > 0:
		return errors.New("it brings bound rows of its own")
	case c.Source == "" || c.Title == "":
		return errors.New("its cards have no source or no title")
	case c.Columns < 0 || c.Columns > 12 || c.Rows < 0 || c.Rows > 12:
		return fmt.Errorf("its cards are %d by %d; 12 each way are the most", c.Columns, c.Rows)
	case c.Pictures != "" && CheckPath(c.Pictures) != nil:
		return fmt.Errorf("its cards' pictures are in %.60q, which is no folder of the bundle", c.Pictures)
	}
	for _, text := range []string{c.Title, c.Text, c.Note} {
		if _, err := NewLine(text); err != nil {
			return fmt.Errorf("its cards' {{…}} is not right: %w", err)
		}
	}
	return errors.Join(checkColor(c.Accent), checkColor(c.Fill))
}

func validateWeather(w *scene.Weather) error {
	switch {
	case len(w.Cells) > 0:
		return errors.New("it brings bound rows of its own")
	case w.Source == "" || w.Label == "" || w.Sky == "":
		return errors.New("its weather has no source, no column of labels or no column of skies")
	case w.Rows < 0 || w.Rows > 48:
		return fmt.Errorf("its weather shows %d rows; 48 are the most", w.Rows)
	}
	return checkColor(w.Accent)
}

func validateCalendar(c *scene.Calendar) error {
	switch {
	case c.Source == "":
		return errors.New("its calendar has no source")
	case !slices.Contains([]string{"", "day", "week", "rooms"}, c.View):
		return fmt.Errorf("its calendar's view %.40q is not day, week or rooms", c.View)
	case c.Days != 0 && c.Days != 5 && c.Days != 7 || len(c.Rooms) > 48:
		return fmt.Errorf("its calendar's week has %d days, which is neither 5 nor 7, or it names more than 48 rooms", c.Days)
	}
	for _, hour := range []string{c.From, c.To} {
		if _, err := time.Parse("15:04", hour); err != nil && hour != "" && hour != "24:00" {
			return fmt.Errorf("its calendar's hour %.40q is not like 08:00", hour)
		}
	}
	return errors.Join(checkColor(c.Accent), checkColor(c.Free), checkColor(c.Busy))
}
