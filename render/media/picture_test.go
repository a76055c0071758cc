package media_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/render/child"
	"vitrine/render/media"
	"vitrine/render/scene"
)

func need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skip(p + " is not installed")
		}
	}
}

func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// shot keeps a picture for whoever wants to look.
func shot(t testing.TB, name string, img image.Image) {
	t.Helper()
	dir := os.Getenv("VITRINE_SHOTS")
	if dir == "" {
		return
	}
	f, err := os.Create(filepath.Join(dir, name+".png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, img), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// plates is a drawing of 200 × 100: red, green, blue, yellow corners, and nothing between them.
const plates = `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100" viewBox="0 0 200 100">
<rect width="40" height="40" fill="#ff0000"/><rect x="160" width="40" height="40" fill="#00ff00"/>
<rect y="60" width="40" height="40" fill="#0000ff"/><rect x="160" y="60" width="40" height="40" fill="#ffff00"/></svg>`

var (
	red    = color.RGBA{255, 0, 0, 255}
	green  = color.RGBA{0, 255, 0, 255}
	blue   = color.RGBA{0, 0, 255, 255}
	yellow = color.RGBA{255, 255, 0, 255}
	none   = color.RGBA{}
	white  = color.RGBA{255, 255, 255, 255}
)

func TestADrawingFillsItsZoneAsItsFitSays(t *testing.T) {
	need(t, "rsvg-convert", "pdftoppm", "pdfinfo")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(plates)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "rsvg-convert", "-f", "pdf")
	cmd.Stdin = strings.NewReader(plates)
	pdf, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]struct {
		path   string
		kind   scene.Kind
		ground color.RGBA
	}{
		"SVG":                           {write(t, "a.svg", []byte(plates)), scene.Image, none},
		"SVGZ":                          {write(t, "a.svgz", packed.Bytes()), scene.Image, none},
		"PDF":                           {write(t, "a.pdf", pdf), scene.Page, white},
		"SVG of no size but a view box": {write(t, "b.svg", []byte(strings.Replace(plates, `width="200" height="100" viewBox`, "viewBox", 1))), scene.Image, none},
	}
	for name, f := range files {
		for _, c := range []struct {
			fit  scene.Fit
			size image.Point
			at   map[image.Point]color.RGBA
		}{
			{scene.Contain, image.Pt(400, 400), map[image.Point]color.RGBA{{5, 5}: none, {5, 95}: none, {5, 105}: red, {395, 105}: green, {5, 295}: blue, {395, 295}: yellow, {5, 305}: none, {200, 200}: f.ground}},
			{scene.Cover, image.Pt(400, 400), map[image.Point]color.RGBA{{5, 5}: f.ground, {200, 200}: f.ground}},
			{scene.Cover, image.Pt(800, 200), map[image.Point]color.RGBA{{5, 5}: red, {795, 5}: green, {5, 195}: blue, {795, 195}: yellow, {155, 55}: red, {165, 55}: f.ground}},
			{scene.Stretch, image.Pt(400, 800), map[image.Point]color.RGBA{{5, 5}: red, {395, 5}: green, {5, 795}: blue, {395, 795}: yellow, {5, 310}: red, {75, 330}: f.ground, {85, 310}: f.ground}},
			{scene.Stretch, image.Pt(1, 1), nil},
		} {
			t.Run(fmt.Sprintf("%s %s %v", name, c.fit, c.size), func(t *testing.T) {
				img, err := media.Picture(t.Context(), scene.Item{Kind: f.kind, Src: f.path, Fit: c.fit, Page: 1}, c.size)
				if err != nil {
					t.Fatal(err)
				}
				if img.Rect != (image.Rectangle{Max: c.size}) {
					t.Fatalf("it has %v pixels; want %v", img.Rect, c.size)
				}
				shot(t, strings.ReplaceAll(t.Name(), "/", "-"), img)
				for p, want := range c.at {
					if got := img.RGBAAt(p.X, p.Y); got != want {
						t.Errorf("at %v: %v; want %v", p, got, want)
					}
				}
			})
		}
	}
}

// A drawing is drawn at the zone's size, not enlarged: the edge of a plate is one pixel wide at most.
func TestDrawingsAreSharpAtAnySize(t *testing.T) {
	need(t, "rsvg-convert")
	img, err := media.Picture(t.Context(), scene.Item{Kind: scene.Image, Src: write(t, "a.svg", []byte(plates)), Fit: scene.Contain}, image.Pt(3840, 2160))
	if err != nil {
		t.Fatal(err)
	}
	between := 0
	for x := range 1920 {
		if c := img.RGBAAt(x, 200); c.A != 0 && c.A != 255 {
			between++
		}
	}
	if between > 1 {
		t.Errorf("%d pixels lie between the plate and nothing; one is the most", between)
	}
}

// document is a PDF of the given pages: their size in points, their /Rotate and a colour for their lower left quarter.
func document(pages ...[4]string) []byte {
	var b bytes.Buffer
	var at []int
	object := func(text string) { at = append(at, b.Len()); fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), text) }
	b.WriteString("%PDF-1.4\n")
	var kids []string
	for i := range pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", 3+2*i))
	}
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object(fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(kids, " "), len(pages)))
	for i, p := range pages {
		var w, h int
		fmt.Sscan(p[0], &w)
		fmt.Sscan(p[1], &h)
		draw := fmt.Sprintf("%s rg 0 0 %d %d re f", p[3], w/2, h/2)
		object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %s %s] /Rotate %s /Contents %d 0 R >>", p[0], p[1], p[2], 4+2*i))
		object(fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(draw), draw))
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, o := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return b.Bytes()
}

func TestPagesOfADocument(t *testing.T) {
	need(t, "pdftoppm", "pdfinfo")
	path := write(t, "a.pdf", document([4]string{"400", "200", "0", "1 0 0"}, [4]string{"400", "200", "90", "0 1 0"}, [4]string{"100", "400", "0", "0 0 1"}))
	for _, c := range []struct {
		page int
		at   map[image.Point]color.RGBA
	}{
		{1, map[image.Point]color.RGBA{{10, 290}: red, {390, 290}: white, {10, 110}: white, {10, 90}: none}},
		{2, map[image.Point]color.RGBA{{110, 10}: green, {290, 10}: white, {110, 390}: white, {90, 10}: none}}, // turned clockwise: the lower left is the upper left
		{3, map[image.Point]color.RGBA{{160, 390}: blue, {240, 390}: white, {140, 390}: none}},
	} {
		img, err := media.Picture(t.Context(), scene.Item{Kind: scene.Page, Src: path, Page: c.page, Fit: scene.Contain}, image.Pt(400, 400))
		if err != nil {
			t.Fatal(err)
		}
		shot(t, fmt.Sprintf("page-%d", c.page), img)
		for p, want := range c.at {
			if got := img.RGBAAt(p.X, p.Y); got != want {
				t.Errorf("page %d at %v: %v; want %v", c.page, p, got, want)
			}
		}
	}
}

func TestHostilePicturesCostAnErrorAndNothingElse(t *testing.T) {
	need(t, "rsvg-convert", "pdftoppm", "pdfinfo")
	secret := write(t, "secret.png", func() []byte {
		var b bytes.Buffer
		img := image.NewRGBA(image.Rect(0, 0, 10, 10))
		for i := range img.Pix {
			img.Pix[i] = 255
		}
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}())
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	fmt.Fprint(z, "<svg>")
	for range 40 {
		if _, err := z.Write(bytes.Repeat([]byte(" "), 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	laughs := `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "` + strings.Repeat("ha", 500) + `">`
	for i := range 9 {
		laughs += fmt.Sprintf(`<!ENTITY %c "%s">`, 'b'+i, strings.Repeat(fmt.Sprintf("&%c;", 'a'+i), 10))
	}
	laughs += `]><svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><text>&j;</text></svg>`
	nested := `<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">` + strings.Repeat("<g>", 200_000)
	for name, c := range map[string]struct {
		kind    scene.Kind
		content string
		says    string // "" = it is drawn, and nothing of it is seen
	}{
		"a compressed bomb":              {scene.Image, bomb.String(), "more than 32 MiB"},
		"a compressed text":              {scene.Image, gz(t, "hello"), "no drawing"},
		"a compressed file, cut off":     {scene.Image, gz(t, plates)[:60], "cut short"},
		"entities without end":           {scene.Image, laughs, "cannot be shown"},
		"groups without end":             {scene.Image, nested, "cannot be shown"},
		"a file of the player's":         {scene.Image, `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="10" height="10"><image width="10" height="10" xlink:href="file://` + secret + `"/></svg>`, ""},
		"a file of the player's, hidden": {scene.Image, `<!DOCTYPE svg [<!ENTITY x SYSTEM "file://` + secret + `">]><svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><text>&x;</text></svg>`, ""},
		"a drawing of no XML":            {scene.Image, `<svg <<<`, "drawing"},
		"a page that is not there":       {scene.Page, string(document([4]string{"9", "9", "0", "0 0 0"})), "page 7"},
		"a document that is none":        {scene.Page, "%PDF-1.4\nhello", "cannot be read"},
		"a document that is a text":      {scene.Page, "hello", "cannot be read"},
		"an empty file":                  {scene.Page, "", "page 7"},
	} {
		t.Run(name, func(t *testing.T) {
			img, err := media.Picture(t.Context(), scene.Item{Kind: c.kind, Src: write(t, "x", []byte(c.content)), Page: 7}, image.Pt(20, 20))
			if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v; want it to say %q", err, c.says)
			}
			if c.says != "" {
				return
			}
			if err == nil && bytes.ContainsFunc(img.Pix, func(r rune) bool { return r != 0 }) {
				t.Error("what is outside of the drawing was drawn")
			}
		})
	}
	for name, size := range map[string]image.Point{"huge": {1 << 20, 1 << 20}, "nothing": {0, 5}} {
		if _, err := media.Picture(t.Context(), scene.Item{Kind: scene.Image, Src: secret}, size); err == nil {
			t.Errorf("a zone of %s was filled", name)
		}
	}
}

func gz(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestASliverOfADrawingIsStillDrawn(t *testing.T) {
	need(t, "rsvg-convert")
	for _, size := range []string{`width="1000000000" height="10"`, `width="0.001" height="1000"`, `width="100%" height="100%"`, ``} {
		svg := `<svg xmlns="http://www.w3.org/2000/svg" ` + size + `><rect width="100" height="100" fill="red"/></svg>`
		for _, fit := range []scene.Fit{scene.Cover, scene.Contain, scene.Stretch} {
			if _, err := media.Picture(t.Context(), scene.Item{Kind: scene.Image, Src: write(t, "a.svg", []byte(svg)), Fit: fit}, image.Pt(300, 200)); err != nil {
				t.Errorf("%s, %s: %v", size, fit, err)
			}
		}
	}
}

func TestAMissingProgramIsSaid(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for path, item := range map[string]scene.Item{
		"librsvg2-bin":  {Kind: scene.Image, Src: write(t, "a.svg", []byte(plates))},
		"poppler-utils": {Kind: scene.Page, Page: 1, Src: write(t, "a.pdf", document([4]string{"9", "9", "0", "0 0 0"}))},
	} {
		_, err := media.Picture(t.Context(), item, image.Pt(9, 9))
		var missing *child.MissingError
		if !errors.As(err, &missing) || missing.Package != path || !strings.Contains(err.Error(), "apt install "+path) {
			t.Errorf("%v; want it to say that %s is missing", err, path)
		}
	}
}
