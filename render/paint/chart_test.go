package paint_test

import (
	"bytes"
	"image"
	"math"
	"testing"
	"time"

	"vitrine/render/paint"
	"vitrine/render/scene"
)

func visitors(form string) *scene.Chart {
	return &scene.Chart{Form: form, Label: "mois", Values: []string{"2025", "2026"}, Titles: []string{"Avant", "Après"},
		Cells: [][]string{{"Janvier", "1 250", "1400"}, {"Février", "980,5", "1120"}, {"Mars", "1600", "-300"}, {"Avril", "2100", ""}}}
}

func TestChartsAndShapesLookAsTheyDid(t *testing.T) {
	energy := &scene.Chart{Form: "pie", Values: []string{"part"}, Cells: [][]string{{"Solaire", "42 %"}, {"Éolien", "23 %"}, {"Réseau", "35 %"}, {"Rien", "0"}}}
	for _, c := range []struct {
		name string
		zone scene.Zone
		size image.Point
	}{
		{"chart-bars", scene.Zone{Background: "#101a2a", Radius: 12, Chart: visitors("bar")}, image.Pt(320, 200)},
		{"chart-lines", scene.Zone{Background: "#f5f3ee", Chart: lines()}, image.Pt(320, 200)},
		{"chart-pie", scene.Zone{Background: "#101a2a", Chart: energy}, image.Pt(320, 160)},
		{"shape-rect", scene.Zone{Radius: 20, Shape: &scene.Shape{Fill: "#1b3a5c", To: "#7a2f5b", Angle: 30, Border: "#ffffff60", Width: 3}}, image.Pt(160, 100)},
		{"shape-ellipse", scene.Zone{Shape: &scene.Shape{Form: "ellipse", Fill: "#ffb454", Border: "#202020"}}, image.Pt(160, 100)},
		{"countdown", scene.Zone{Background: "#101a2a", Countdown: &scene.Countdown{To: "2026-12-31T24:00", Style: scene.Style{Align: "center"}}}, image.Pt(280, 60)},
	} {
		t.Run(c.name, func(t *testing.T) { golden(t, c.name, painted(t, c.zone, c.size, 1, env(t, "fr"), 0)) })
	}
}

func lines() *scene.Chart {
	c := visitors("line")
	c.Unit, c.Style.Color, c.Colors = "€", "#202833", []scene.Color{"#c2452d"}
	return c
}

func TestBarsAreAsHighAsTheirNumbers(t *testing.T) {
	z := scene.Zone{Background: "#000000", Chart: &scene.Chart{Values: []string{"v"}, Colors: []scene.Color{"#ff0000"},
		Cells: [][]string{{"a", "100"}, {"b", "50"}, {"c", "25"}, {"d", "0"}, {"e", "kaputt"}}}}
	img := painted(t, z, image.Pt(500, 300), 1, env(t, "en"), 0)
	var heights []int
	inBar := false
	for x := range 500 {
		n := 0
		for y := range 300 {
			if p := img.RGBAAt(x, y); p.R == 0xff && p.G < 10 {
				n++
			}
		}
		if n > 0 && !inBar {
			heights = append(heights, 0)
		}
		if inBar = n > 0; inBar {
			heights[len(heights)-1] = max(heights[len(heights)-1], n)
		}
	}
	if len(heights) != 3 {
		t.Fatalf("%d bars, want 3: zero and what is no number have none", len(heights))
	}
	for i, want := range []float64{1, 0.5, 0.25} {
		if got := float64(heights[i]) / float64(heights[0]); math.Abs(got-want) > 0.02 {
			t.Errorf("bar %d is %.3f of the first, want %.2f", i, got, want)
		}
	}
}

func TestSlicesAreAsLargeAsTheirShares(t *testing.T) {
	z := scene.Zone{Background: "#000000", Chart: &scene.Chart{Form: "pie", Values: []string{"v"}, Colors: []scene.Color{"#ff0000", "#00ff00"},
		Style: scene.Style{Color: "#00000000"}, Cells: [][]string{{"a", "75"}, {"b", "25"}, {"c", "-10"}}}}
	img := painted(t, z, image.Pt(600, 300), 1, env(t, "en"), 0)
	red, green := 0, 0
	for y := range 300 {
		for x := range 270 { // the ring, not its legend
			p := img.RGBAAt(x, y)
			red += int(p.R)
			green += int(p.G)
		}
	}
	if share := float64(red) / float64(red+green); math.Abs(share-0.75) > 0.01 {
		t.Errorf("the first slice has %.3f of the ring, want 0.75", share)
	}
}

func TestAPieGathersItsSmallestSlices(t *testing.T) {
	z := scene.Zone{Background: "#000000", Chart: &scene.Chart{Form: "pie", Values: []string{"v"}}}
	for i := range 60 {
		z.Chart.Cells = append(z.Chart.Cells, []string{"x", string(rune('1' + i%9))})
	}
	painted(t, z, image.Pt(400, 200), 1, env(t, "en"), 0)
}

func TestChartsTakeOtherRows(t *testing.T) {
	z := scene.Zone{Background: "#000000", Chart: visitors("bar")}
	w, err := paint.New(z, image.Pt(300, 200), 1, env(t, "fr"))
	if err != nil {
		t.Fatal(err)
	}
	dst := image.NewRGBA(image.Rect(0, 0, 300, 200))
	w.Paint(dst, noon())
	before := bytes.Clone(dst.Pix)
	z.Chart = visitors("bar")
	if !w.(paint.Updater).Update(z) || !w.Paint(dst, noon()).Empty() {
		t.Error("the same rows were painted again")
	}
	z.Chart.Cells[0][1] = "9000"
	if !w.(paint.Updater).Update(z) || w.Paint(dst, noon()).Empty() || bytes.Equal(before, dst.Pix) {
		t.Error("the new rows are not there")
	}
	z.Chart.Form = "line"
	if w.(paint.Updater).Update(z) {
		t.Error("another form was taken as other rows")
	}
}

func TestChartsOfOddRowsAreDrawn(t *testing.T) {
	for name, cells := range map[string][][]string{
		"none": nil, "empty rows": {{}, nil}, "labels alone": {{"a"}, {"b"}}, "one row": {{"a", "1", "2"}}, "all the same": {{"a", "5", "5"}, {"b", "5", "5"}},
		"all zero": {{"a", "0", "0"}}, "all negative": {{"a", "-5", "-1"}}, "huge and tiny": {{"a", "900000000000000", "0.000001"}},
		"no numbers": {{"a", "x", "NaN"}, {"b", "Inf", "1e999"}}, "wider than the columns": {{"a", "1", "2", "3", "4"}},
	} {
		for _, form := range []string{"bar", "line", "pie"} {
			for _, size := range []image.Point{{300, 200}, {1, 1}, {9, 300}, {300, 9}} {
				c := visitors(form)
				c.Cells = cells
				t.Run(name+" as "+form, func(t *testing.T) {
					painted(t, scene.Zone{Chart: c}, size, 1, env(t, "fr"), 0)
				})
			}
		}
	}
	for name, c := range map[string]*scene.Chart{"an unknown form": {Form: "radar", Values: []string{"a"}}, "no values": {}} {
		if w, err := paint.New(scene.Zone{Chart: c}, image.Pt(10, 10), 1, env(t, "en")); err == nil || w != nil {
			t.Errorf("%s: widget %v, error %v", name, w, err)
		}
	}
	if w, err := paint.New(scene.Zone{Shape: &scene.Shape{Form: "star"}}, image.Pt(10, 10), 1, env(t, "en")); err == nil || w != nil {
		t.Errorf("an unknown shape: widget %v, error %v", w, err)
	}
}

func TestACountdownReachesZeroAtItsInstant(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, to string
		end      time.Time
	}{
		{"local time", "2026-11-21T14:00", time.Date(2026, 11, 21, 13, 0, 0, 0, time.UTC)},
		{"with seconds", "2026-11-21T14:00:30", time.Date(2026, 11, 21, 13, 0, 30, 0, time.UTC)},
		{"with an offset", "2026-11-21T14:00:00+05:30", time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC)},
		{"the end of a day", "2026-11-21T24:00", time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC)},
		{"the end of the day when clocks go back", "2026-10-25T24:00", time.Date(2026, 10, 25, 23, 0, 0, 0, time.UTC)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, err := paint.New(scene.Zone{Countdown: &scene.Countdown{To: c.to, Format: "{s}"}}, image.Pt(200, 40), 1, paint.Env{Fonts: builtIn(t), Zone: paris})
			if err != nil {
				t.Fatal(err)
			}
			dst := image.NewRGBA(image.Rect(0, 0, 200, 40))
			now := c.end.Add(-1500 * time.Millisecond)
			w.Paint(dst, now)
			for _, want := range []time.Duration{-time.Second, 0} {
				next := w.Next(now)
				if !next.Equal(c.end.Add(want)) {
					t.Fatalf("next is %v, want %v", next, c.end.Add(want))
				}
				if !w.Paint(dst, next.Add(-time.Millisecond)).Empty() || w.Paint(dst, next).Empty() {
					t.Error("it is not drawn when its number changes, and only then")
				}
				now = next
			}
			if !w.Next(now).IsZero() {
				t.Error("it goes on after its end")
			}
		})
	}
	for _, to := range []string{"", "tomorrow", "2026-13-01T00:00", "12:30"} {
		if w, err := paint.New(scene.Zone{Countdown: &scene.Countdown{To: to}}, image.Pt(10, 10), 1, env(t, "en")); err == nil || w != nil {
			t.Errorf("%q was taken for an instant", to)
		}
	}
}
