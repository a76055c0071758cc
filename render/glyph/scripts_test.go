package glyph

import (
	"fmt"
	"image"
	"os"
	"strings"
	"testing"

	"github.com/go-text/typesetting/font"
)

// systemFonts are the machine's; the test needs the packages that it names.
func systemFonts(t testing.TB) *Fonts {
	t.Helper()
	fonts, err := LoadFonts(FontConfig{CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return fonts
}

func plainFonts(t testing.TB) *Fonts {
	t.Helper()
	fonts, err := LoadFonts(FontConfig{NoSystem: true})
	if err != nil {
		t.Fatal(err)
	}
	return fonts
}

// needs skips where a Debian package with a font file is not installed.
func needs(t *testing.T, pkg, file string) {
	t.Helper()
	if _, err := os.Stat(file); err != nil {
		t.Skipf("install %s to run this: %v", pkg, err)
	}
}

const (
	notoFile  = "/usr/share/fonts/truetype/noto/NotoSansDevanagari-Regular.ttf"
	emojiFile = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
	cjkFile   = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
)

// missing counts the glyphs of a block that its fonts do not have.
func missing(b Block) int {
	n := 0
	for _, ln := range b.Lines {
		for _, r := range ln.runs {
			for _, g := range r.Glyphs {
				if g.GlyphID == 0 {
					n++
				}
			}
		}
	}
	return n
}

func glyphCount(b Block) int {
	n := 0
	for _, ln := range b.Lines {
		for _, r := range ln.runs {
			n += len(r.Glyphs)
		}
	}
	return n
}

func TestEveryScriptIsShaped(t *testing.T) {
	for _, c := range []struct {
		name, pkg, file, text string
		rtl                   bool
		glyphs                int // exactly; 0 = not looked at
	}{
		{"Latin with French spaces", "fonts-noto-core", notoFile, "9\u202fh\u202f30\u202f; «\u00a0déjà\u00a0»", false, 0},
		{"Arabic letters join", "fonts-noto-core", notoFile, "مرحبا بكم في المعرض", true, 0},
		{"Arabic lam and alef are one glyph", "fonts-noto-core", notoFile, "لا", true, 1},
		{"Hebrew", "fonts-noto-core", notoFile, "ברוכים הבאים", true, 0},
		{"Hebrew points stay with their letters", "fonts-noto-core", notoFile, "שָׁלוֹם", true, 0},
		{"Hindi conjunct is one glyph", "fonts-noto-core", notoFile, "क्ष", false, 1},
		{"Hindi", "fonts-noto-core", notoFile, "नमस्ते दुनिया, प्रदर्शनी में आपका स्वागत है", false, 0},
		{"Thai", "fonts-noto-core", notoFile, "ยินดีต้อนรับสู่นิทรรศการ", false, 0},
		{"a letter and its accent are one glyph", "fonts-noto-core", notoFile, "e\u0301", false, 1},
		{"stacked marks", "fonts-noto-core", notoFile, "o\u0302\u0323 ế ậ", false, 0},
		{"Chinese", "fonts-noto-cjk", cjkFile, "欢迎光临展览会", false, 7},
		{"Japanese and Korean", "fonts-noto-cjk", cjkFile, "ようこそ 환영합니다", false, 0},
		{"an emoji of two people and a heart is one glyph", "fonts-noto-color-emoji", emojiFile, "👩‍❤️‍👨", false, 1},
		{"a flag is one glyph", "fonts-noto-color-emoji", emojiFile, "🇫🇷", false, 1},
		{"a skin tone is one glyph with its hand", "fonts-noto-color-emoji", emojiFile, "👍🏽", false, 1},
		{"a keycap is one glyph", "fonts-noto-color-emoji", emojiFile, "1️⃣", false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			needs(t, c.pkg, c.file)
			b := systemFonts(t).Layout(c.text, Look{Size: 40, Weight: 400}, 2000, 0)
			if n := missing(b); n > 0 {
				t.Errorf("%d glyphs are missing", n)
			}
			if len(b.Lines) != 1 || b.Lines[0].RTL != c.rtl {
				t.Errorf("%d lines, right to left: %v; want one line, %v", len(b.Lines), b.Lines[0].RTL, c.rtl)
			}
			if n := glyphCount(b); c.glyphs > 0 && n != c.glyphs {
				t.Errorf("%d glyphs, want %d", n, c.glyphs)
			}
		})
	}
}

func TestWithoutAnySystemFontTextIsStillThere(t *testing.T) {
	b := plainFonts(t).Layout("Bienvenue — 9\u202fh\u202f30, déjà l’été", Look{Size: 40, Weight: 400}, 2000, 0)
	if missing(b) > 0 || b.Width < 100 {
		t.Errorf("%d glyphs are missing, width %.0f", missing(b), b.Width)
	}
	if b := plainFonts(t).Layout("展", Look{Size: 40, Weight: 400}, 2000, 0); missing(b) != 1 {
		t.Errorf("a letter in no font must be the sign for a missing one, got %d", missing(b))
	}
}

func TestEmojiAreDrawnInColour(t *testing.T) {
	needs(t, "fonts-noto-color-emoji", emojiFile)
	fonts := systemFonts(t)
	ln := fonts.OneLine("😀", Look{Size: 64, Weight: 400})
	dst := image.NewRGBA(image.Rect(0, 0, 100, 100))
	fonts.Ink(dst, dst.Rect, &ln, 10, 70, image.White)
	yellow := 0
	for i := 0; i < len(dst.Pix); i += 4 {
		if p := dst.Pix[i:]; p[3] == 255 && p[0] > 200 && p[1] > 150 && p[2] < 100 {
			yellow++
		}
	}
	if yellow < 1000 {
		t.Errorf("only %d yellow pixels in a face of about 70 × 70", yellow)
	}
}

func TestChoosingFaces(t *testing.T) {
	needs(t, "fonts-noto-core", notoFile)
	fonts := systemFonts(t)
	family := func(text string, l Look) string {
		if l.Weight == 0 {
			l.Weight = 400
		}
		l.Size = 20
		ln := fonts.OneLine(text, l)
		var names []string
		for _, r := range ln.runs {
			d := r.Face.Describe()
			names = append(names, fmt.Sprintf("%s %.0f", d.Family, float64(d.Aspect.Weight)))
		}
		return strings.Join(names, ", ")
	}
	for _, c := range []struct {
		name, text string
		look       Look
		want       string
	}{
		{"a family by its name", "abc", Look{Families: []string{"DejaVu Sans"}}, "DejaVu Sans 400"},
		{"the bold face of a family", "abc", Look{Families: []string{"Noto Sans"}, Weight: 700}, "Noto Sans 700"},
		{"the nearest weight", "abc", Look{Families: []string{"Noto Sans"}, Weight: 600}, "Noto Sans 700"},
		{"a name nobody has falls through to the next", "abc", Look{Families: []string{"No Such Font", "Noto Serif"}}, "Noto Serif 400"},
		{"a font file by its path", "abc", Look{Families: []string{"/usr/share/fonts/truetype/noto/NotoSerif-Bold.ttf"}}, "Noto Serif 700"},
		{"a script that the family lacks comes from a calm face", "नम", Look{Families: []string{"Noto Serif"}}, "Noto Sans Devanagari 400"},
		{"bold text gets a bold stand-in", "नम", Look{Families: []string{"Noto Sans"}, Weight: 700}, "Noto Sans Devanagari 700"},
		{"two scripts in a line", "नम abc", Look{Families: []string{"Noto Sans"}}, "Noto Sans Devanagari 400, Noto Sans 400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := family(c.text, c.look); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestOneCodePointHasTheShapeOfItsLanguage(t *testing.T) {
	needs(t, "fonts-noto-cjk", cjkFile)
	fonts := systemFonts(t)
	for _, c := range []struct{ name, text, locale, want string }{
		{"Chinese", "直", "en", "Noto Sans CJK SC"},
		{"kana makes it Japanese", "直す", "fr", "Noto Sans CJK JP"},
		{"hangul makes it Korean", "直접", "fr", "Noto Sans CJK KR"},
		{"the player's language decides", "直", "ja", "Noto Sans CJK JP"},
		{"Taiwan", "直", "zh-TW", "Noto Sans CJK TC"},
	} {
		ln := fonts.OneLine(c.text, Look{Size: 20, Weight: 400, Locale: c.locale})
		if got := ln.runs[0].Face.Describe().Family; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestADirectoryThatCannotBeWrittenCostsNoFonts(t *testing.T) {
	needs(t, "fonts-noto-core", notoFile)
	fonts, err := LoadFonts(FontConfig{CacheDir: "/proc/nothing/here"})
	if err != nil {
		t.Fatal(err)
	}
	if b := fonts.Layout("नम", Look{Size: 20, Weight: 400}, 500, 0); missing(b) > 0 {
		t.Error("the system's fonts were not found")
	}
}

func TestDamagedFontFilesAreRefusedAndLeftOut(t *testing.T) {
	good, err := os.ReadFile("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
	if err != nil {
		t.Skip("install fonts-dejavu-core to run this")
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"empty.ttf": {}, "text.ttf": []byte("this is not a font"), "cut.ttf": good[:len(good)/3], "head.ttf": good[:64],
	} {
		path := dir + "/" + name
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		fonts, err := LoadFonts(FontConfig{Files: []string{path}, NoSystem: true})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v does not name the file", name, err)
		}
		if b := fonts.Layout("abc", Look{Size: 20, Weight: 400, Families: []string{path}}, 500, 0); missing(b) > 0 || b.Width < 10 {
			t.Errorf("%s: text was not drawn with another font", name)
		}
	}
}

func TestFilesOfAConfigurationGoByTheEndOfTheirPath(t *testing.T) {
	const file = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"
	needs(t, "fonts-dejavu-core", file)
	fonts, err := LoadFonts(FontConfig{Files: []string{file}, NoSystem: true})
	if err != nil {
		t.Fatal(err)
	}
	ln := fonts.OneLine("abc", Look{Size: 20, Weight: 400, Families: []string{"dejavu/DejaVuSans-Bold.ttf"}})
	if d := ln.runs[0].Face.Describe(); d.Family != "DejaVu Sans" || d.Aspect.Weight != font.WeightBold {
		t.Errorf("got %+v", d)
	}
}

func TestManyNamedFontsAreForgotten(t *testing.T) {
	good, err := os.ReadFile("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
	if err != nil {
		t.Skip("install fonts-dejavu-core to run this")
	}
	fonts := plainFonts(t)
	dir := t.TempDir()
	for i := range 3 * maxNamedFonts {
		path := fmt.Sprintf("%s/%d.ttf", dir, i)
		if err := os.Link("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", path); err != nil {
			if err := os.WriteFile(path, good, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		fonts.OneLine("a", Look{Size: 20, Weight: 400, Families: []string{path}})
	}
	if n := len(fonts.byPath); n > maxNamedFonts+2 {
		t.Errorf("%d fonts are kept open", n)
	}
}
