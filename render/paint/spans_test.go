package paint_test

import (
	"image"
	"testing"

	"vitrine/render/scene"
)

// menu is a text of several looks.
func menu() *scene.Text {
	return &scene.Text{Style: scene.Style{Size: 22, Pad: 12}, Spans: []scene.Span{
		{Text: "Aujourd’hui\n", Scale: 1.6, Weight: 700},
		{Text: "Velouté de potiron  "}, {Text: "6 €", Color: "#ffb454", Weight: 700},
		{Text: "\nTarte du jour, "}, {Text: "selon le marché", Italic: true, Color: "#9faec4", Scale: 0.8},
	}}
}

func TestTextsOfSeveralLooks(t *testing.T) {
	golden(t, "text-spans", painted(t, scene.Zone{Background: "#101a2a", Text: menu()}, image.Pt(340, 150), 1, env(t, "fr"), 0))
	fitted := menu()
	fitted.Style.Size = 0
	golden(t, "text-spans-fitted", painted(t, scene.Zone{Background: "#101a2a", Text: fitted}, image.Pt(340, 190), 1, env(t, "fr"), 0))
	golden(t, "text-spans-shortened", painted(t, scene.Zone{Background: "#101a2a", Text: menu()}, image.Pt(240, 110), 1, env(t, "fr"), 0))
}

func TestOnePieceLooksLikeAPlainText(t *testing.T) {
	plain := &scene.Text{Text: "Velouté de potiron, tarte du jour", Style: scene.Style{Size: 24, Weight: 700, Color: "#ffb454"}}
	piece := &scene.Text{Spans: []scene.Span{{Text: plain.Text, Weight: 700, Color: "#ffb454"}}, Style: scene.Style{Size: 24}}
	halves := &scene.Text{Spans: []scene.Span{{Text: "Velouté de potiron, "}, {Text: "tarte du jour"}}, Style: plain.Style}
	draw := func(x *scene.Text) string {
		return string(painted(t, scene.Zone{Background: "#000000", Text: x}, image.Pt(200, 120), 1, env(t, "fr"), 0).Pix)
	}
	if draw(plain) != draw(piece) {
		t.Error("one piece does not look like a plain text of its look")
	}
	if draw(plain) != draw(halves) {
		t.Error("two pieces of one look do not look like one")
	}
}

func TestOddPiecesAreDrawn(t *testing.T) {
	many := &scene.Text{}
	for range 1000 {
		many.Spans = append(many.Spans, scene.Span{Text: "x ", Scale: 3})
	}
	for name, x := range map[string]*scene.Text{
		"many": many, "empty": {Spans: []scene.Span{{}, {}, {}}}, "huge": {Spans: []scene.Span{{Text: "a", Scale: 1e9, Weight: -5}}},
		"line ends alone": {Spans: []scene.Span{{Text: "\n\n"}, {Text: "\n"}}}, "joined marks": {Spans: []scene.Span{{Text: "e"}, {Text: "\u0301"}, {Text: "👨\u200d"}, {Text: "👩"}}},
		"two directions": {Spans: []scene.Span{{Text: "abc אבג "}, {Text: "דהו def", Scale: 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			painted(t, scene.Zone{Text: x}, image.Pt(200, 50), 1, env(t, "fr"), 0)
			x.Style.Size = 20
			painted(t, scene.Zone{Text: x}, image.Pt(200, 50), 1, env(t, "fr"), 0)
		})
	}
}
