package paint_test

import (
	"bytes"
	"image"
	"testing"
	"time"

	"rsc.io/qr"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

func TestATableTurnsItsPages(t *testing.T) {
	z := scene.Zone{Background: "#000000", Table: board(11)}
	z.Table.Rows, z.Table.Every = 4, scene.Duration(5*time.Second)
	w, err := paint.New(z, image.Pt(400, 200), 1, env(t, "fr"))
	if err != nil {
		t.Fatal(err)
	}
	dst := image.NewRGBA(image.Rect(0, 0, 400, 200))
	var pages [][]byte
	now := noon()
	for i := range 4 {
		if w.Paint(dst, now).Empty() {
			t.Fatalf("page %d was not painted", i)
		}
		pages = append(pages, bytes.Clone(dst.Pix))
		next := w.Next(now)
		if want := noon().Add(time.Duration(i+1) * 5 * time.Second); !next.Equal(want) {
			t.Fatalf("after page %d next is %v, want %v", i, next, want)
		}
		if !w.Paint(dst, next.Add(-time.Millisecond)).Empty() {
			t.Error("it was painted before the page turned")
		}
		now = next
	}
	if bytes.Equal(pages[0], pages[1]) || bytes.Equal(pages[1], pages[2]) {
		t.Error("two pages look the same")
	}
	if !bytes.Equal(pages[0], pages[3]) {
		t.Error("after the last page the first does not come again")
	}
	z.Table = board(3)
	if w, err = paint.New(z, image.Pt(400, 200), 1, env(t, "fr")); err != nil {
		t.Fatal(err)
	}
	w.Paint(dst, now)
	if !w.Next(now).IsZero() {
		t.Error("a table of one page asks to be painted again")
	}
}

func TestATableTakesNewRowsInItsTime(t *testing.T) {
	z := scene.Zone{Background: "#000000", Table: board(11)}
	z.Table.Rows = 4
	w, err := paint.New(z, image.Pt(400, 200), 1, env(t, "fr"))
	if err != nil {
		t.Fatal(err)
	}
	dst := image.NewRGBA(image.Rect(0, 0, 400, 200))
	w.Paint(dst, noon())
	now := noon().Add(12 * time.Second)
	w.Paint(dst, now)
	same := z
	same.Table = board(11)
	same.Table.Rows = 4
	if !w.(paint.Updater).Update(same) || !w.Paint(dst, now).Empty() {
		t.Error("the same rows were painted again")
	}
	other := z
	other.Table = board(11)
	other.Table.Rows = 4
	other.Table.Cells[5][1] = "Reportée"
	if !w.(paint.Updater).Update(other) || w.Paint(dst, now).Empty() {
		t.Error("the new rows are not there")
	}
	if next := w.Next(now); !next.Equal(noon().Add(20 * time.Second)) {
		t.Errorf("the page begins anew: next is %v", next)
	}
	other.Table.Header = false
	if w.(paint.Updater).Update(other) {
		t.Error("a table without header was taken as other rows")
	}
}

func TestARightToLeftTableBeginsAtTheRight(t *testing.T) {
	cells := func(a, b string) scene.Zone {
		return scene.Zone{Background: "#000000", Table: &scene.Table{Columns: []scene.Column{{Name: "a"}, {Name: "b"}},
			Cells: [][]string{{a, b}}, Rows: 1}}
	}
	ltr := painted(t, cells("IIIIIIII", ""), image.Pt(400, 60), 1, env(t, "en"), 0)
	rtl := painted(t, cells("אאאאאאאא", ""), image.Pt(400, 60), 1, env(t, "en"), 0)
	bright := func(img *image.RGBA, from, to int) (n int) {
		for y := range 60 {
			for x := from; x < to; x++ {
				if img.Pix[img.PixOffset(x, y)] > 128 {
					n++
				}
			}
		}
		return n
	}
	if bright(ltr, 0, 100) == 0 || bright(ltr, 200, 400) > 0 {
		t.Error("the first column of a left-to-right table is not at the left")
	}
	if bright(rtl, 300, 400) == 0 || bright(rtl, 0, 200) > 0 {
		t.Error("the first column of a right-to-left table is not at the right")
	}
}

func TestColumnsLineUpWhateverTheirTextsAre(t *testing.T) {
	z := scene.Zone{Background: "#000000", Table: &scene.Table{Header: true, Rows: 2,
		Columns: []scene.Column{{Name: "a", Title: "Salle"}, {Name: "b", Title: "Heure", Align: "end"}},
		Cells:   [][]string{{"אאא", "אאא"}, {"III", "III"}}}}
	img := painted(t, z, image.Pt(800, 120), 1, env(t, "en"), 0)
	ink := func(row, from, to int) (n int) {
		for y := 120 * (9 + 10*row) / 29; y < 120*(19+10*row)/29; y++ {
			for x := from; x < to; x++ {
				if img.Pix[img.PixOffset(x, y)] > 128 {
					n++
				}
			}
		}
		return n
	}
	for row := range 2 {
		if ink(row, 0, 120) == 0 || ink(row, 280, 400) > 0 {
			t.Errorf("row %d: the first column is not aligned to the left", row)
		}
		if ink(row, 680, 800) == 0 || ink(row, 400, 520) > 0 {
			t.Errorf("row %d: the second column is not aligned to the right", row)
		}
	}
}

func TestRowsMayBeShorterOrLongerThanTheColumns(t *testing.T) {
	z := scene.Zone{Table: board(1)}
	z.Table.Cells = [][]string{{}, {"a"}, {"a", "b", "c", "d", "e"}, nil}
	painted(t, z, image.Pt(300, 200), 1, env(t, "en"), 0)
	z.Table.Columns = nil
	if w, err := paint.New(z, image.Pt(300, 200), 1, env(t, "en")); err == nil || w != nil {
		t.Errorf("a table without columns: %v, %v", w, err)
	}
}

func TestQRModulesAreWholePixelsInAQuietZone(t *testing.T) {
	const text = "https://vitrine.example/claim/K7PM-3XQD"
	want, err := qr.Encode(text, qr.Q)
	if err != nil {
		t.Fatal(err)
	}
	img := painted(t, scene.Zone{QR: &scene.QR{Text: text, Level: "Q", Color: "#112233"}}, image.Pt(205, 240), 1, env(t, "en"), 0)
	n := want.Size + 8
	m := 205 / n
	at := image.Pt((205-n*m)/2, (240-n*m)/2)
	for y := range n * m {
		for x := range n * m {
			p := img.Pix[img.PixOffset(at.X+x, at.Y+y):]
			black := want.Black(x/m-4, y/m-4)
			if black != (p[0] == 0x11 && p[1] == 0x22 && p[2] == 0x33) || !black && p[0] != 0xff {
				t.Fatalf("pixel %d, %d of module %d, %d is %v", x, y, x/m, y/m, p[:4])
			}
		}
	}
}

func TestQRCodesThatCannotBeDrawnAreRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		qr   scene.QR
		size image.Point
	}{
		{"a zone smaller than the code", scene.QR{Text: "https://vitrine.example/"}, image.Pt(20, 200)},
		{"a text that is too long", scene.QR{Text: string(make([]byte, 4000))}, image.Pt(400, 400)},
		{"an unknown level", scene.QR{Text: "a", Level: "Z"}, image.Pt(400, 400)},
		{"no text", scene.QR{}, image.Pt(400, 400)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if w, err := paint.New(scene.Zone{QR: &c.qr}, c.size, 1, env(t, "en")); err == nil || w != nil {
				t.Errorf("widget %v, error %v", w, err)
			}
		})
	}
}
