package glyph

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-text/typesetting/font"
	"golang.org/x/text/unicode/norm"
)

// The ranks of families that stand in for a missing glyph: calm sans-serif faces first, so that a line of several
// scripts has one colour.
const (
	rankSans  = 0
	rankPlain = 1
	rankSerif = 2
	rankOdd   = 3
	rankEmoji = 4
	rankNever = 9
)

// defaultFamilies are tried after the style's own: Inter, whose display cut is drawn for large sizes, then what most
// systems have; the last is built in.
func defaultFamilies() []string {
	return []string{"interdisplay", "inter", "notosans", "dejavusans", "go"}
}

func rankOf(family string) int {
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(family, p) })
	}
	switch {
	case has("lastresort", "adobeblank"):
		return rankNever
	case has("emoji"):
		return rankEmoji
	case has("mono", "display", "looped", "nastaliq", "unjoined", "slanted", "traditional", "rashi", "math", "music"):
		return rankOdd
	case has("serif", "naskh"):
		return rankSerif
	case strings.HasPrefix(family, "notosans"):
		return rankSans
	}
	return rankPlain
}

// chain is the list of faces for a style: one for each family that exists, ending in the built-in one.
func (f *Fonts) chain(l Look) []*entry {
	f.scan()
	key := fmt.Sprintf("%q %d %v", l.Families, l.Weight, l.Italic)
	if c, ok := f.chains[key]; ok {
		return c
	}
	var c []*entry
	add := func(e *entry) {
		if e != nil && !slices.Contains(c, e) && e.open() != nil {
			c = append(c, e)
		}
	}
	for _, name := range l.Families {
		if isFontName(name) {
			add(f.byFile(name))
			continue
		}
		add(f.byFamily(generic(font.NormalizeFamily(name)), l.Weight, l.Italic))
	}
	for _, name := range defaultFamilies() {
		add(f.byFamily(name, l.Weight, l.Italic))
	}
	if len(f.chains) > 256 {
		clear(f.chains)
	}
	f.chains[key] = c
	return c
}

// generic gives CSS's generic names a family.
func generic(family string) string {
	switch family {
	case "sansserif", "sans-serif", "systemui", "system-ui", "sans":
		return "inter"
	case "serif":
		return "notoserif"
	case "monospace", "mono":
		return "dejavusansmono"
	}
	return family
}

// byFile finds a font by its path: a configured one by the end of its path, another one if the path is absolute.
func (f *Fonts) byFile(path string) *entry {
	if e := f.byPath[path]; e != nil {
		return e
	}
	for _, file := range f.cfg.Files {
		if strings.HasSuffix(filepath.ToSlash(file), "/"+path) {
			return f.byPath[file]
		}
	}
	if !filepath.IsAbs(path) {
		return nil
	}
	if len(f.byPath) > maxNamedFonts+len(f.cfg.Files) {
		f.forgetNamed()
	}
	n := len(f.entries)
	if f.addFile(path) != nil {
		f.byPath[path] = &entry{file: path, broken: true}
		return nil
	}
	// A font named by its path is for those who name it: it does not stand in elsewhere.
	f.entries = f.entries[:n]
	return f.byPath[path]
}

// maxNamedFonts is how many fonts that bundles name by path are kept open.
const maxNamedFonts = 48

// forgetNamed closes the fonts that were named by path, so that years of new bundles do not fill the memory.
func (f *Fonts) forgetNamed() {
	keep := map[string]*entry{}
	for _, e := range f.entries {
		if old := f.byPath[e.file]; old == e {
			keep[e.file] = e
		}
	}
	f.byPath = keep
	clear(f.chains)
	f.glyphs.mu.Lock()
	f.glyphs.forget()
	f.glyphs.mu.Unlock()
}

// byFamily finds the family's face that is nearest in slant, width and weight.
func (f *Fonts) byFamily(family string, weight int, italic bool) *entry {
	var best *entry
	bestCost := math.Inf(1)
	for _, e := range f.entries {
		if e.family != family || e.broken {
			continue
		}
		if cost := aspectCost(e.aspect, weight, italic); cost < bestCost {
			best, bestCost = e, cost
		}
	}
	return best
}

// aspectCost orders the faces of a family as CSS Fonts 4, section 5.2 does: width, then slant, then weight, where light
// wishes look at lighter faces first and bold ones at bolder.
func aspectCost(a font.Aspect, weight int, italic bool) float64 {
	cost := math.Abs(float64(a.Stretch)-float64(font.StretchNormal)) * 1e6
	if (a.Style == font.StyleItalic) != italic {
		cost += 1e5
	}
	d := float64(a.Weight) - float64(weight)
	wrongSide := weight > 500 && d < 0 || weight < 400 && d > 0 || weight >= 400 && weight <= 500 && (d < 0 || float64(a.Weight) > 500)
	if wrongSide && d != 0 {
		cost += 1e3
	}
	return cost + math.Abs(d)
}

type spareKey struct {
	r     rune
	bold  bool
	emoji bool
	han   string
}

// pick finds the face for one grapheme cluster.
func (f *Fonts) pick(chain []*entry, cluster []rune, l Look, han string) *entry {
	emoji := wantsEmoji(cluster)
	if emoji {
		if e := f.standIn(cluster, l, han, true); e != nil {
			return e
		}
	}
	for _, e := range chain {
		if coversAll(e, cluster) {
			return e
		}
	}
	if e := f.standIn(cluster, l, han, false); e != nil {
		return e
	}
	for _, e := range chain {
		if e.covers(cluster[0]) {
			return e
		}
	}
	if len(chain) > 0 {
		return chain[len(chain)-1] // the built-in font's sign for a missing glyph is a calm empty box
	}
	return nil
}

// standIn looks through all faces for one that has the cluster.
func (f *Fonts) standIn(cluster []rune, l Look, han string, emoji bool) *entry {
	key := spareKey{r: cluster[0], bold: l.Weight >= 600, emoji: emoji, han: han}
	if e, ok := f.spare[key]; ok && (e == nil || coversAll(e, cluster)) {
		return e
	}
	var best *entry
	bestCost := math.Inf(1)
	for _, e := range f.entries {
		if e.broken || emoji != (e.rank == rankEmoji) && emoji {
			continue
		}
		cost := float64(e.rank)*1e8 + hanCost(e.family, han) + aspectCost(e.aspect, l.Weight, false)
		if cost < bestCost && coversAll(e, cluster) && e.open() != nil {
			best, bestCost = e, cost
		}
	}
	if len(f.spare) > 8192 {
		clear(f.spare)
	}
	f.spare[key] = best
	return best
}

// hanCost prefers the CJK family of the text's language: one code point has different shapes in China and Japan.
func hanCost(family, han string) float64 {
	if i := strings.Index(family, "cjk"); i >= 0 && !strings.HasPrefix(family[i+3:], han) {
		return 1e7
	}
	return 0
}

func coversAll(e *entry, cluster []rune) bool {
	missing := false
	for _, r := range cluster {
		if !ignorable(r) && !e.covers(r) {
			missing = true
			break
		}
	}
	if !missing {
		return true
	}
	if len(cluster) < 2 {
		return false
	}
	// A letter and its mark may exist as one glyph only.
	for _, r := range norm.NFC.String(string(cluster)) {
		if !ignorable(r) && !e.covers(r) {
			return false
		}
	}
	return true
}

// ignorable says whether r needs no glyph: joiners, variation selectors, direction marks, tags.
func ignorable(r rune) bool {
	switch {
	case r < 0xad:
		return r < 0x20
	case r == 0xad, r == 0x34f, r == 0x61c, r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e,
		r >= 0x2060 && r <= 0x206f, r >= 0xfe00 && r <= 0xfe0f, r == 0xfeff, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

// wantsEmoji says whether a cluster is to be a colour picture: it says so (U+FE0F), or its first rune is one by default
// (Unicode emoji-data.txt, Emoji_Presentation) and does not ask for text (U+FE0E).
func wantsEmoji(cluster []rune) bool {
	for _, r := range cluster[1:] {
		switch r {
		case 0xfe0f, 0x20e3:
			return true
		case 0xfe0e:
			return false
		}
	}
	r := cluster[0]
	switch {
	case r >= 0x1f300 && r <= 0x1faff:
		return !textByDefault(r)
	case r >= 0x1f1e6 && r <= 0x1f1ff, r == 0x1f004, r == 0x1f0cf, r == 0x1f18e, r >= 0x1f191 && r <= 0x1f19a, r == 0x1f201:
		return true
	case r < 0x231a || r > 0x2b55:
		return false
	}
	return strings.ContainsRune("⌚⌛⏩⏪⏫⏬⏰⏳◽◾☔☕♈♉♊♋♌♍♎♏♐♑♒♓♿⚓⚡⚪⚫⚽⚾⛄⛅⛎⛔⛪⛲⛳⛵⛺⛽✅✊✋✨❌❎❓❔❕❗➕➖➗➰➿⬛⬜⭐⭕", r)
}

// textByDefault are the pictographs of the emoji blocks that are text unless U+FE0F follows, as far as text fonts have them.
func textByDefault(r rune) bool {
	switch {
	case r >= 0x1f650 && r <= 0x1f67f, r >= 0x1f700 && r <= 0x1f7df, r >= 0x1f800 && r <= 0x1f8ff, r >= 0x1fa00 && r <= 0x1fa6f:
		return true
	case r == 0x1f321, r >= 0x1f324 && r <= 0x1f32c, r >= 0x1f579 && r <= 0x1f594 && r != 0x1f57a:
		return true
	}
	return false
}
