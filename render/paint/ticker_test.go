package paint_test

import (
	"bytes"
	"image"
	"image/draw"
	"math"
	"testing"
	"time"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

// rolling is a ticker being watched at 60 frames a second.
type rolling struct {
	t   *testing.T
	w   paint.Widget
	dst *image.RGBA
	now time.Time
}

func roll(t *testing.T, z scene.Zone, size image.Point) *rolling {
	t.Helper()
	w, err := paint.New(z, size, 1, env(t, "fr"))
	if err != nil {
		t.Fatal(err)
	}
	r := &rolling{t: t, w: w, dst: image.NewRGBA(image.Rectangle{Max: size}), now: noon()}
	r.w.Paint(r.dst, r.now)
	return r
}

func (r *rolling) frames(n int) {
	for range n {
		r.now = r.now.Add(time.Second / 60)
		r.w.Paint(r.dst, r.now)
	}
}

func (r *rolling) copy() *image.RGBA {
	out := image.NewRGBA(r.dst.Rect)
	draw.Draw(out, out.Rect, r.dst, image.Point{}, draw.Src)
	return out
}

// weight is the horizontal centre of the ink between two columns, and how much there is.
func weight(img *image.RGBA, from, to int) (centre, sum float64) {
	for y := range img.Rect.Dy() {
		for x := from; x < to; x++ {
			v := float64(img.Pix[img.PixOffset(x, y)])
			sum += v
			centre += v * (float64(x) + 0.5)
		}
	}
	return centre / sum, sum
}

func ticker(items ...string) scene.Zone {
	return scene.Zone{Background: "#000000", Ticker: &scene.Ticker{Items: items, Speed: 100, Separator: "      "}}
}

func TestATickerMovesEvenlyAgainstTheReadingDirection(t *testing.T) {
	for _, c := range []struct {
		name, text string
		step       float64 // pixels a frame
	}{
		{"left-to-right text moves left", "I", -100.0 / 60},
		{"right-to-left text moves right", "א", 100.0 / 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := ticker(c.text)
			z.Ticker.Separator = "                                                                                "
			z.Ticker.Style.Pad = 10
			r := roll(t, z, image.Pt(600, 40))
			r.frames(30)
			first, sum := weight(r.dst, 0, 600)
			if sum == 0 {
				t.Fatal("there is no ink")
			}
			// One letter alone in the zone: where it is tells where the line is, to a fraction of a pixel.
			for i := 1; i <= 20; i++ {
				r.frames(1)
				now, _ := weight(r.dst, 0, 600)
				if want := first + float64(i)*c.step; math.Abs(now-want) > 0.3 {
					t.Fatalf("frame %d: the letter is at %.2f, want %.2f", i, now, want)
				}
			}
		})
	}
}

func TestATickerHasNoEndAndNoSeam(t *testing.T) {
	r := roll(t, ticker("La bibliothèque ferme à 18 h", "Marché de Noël"), image.Pt(300, 40))
	for range 60 * 60 {
		r.frames(1)
		if _, sum := weight(r.dst, 0, 300); sum == 0 {
			t.Fatal("the line had a hole as wide as the zone")
		}
	}
	// Each frame shows what the frame before showed, moved: a seam between two chunks would show as a jump.
	z := ticker("La bibliothèque ferme à 18 h", "Marché de Noël")
	z.Ticker.Speed = 120 // two whole pixels a frame
	r = roll(t, z, image.Pt(700, 40))
	for range 400 {
		before := r.copy()
		r.frames(1)
		for y := range 40 {
			a, b := before.Pix[before.PixOffset(2, y):before.PixOffset(700, y)], r.dst.Pix[r.dst.PixOffset(0, y):r.dst.PixOffset(698, y)]
			if !bytes.Equal(a, b) {
				t.Fatal("a frame is not the one before, moved by two pixels")
			}
		}
	}
}

func TestNewItemsComeInWithoutAJump(t *testing.T) {
	old := ticker("Ancienne nouvelle un", "Ancienne nouvelle deux", "Ancienne nouvelle trois")
	fresh := ticker("Toute fraîche", "Ancienne nouvelle deux")
	a, b := roll(t, old, image.Pt(300, 40)), roll(t, old, image.Pt(300, 40))
	a.frames(100)
	b.frames(100)
	if !b.w.(paint.Updater).Update(fresh) {
		t.Fatal("the items were not taken")
	}
	// What was to be seen goes on as if nothing had happened, until it has left.
	a.frames(1)
	b.frames(1)
	if !bytes.Equal(a.dst.Pix, b.dst.Pix) {
		t.Fatal("the visible part jumped")
	}
	a.frames(600)
	b.frames(600)
	if bytes.Equal(a.dst.Pix, b.dst.Pix) {
		t.Fatal("the new items did not come")
	}
	same := roll(t, old, image.Pt(300, 40))
	other := roll(t, old, image.Pt(300, 40))
	for range 50 {
		same.frames(10)
		other.frames(10)
		if !other.w.(paint.Updater).Update(old) {
			t.Fatal("the same items were not taken")
		}
		if !bytes.Equal(same.dst.Pix, other.dst.Pix) {
			t.Fatal("the same items again moved the line")
		}
	}
	old.Ticker.Speed++
	if a.w.(paint.Updater).Update(old) {
		t.Error("another speed was taken as other items")
	}
}

func TestATickerWithoutItemsRestsAndComesBack(t *testing.T) {
	z, none := ticker("Une nouvelle"), ticker()
	none.Ticker.Source = "news"
	z.Ticker.Source = "news"
	r := roll(t, z, image.Pt(300, 40))
	r.frames(30)
	if !r.w.(paint.Updater).Update(none) {
		t.Fatal("no items were not taken")
	}
	r.frames(1)
	if _, sum := weight(r.dst, 0, 300); sum == 0 {
		t.Error("the last item vanished at once instead of leaving")
	}
	r.frames(600)
	if _, sum := weight(r.dst, 0, 300); sum != 0 {
		t.Error("the last item did not leave")
	}
	if !r.w.Next(r.now).IsZero() {
		t.Error("an empty ticker asks for each frame")
	}
	if !r.w.(paint.Updater).Update(z) || r.w.Next(r.now).IsZero() {
		t.Fatal("the ticker does not wake up")
	}
	r.frames(2)
	if _, sum := weight(r.dst, 0, 300); sum == 0 {
		t.Error("the new item is not there")
	}
	empty, err := paint.New(none, image.Pt(300, 40), 1, env(t, "fr"))
	if err != nil {
		t.Fatal(err)
	}
	if empty.Paint(r.dst, r.now).Empty() || !empty.Next(r.now).IsZero() {
		t.Error("a ticker that never had items must paint its background once and rest")
	}
}

func TestAPauseDoesNotMoveTheTicker(t *testing.T) {
	a, b := roll(t, ticker("Les réunions du conseil sont publiques"), image.Pt(300, 40)), roll(t, ticker("Les réunions du conseil sont publiques"), image.Pt(300, 40))
	a.frames(30)
	b.frames(30)
	for _, jump := range []time.Duration{400 * 24 * time.Hour, -1000 * time.Hour} {
		b.now = b.now.Add(jump)
		b.w.Paint(b.dst, b.now)
		a.frames(1)
		b.frames(1)
		if !bytes.Equal(a.dst.Pix, b.dst.Pix) {
			t.Errorf("a clock set by %v moved the line", jump)
		}
	}
}

func TestAFrameOfATickerAllocatesNothing(t *testing.T) {
	r := roll(t, ticker("La bibliothèque ferme à 18 h", "Marché de Noël", "Collecte des déchets"), image.Pt(800, 40))
	r.frames(2000)
	if n := testing.AllocsPerRun(2000, func() { r.frames(1) }); n > 0 {
		t.Errorf("%.0f allocations a frame", n)
	}
}

func TestAFixedTextRollsWithoutASource(t *testing.T) {
	z := scene.Zone{Background: "#000000", Ticker: &scene.Ticker{Text: "Bienvenue"}}
	r := roll(t, z, image.Pt(300, 40))
	if _, sum := weight(r.dst, 0, 300); sum == 0 {
		t.Error("the text is not there")
	}
}

func TestTheFirstItemBeginsAtTheReadingEdge(t *testing.T) {
	for _, c := range []struct {
		name, text string
		from, to   int // columns where the first ink must be
	}{
		{"left-to-right text", "Bienvenue à tous les visiteurs", 20, 30},
		{"right-to-left text", "ברוכים הבאים לכל המבקרים", 370, 380},
	} {
		z := ticker(c.text)
		z.Ticker.Style.Pad = 20
		r := roll(t, z, image.Pt(400, 80))
		if _, sum := weight(r.dst, c.from, c.to); sum == 0 {
			t.Errorf("%s: there is no ink between %d and %d", c.name, c.from, c.to)
		}
		if _, sum := weight(r.dst, 0, 20); c.from < 200 && sum != 0 {
			t.Errorf("%s: there is ink in the margin", c.name)
		}
		if _, sum := weight(r.dst, 380, 400); c.from > 200 && sum != 0 {
			t.Errorf("%s: there is ink in the margin", c.name)
		}
	}
}

func TestNewItemsGoOnAfterTheOneThatIsSeen(t *testing.T) {
	const long = "Les réunions du conseil sont publiques et ouvertes à tous"
	a, b := roll(t, ticker(long, "Ancienne"), image.Pt(200, 40)), roll(t, ticker(long, "Suivante", "Première"), image.Pt(200, 40))
	a.frames(10)
	b.frames(10)
	if !a.w.(paint.Updater).Update(ticker("Première", long, "Suivante")) {
		t.Fatal("the items were not taken")
	}
	for range 100 {
		a.frames(10)
		b.frames(10)
		if !bytes.Equal(a.dst.Pix, b.dst.Pix) {
			t.Fatal("after an item that is still in the list the next one must follow")
		}
	}
}
