package scene

import "image"

// Length is how long the scene stays if that can be known without opening its media: For, or the sum of its first
// playlist's items when each of them names its own length.
func (s Scene) Length() (Duration, bool) {
	if s.For > 0 {
		return s.For, true
	}
	for _, z := range s.Zones {
		if len(z.Playlist) == 0 {
			continue
		}
		var sum Duration
		for _, item := range z.Playlist {
			if item.For <= 0 {
				return 0, false
			}
			sum += item.For
		}
		return sum, true
	}
	return 0, false
}

// Contents names the kinds of content that the zone has, by their keys in a bundle. A right zone has exactly one;
// a zone with none is a plain coloured rectangle.
func (z Zone) Contents() []string {
	var kinds []string
	add := func(has bool, kind string) {
		if has {
			kinds = append(kinds, kind)
		}
	}
	add(len(z.Playlist) > 0, "playlist")
	add(z.Text != nil, "text")
	add(z.Ticker != nil, "ticker")
	add(z.Clock != nil, "clock")
	add(z.Countdown != nil, "countdown")
	add(z.Table != nil, "table")
	add(z.Chart != nil, "chart")
	add(z.QR != nil, "qr")
	add(z.Shape != nil, "shape")
	add(z.Cards != nil, "cards")
	add(z.Weather != nil, "weather")
	add(z.Calendar != nil, "calendar")
	add(z.Card != nil, "card")
	return kinds
}

// Kind is the zone's first kind of content, or "" for a plain rectangle.
func (z Zone) Kind() string {
	if kinds := z.Contents(); len(kinds) > 0 {
		return kinds[0]
	}
	return ""
}

// Bounds is the rectangle in canvas pixels.
func (r Rect) Bounds() image.Rectangle {
	return image.Rect(r[0], r[1], r[0]+r[2], r[1]+r[3])
}

// Point is the size as a point.
func (s Size) Point() image.Point { return image.Pt(s.Width, s.Height) }

// SourceName is the name of the source whose rows the zone shows, "" if none.
func (z Zone) SourceName() string {
	switch {
	case z.Ticker != nil:
		return z.Ticker.Source
	case z.Table != nil:
		return z.Table.Source
	case z.Chart != nil:
		return z.Chart.Source
	case z.Cards != nil:
		return z.Cards.Source
	case z.Weather != nil:
		return z.Weather.Source
	case z.Calendar != nil:
		return z.Calendar.Source
	case z.Text != nil:
		return z.Text.Source
	}
	return ""
}
