package alert

import (
	"math"
	"strings"
	"unicode"
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

// lines is how many lines a text needs at a size in a width.
func lines(text string, size, width float64) int {
	n := 0
	for p := range strings.SplitSeq(text, "\n") {
		n++
		x := 0.0
		for word := range strings.SplitAfterSeq(p, " ") {
			w := 0.0
			for _, r := range word {
				w += runeWidth(r) * size
			}
			switch {
			case x > 0 && x+w > width:
				n++
				x = w
			default:
				x += w
			}
			if x > width { // one word longer than a line
				more := math.Ceil(x/width) - 1
				n += int(more)
				x -= more * width
			}
		}
	}
	return n
}

// height is how high a text is at a size in a width.
func height(text string, size, width float64) float64 {
	if text == "" {
		return 0
	}
	return float64(lines(text, size, width)) * leading * size
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

// cut takes as many words of a text as fit into a box, to the end of a sentence when that is not much less; at least one
// word, so that the rest is always shorter.
func cut(text string, size, width, tall float64) (head, rest string) {
	if height(text, size, width) <= tall {
		return text, ""
	}
	end, sentence := 0, 0
	for i := range text {
		if i == 0 || text[i] != ' ' && text[i] != '\n' {
			continue
		}
		if height(text[:i], size, width) > tall {
			break
		}
		if end = i; strings.ContainsAny(text[i-1:i], ".!?:") || text[i] == '\n' {
			sentence = i
		}
	}
	if sentence*10 > end*7 {
		end = sentence
	}
	if end == 0 {
		end = strings.IndexAny(text, " \n")
	}
	if end <= 0 {
		return text, ""
	}
	return text[:end], strings.TrimSpace(text[end:])
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
