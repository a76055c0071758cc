package paint_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

// cardsZone has n rows in pages of two.
func cardsZone(t testing.TB, n int) scene.Zone {
	return scene.Zone{Background: "#14202f", Cards: &scene.Cards{Image: "photo", Columns: 2, Rows: 1, Cells: stories(t, n)}}
}

func TestCardsTurnTheirPagesCalmly(t *testing.T) {
	e := env(t, "fr")
	e.Patient = true
	w, err := paint.New(cardsZone(t, 5), image.Pt(400, 200), 1, e)
	if err != nil {
		t.Fatal(err)
	}
	dst := image.NewRGBA(image.Rect(0, 0, 400, 200))
	w.Paint(dst, noon())
	first := bytes.Clone(dst.Pix)
	if next := w.Next(noon()); !next.Equal(noon().Add(10 * time.Second)) {
		t.Fatalf("the first page turns at %v", next)
	}
	turn := noon().Add(10 * time.Second)
	w.Paint(dst, turn)
	last, frames := bytes.Clone(dst.Pix), 0
	for at := turn; w.Next(at).Equal(at); at = at.Add(time.Second / 60) {
		w.Paint(dst, at)
		if jump := largestStep(last, dst.Pix); jump > 40 {
			t.Fatalf("%v into the passage a pixel changes by %d levels at once", at.Sub(turn), jump)
		}
		last = bytes.Clone(dst.Pix)
		if frames++; frames > 120 {
			t.Fatal("the passage does not end")
		}
	}
	if frames < 20 || bytes.Equal(first, dst.Pix) {
		t.Errorf("the second page came in %d frames", frames)
	}
	alone, err := paint.New(scene.Zone{Background: "#14202f", Cards: func() *scene.Cards { c := *cardsZone(t, 5).Cards; return &c }()}, image.Pt(400, 200), 1, e)
	if err != nil {
		t.Fatal(err)
	}
	third := image.NewRGBA(dst.Rect)
	alone.Paint(third, noon())
	for _, at := range []time.Duration{10 * time.Second, 11 * time.Second, 20 * time.Second, 21 * time.Second, 30 * time.Second, 31 * time.Second} {
		alone.Paint(third, noon().Add(at))
	}
	if !bytes.Equal(third.Pix, first) {
		t.Error("after the last page the first does not come again")
	}
}

func largestStep(a, b []byte) int {
	most := 0
	for i := range a {
		most = max(most, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return most
}

func TestCardsNeverWaitForPicturesOnAScreen(t *testing.T) {
	w, err := paint.New(cardsZone(t, 4), image.Pt(400, 200), 1, env(t, "fr"))
	if err != nil {
		t.Fatal(err)
	}
	dst := image.NewRGBA(image.Rect(0, 0, 400, 200))
	w.Paint(dst, noon())
	first := bytes.Clone(dst.Pix)
	// The second page comes as soon as its pictures have been decoded beside the drawing, whenever that is.
	at := noon().Add(10 * time.Second)
	for range 10_000 {
		if !w.Paint(dst, at).Empty() {
			break
		}
		if next := w.Next(at); !next.After(at) || next.Sub(at) > time.Second {
			continue // it is there now
		}
		time.Sleep(time.Millisecond) // another goroutine decodes; nothing announces it
	}
	w.Paint(dst, at.Add(time.Second))
	if bytes.Equal(first, dst.Pix) {
		t.Error("the second page never came")
	}
}

func TestCardsTakeNewRows(t *testing.T) {
	z := cardsZone(t, 2)
	w, err := paint.New(z, image.Pt(400, 200), 1, env(t, "fr"))
	if err != nil {
		t.Fatal(err)
	}
	dst := image.NewRGBA(image.Rect(0, 0, 400, 200))
	w.Paint(dst, noon())
	before := bytes.Clone(dst.Pix)
	other := z
	other.Cards = &scene.Cards{}
	*other.Cards = *z.Cards
	other.Cards.Cells = [][]string{{"Tout autre chose"}, nil, {"", "", "", "", "zu viel"}}
	if !w.(paint.Updater).Update(other) {
		t.Fatal("the rows were not taken")
	}
	w.Paint(dst, noon().Add(time.Second))
	w.Paint(dst, noon().Add(2*time.Second))
	if bytes.Equal(before, dst.Pix) {
		t.Error("the new rows are not to be seen")
	}
	other.Cards.Columns = 1
	z.Cards.Columns = 3
	if w.(paint.Updater).Update(z) {
		t.Error("another grid was taken as other rows")
	}
}

func TestCardsAndWeatherFitEverywhere(t *testing.T) {
	long := strings.Repeat("Donaudampfschifffahrtsgesellschaft", 8)
	for _, size := range []image.Point{{3840, 400}, {400, 1200}, {120, 900}, {900, 60}, {24, 24}, {1, 1}} {
		for _, n := range []int{0, 1, 2, 7, 40} {
			rows := stories(t, n)
			for i := range rows {
				if i%3 == 2 {
					rows[i] = []string{long, long, long, "nowhere.png"}
				}
			}
			zones := []scene.Zone{
				{Cards: &scene.Cards{Image: "photo", Cells: rows, Style: scene.Style{Pad: 10}}},
				{Cards: &scene.Cards{Cells: rows}},
				{Weather: &scene.Weather{Place: long, Cells: rows, Style: scene.Style{Pad: 10}}},
				{Clock: &scene.Clock{Cities: cities()[:max(1, n%5)], Style: scene.Style{Pad: 4}}},
				{Clock: &scene.Clock{Cities: cities()[:max(1, n%5)], Face: "hands"}},
			}
			for i, z := range zones {
				t.Run(fmt.Sprintf("zone %d of %v with %d rows", i, size, n), func(t *testing.T) { painted(t, z, size, 1, env(t, "en"), 0) })
			}
		}
	}
}

func TestWhatCannotBeDrawnIsRefused(t *testing.T) {
	for name, z := range map[string]scene.Zone{
		"a city in no zone":  {Clock: &scene.Clock{Cities: []scene.City{{Label: "Ys", Zone: "Atlantis/Ys"}}}},
		"a face that is not": {Clock: &scene.Clock{Face: "sundial"}},
		"too many columns":   {Cards: &scene.Cards{Columns: 99}},
		"fewer than none":    {Cards: &scene.Cards{Rows: -1}},
	} {
		if _, err := paint.New(z, image.Pt(100, 100), 1, env(t, "en")); err == nil {
			t.Errorf("%s: it was drawn", name)
		}
	}
}

func TestSkiesAreReadFromCodesAndWords(t *testing.T) {
	draw := func(sky string) []byte {
		z := scene.Zone{Weather: &scene.Weather{Cells: [][]string{{"", sky, "20"}}}}
		return painted(t, z, image.Pt(160, 120), 1, env(t, "en"), 0).Pix
	}
	for code, word := range map[string]string{"0": "clear", "1": "clear", "2": "partly", "3": "cloudy", "45": "fog", "48": "fog", "51": "drizzle",
		"55.0": "drizzle", "56": "sleet", "61": "rain", "65": "rain", "66": "sleet", "71": "snow", "77": "snow", "80": "showers", "82": "showers",
		"86": "snow", "95": "thunder", "99": "thunder", " Clear ": "clear"} {
		if !bytes.Equal(draw(code), draw(word)) {
			t.Errorf("%q is not drawn as %q", code, word)
		}
	}
	seen := map[string]string{}
	for _, row := range skies() {
		pixels := string(draw(row[1]))
		if other, ok := seen[pixels]; ok {
			t.Errorf("%q looks like %q", row[1], other)
		}
		seen[pixels] = row[1]
	}
	if bytes.Equal(draw("100"), draw("0")) || bytes.Equal(draw("-1"), draw("0")) {
		t.Error("a code that is none is drawn as a clear sky")
	}
}

func TestATickersFramesNeverJumpAtUnevenTimes(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 1))
	for _, text := range []string{"I", "א"} {
		for _, speed := range []int{37, 120, 333} {
			z := ticker(text)
			z.Ticker.Speed, z.Ticker.Style.Pad = speed, 10
			z.Ticker.Separator = strings.Repeat(" ", 90) // one letter in the zone, or none
			r := roll(t, z, image.Pt(280, 40))
			sign := -1.0
			if text != "I" {
				sign = 1
			}
			whole, last, compared := 0.0, math.NaN(), 0
			for frame := range 400 {
				gap := time.Duration(4+random.IntN(60)) * time.Millisecond
				r.now = r.now.Add(gap)
				r.w.Paint(r.dst, r.now)
				_, edges := weight(r.dst, 0, 12)
				_, far := weight(r.dst, 268, 280)
				now, sum := weight(r.dst, 12, 268)
				if whole = math.Max(whole, sum); edges+far > 0 || sum < 0.9*whole || whole == 0 {
					last = math.NaN() // the letter is coming, leaving, or away
					continue
				}
				if want := last + sign*gap.Seconds()*float64(speed); !math.IsNaN(last) {
					compared++
					if math.Abs(now-want) > 1 {
						t.Fatalf("%q at %d pixels a second, frame %d after %v: it moved by %.2f, want %.2f", text, speed, frame, gap, now-last, want-last)
					}
				}
				last = now
			}
			if compared < 20 {
				t.Errorf("%q at %d pixels a second: only %d movements were seen", text, speed, compared)
			}
		}
	}
}

func TestDefaultAccentsCanBeRead(t *testing.T) {
	// WCAG 2.2, 1.4.3: text has a contrast of 4.5 to its ground; inks are chosen for dark and for light grounds.
	for _, c := range []struct{ ink, ground scene.Color }{{"", "#14202f"}, {"#1a2330", "#f4f1ea"}} {
		z := scene.Zone{Background: c.ground, Cards: &scene.Cards{Cells: [][]string{{"", "", "██████"}}, Fill: c.ground, Style: scene.Style{Color: c.ink, Size: 60}}}
		img := painted(t, z, image.Pt(400, 200), 1, env(t, "en"), 0)
		ground, _ := c.ground.Parse()
		best := 0.0
		for i := 0; i < len(img.Pix); i += 4 {
			p := img.Pix[i:]
			best = math.Max(best, contrast(color.NRGBA{p[0], p[1], p[2], 0xff}, ground))
		}
		if best < 4.5 {
			t.Errorf("a note on %s has a contrast of %.1f", c.ground, best)
		}
	}
}

func contrast(a, b color.NRGBA) float64 {
	light := func(c color.NRGBA) float64 {
		part := func(v uint8) float64 {
			s := float64(v) / 255
			if s <= 0.04045 {
				return s / 12.92
			}
			return math.Pow((s+0.055)/1.055, 2.4)
		}
		return 0.2126*part(c.R) + 0.7152*part(c.G) + 0.0722*part(c.B)
	}
	l, d := light(a), light(b)
	return (math.Max(l, d) + 0.05) / (math.Min(l, d) + 0.05)
}
