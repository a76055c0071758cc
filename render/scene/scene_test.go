package scene_test

import (
	"encoding/json"
	"image/color"
	"slices"
	"testing"
	"time"

	"vitrine/render/scene"
)

func TestColours(t *testing.T) {
	for _, c := range []struct {
		name  string
		color scene.Color
		want  color.NRGBA
		right bool
	}{
		{"opaque", "#1a2b3c", color.NRGBA{R: 0x1a, G: 0x2b, B: 0x3c, A: 0xff}, true},
		{"with alpha", "#FF000080", color.NRGBA{R: 0xff, A: 0x80}, true},
		{"nothing", "", color.NRGBA{}, false},
		{"a name", "red", color.NRGBA{}, false},
		{"too short", "#fff", color.NRGBA{}, false},
		{"no digits", "#gggggg", color.NRGBA{}, false},
		{"no number sign", "1a2b3c4", color.NRGBA{}, false},
	} {
		got, err := c.color.Parse()
		if got != c.want || (err == nil) != c.right {
			t.Errorf("%s: %v, %v", c.name, got, err)
		}
		if a, b := color.NRGBAModel.Convert(c.color), color.NRGBAModel.Convert(c.want); a != b {
			t.Errorf("%s: as a color.Color it is %v", c.name, a)
		}
	}
	if got := scene.Color("").Or(color.NRGBA{G: 1, A: 2}); got != (color.NRGBA{G: 1, A: 2}) {
		t.Errorf("the default of no colour is %v", got)
	}
}

func TestLengthOfAScene(t *testing.T) {
	second := scene.Duration(time.Second)
	image := func(d scene.Duration) scene.Item { return scene.Item{Kind: scene.Image, Src: "a.jpg", For: d} }
	for _, c := range []struct {
		name  string
		scene scene.Scene
		want  scene.Duration
		known bool
	}{
		{"its own length wins", scene.Scene{For: 9 * second, Zones: []scene.Zone{{Playlist: []scene.Item{image(second)}}}}, 9 * second, true},
		{"the sum of its playlist", scene.Scene{Zones: []scene.Zone{{Text: &scene.Text{}}, {Playlist: []scene.Item{image(second), image(2 * second)}}}}, 3 * second, true},
		{"a video's own length is not known", scene.Scene{Zones: []scene.Zone{{Playlist: []scene.Item{image(second), {Kind: scene.Video, Src: "a.mp4"}}}}}, 0, false},
		{"only the first playlist counts", scene.Scene{Zones: []scene.Zone{{Playlist: []scene.Item{image(second)}}, {Playlist: []scene.Item{{Kind: scene.Video}}}}}, second, true},
		{"widgets alone have no length", scene.Scene{Zones: []scene.Zone{{Text: &scene.Text{}}}}, 0, false},
	} {
		if got, known := c.scene.Length(); got != c.want || known != c.known {
			t.Errorf("%s: %v, %v", c.name, got, known)
		}
	}
}

func TestKindsOfZones(t *testing.T) {
	z := scene.Zone{Playlist: []scene.Item{{}}, Text: &scene.Text{}, Ticker: &scene.Ticker{}, Clock: &scene.Clock{},
		Countdown: &scene.Countdown{}, Table: &scene.Table{}, Chart: &scene.Chart{}, QR: &scene.QR{}, Shape: &scene.Shape{},
		Cards: &scene.Cards{}, Weather: &scene.Weather{}, Card: &scene.Card{}}
	if got, want := z.Contents(), []string{"playlist", "text", "ticker", "clock", "countdown", "table", "chart", "qr", "shape", "cards", "weather", "card"}; !slices.Equal(got, want) {
		t.Errorf("contents %v, want %v", got, want)
	}
	// Each kind goes by its key in a bundle.
	var keys map[string]json.RawMessage
	b, err := json.Marshal(z)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &keys); err != nil {
		t.Fatal(err)
	}
	for _, kind := range z.Contents() {
		if keys[kind] == nil {
			t.Errorf("kind %q is no key of %s", kind, b)
		}
	}
	if got := (scene.Zone{Clock: &scene.Clock{}}).Kind(); got != "clock" {
		t.Errorf("kind %q", got)
	}
	if got := (scene.Zone{}).Kind(); got != "" {
		t.Errorf("kind of an empty zone %q", got)
	}
}
