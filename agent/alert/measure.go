package alert

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	leading = 1.3  // distance of two lines, em
	heavy   = 1.08 // how much wider bold text is
)

// runeWidth is how wide a character is, in em, on the wide side of common sans-serif faces: which face there is at the end
// only the renderer knows, and text that is a little small is better than text that is cut.
func runeWidth(r rune) float64 {
	switch {
	case r == ' ':
		return 0.3
	case strings.ContainsRune("iljtfrI.,;:!'’()|-", r):
		return 0.37
	case strings.ContainsRune("mwMW—", r):
		return 0.9
	case r >= 0x1100 && r <= 0x11ff, r >= 0x2e80 && r <= 0xd7ff, r >= 0xf900 && r <= 0xfaff, r >= 0xff00 && r <= 0xff60, r >= 0x1f000:
		return 1.05
	case unicode.Is(unicode.Mn, r):
		return 0
	case unicode.IsUpper(r):
		return 0.68
	}
	return 0.575
}

// wrap breaks a text into lines at a size in a width, and gives where each ends.
func wrap(text string, size, width float64) []int {
	var ends []int
	x, atSpace, space := 0.0, 0.0, -1 // of the line so far; of it up to the last space; where the word after that begins
	for i, r := range text {
		if r == '\n' {
			ends = append(ends, i)
			x, space = 0, -1
			continue
		}
		w := runeWidth(r) * size
		if r != ' ' && x > 0 && x+w > width {
			if space >= 0 {
				ends, x = append(ends, space), x-atSpace
			} else { // one word longer than a line, or a script without spaces
				ends, x = append(ends, i), 0
			}
			space = -1
		}
		if x += w; r == ' ' {
			space, atSpace = i+1, x
		}
	}
	return append(ends, len(text))
}

// height is how high a text is at a size in a width.
func height(text string, size, width float64) float64 {
	if text == "" {
		return 0
	}
	return float64(len(wrap(text, size, width))) * leading * size
}

// fit is the greatest size between two at which a text fits into a box; the least when it fits at none.
func fit(text string, width, tall, least, most float64) float64 {
	for size := most; size > least; size -= 2 {
		if height(text, size, width) <= tall {
			return size
		}
	}
	return least
}

// cut takes as many lines of a text as fit into a box, to the end of a sentence when that is not much less; at least one
// line, so that the rest is always shorter.
func cut(text string, size, width, tall float64) (head, rest string) {
	ends := wrap(text, size, width)
	n := max(1, int(tall/(leading*size)))
	if len(ends) <= n || ends[n-1] == 0 {
		return text, ""
	}
	end := ends[n-1]
	if last := max(strings.LastIndexAny(text[:end], "\n。"), strings.LastIndex(text[:end], ". "), strings.LastIndex(text[:end], "! ")); last*10 > end*7 {
		_, size := utf8.DecodeRuneInString(text[last:])
		end = last + size
	}
	return strings.TrimSpace(text[:end]), strings.TrimSpace(text[end:])
}

// split cuts a text into boxes, at most so many, and all about as full; the last takes all that is left, and the renderer
// shortens it.
func split(text string, size, width, tall float64, most int) []string {
	out := boxes(text, size, width, tall, most)
	for lower := tall - leading*size; len(out) > 1 && lower > tall/2; lower -= leading * size {
		even := boxes(text, size, width, lower, most)
		if len(even) > len(out) || height(even[len(even)-1], size, width) > tall {
			break
		}
		out = even
	}
	return out
}

func boxes(text string, size, width, tall float64, most int) []string {
	var out []string
	for text != "" {
		if len(out) == most-1 {
			return append(out, text)
		}
		var head string
		head, text = cut(text, size, width, tall)
		out = append(out, head)
	}
	return out
}
