package paint_test

import (
	"image"
	"testing"
	"time"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

func newClock(t *testing.T, c scene.Clock, e paint.Env) paint.Widget {
	t.Helper()
	w, err := paint.New(scene.Zone{Background: "#000000", Clock: &c}, image.Pt(400, 60), 1, e)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAClockIsDrawnWhenItsTextChangesAndNotBefore(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse("2006-01-02T15:04:05.999", s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		name, format, now, next string
	}{
		{"minutes", "15:04", "2026-11-21T12:34:56.5", "2026-11-21T12:35:00"},
		{"minutes on the minute", "15:04", "2026-11-21T12:34:00", "2026-11-21T12:35:00"},
		{"seconds", "15:04:05", "2026-11-21T12:34:56.5", "2026-11-21T12:34:57"},
		{"tenths", "15:04:05.0", "2026-11-21T12:34:56.51", "2026-11-21T12:34:56.6"},
		{"the date alone is looked at each minute", "Monday 2 January", "2026-11-21T23:59:59.9", "2026-11-22T00:00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newClock(t, scene.Clock{Format: c.format}, env(t, "en"))
			dst := image.NewRGBA(image.Rect(0, 0, 400, 60))
			now, next := at(c.now), at(c.next)
			if w.Next(now).After(now) {
				t.Error("the first painting is not due at once")
			}
			w.Paint(dst, now)
			if got := w.Next(now); !got.Equal(next) {
				t.Fatalf("next is %v, want %v", got, next)
			}
			if !w.Paint(dst, next.Add(-time.Millisecond)).Empty() {
				t.Error("it was drawn before its text changed")
			}
			if w.Paint(dst, next).Empty() {
				t.Error("it was not drawn when its text changed")
			}
		})
	}
}

func TestAClockShowsItsZoneAndLanguage(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	look := func(c scene.Clock, e paint.Env, now time.Time) string {
		w := newClock(t, c, e)
		dst := image.NewRGBA(image.Rect(0, 0, 400, 60))
		w.Paint(dst, now)
		return string(dst.Pix)
	}
	text := func(s string) string {
		z := scene.Zone{Background: "#000000", Text: &scene.Text{Text: s, Style: scene.Style{Size: 24}}}
		return string(painted(t, z, image.Pt(400, 60), 1, env(t, "en"), 0).Pix)
	}
	style := scene.Style{Size: 24}
	before := time.Date(2026, 10, 25, 0, 59, 0, 0, time.UTC) // 02:59 in Paris, one minute before the hour is repeated
	for _, c := range []struct {
		name string
		a, b string
		same bool
	}{
		{"the player's zone", look(scene.Clock{Style: style}, paint.Env{Fonts: builtIn(t), Zone: paris}, noon()),
			look(scene.Clock{Style: style}, env(t, "en"), noon().Add(time.Hour)), true},
		{"its own zone wins", look(scene.Clock{Style: style, Zone: "Asia/Tokyo"}, paint.Env{Fonts: builtIn(t), Zone: paris}, noon()),
			look(scene.Clock{Style: style}, env(t, "en"), noon().Add(9*time.Hour)), true},
		{"an hour that is repeated", look(scene.Clock{Style: style, Zone: "Europe/Paris"}, env(t, "en"), before.Add(time.Minute)),
			look(scene.Clock{Style: style, Zone: "Europe/Paris"}, env(t, "en"), before.Add(-59*time.Minute)), true},
		{"French names", look(scene.Clock{Style: style, Format: "Monday 2 January", Locale: "fr-CA"}, env(t, "en"), noon()), text("samedi 21 novembre"), true},
		{"short French names", look(scene.Clock{Style: style, Format: "Mon 2 Jan"}, env(t, "fr"), noon()), text("sam. 21 nov."), true},
		{"another language has English names", look(scene.Clock{Style: style, Format: "Monday"}, env(t, "de"), noon()), text("Saturday"), true},
		{"French is not English", look(scene.Clock{Style: style, Format: "Monday"}, env(t, "fr"), noon()), text("Saturday"), false},
	} {
		if (c.a == c.b) != c.same {
			t.Errorf("%s: equal %v, want %v", c.name, c.a == c.b, c.same)
		}
	}
}

func TestAClockWithoutARealZoneIsRefused(t *testing.T) {
	if w, err := paint.New(scene.Zone{Clock: &scene.Clock{Zone: "Europe/Atlantis"}}, image.Pt(10, 10), 1, env(t, "en")); err == nil || w != nil {
		t.Errorf("widget %v, error %v", w, err)
	}
}
