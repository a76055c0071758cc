package output

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jezek/xgb/xproto"
)

// Keysyms by keysymdef.h of X11: Latin 1 is as in Unicode, other characters are theirs plus 0x01000000.
const (
	symUnicode   = 0x01000000
	symF1        = 0xffbe
	symModifier  = 0xffe1 // Shift_L
	symModifiers = 0xffee // Hyper_R
	symNumLock   = 0xff7f
	symLevel     = 0xfe03 // ISO_Level3_Shift
)

// named are the keys whose name is a word.
func named() map[xproto.Keysym]string {
	return map[xproto.Keysym]string{
		0xff08: "BackSpace", 0xff09: "Tab", 0xff0d: "Return", 0xff13: "Pause", 0xff14: "Scroll_Lock", 0xff1b: "Escape",
		0xff50: "Home", 0xff51: "Left", 0xff52: "Up", 0xff53: "Right", 0xff54: "Down", 0xff55: "Prior", 0xff56: "Next",
		0xff57: "End", 0xff61: "Print", 0xff63: "Insert", 0xff67: "Menu", 0xffff: "Delete", 0xff8d: "KP_Enter",
		0xff95: "KP_Home", 0xff96: "KP_Left", 0xff97: "KP_Up", 0xff98: "KP_Right", 0xff99: "KP_Down", 0xff9a: "KP_Prior",
		0xff9b: "KP_Next", 0xff9c: "KP_End", 0xff9d: "KP_Begin", 0xff9e: "KP_Insert", 0xff9f: "KP_Delete",
		0xffaa: "KP_Multiply", 0xffab: "KP_Add", 0xffad: "KP_Subtract", 0xffae: "KP_Decimal", 0xffaf: "KP_Divide",
		0x20: "space", 0x21: "exclam", 0x22: "quotedbl", 0x23: "numbersign", 0x24: "dollar", 0x25: "percent",
		0x26: "ampersand", 0x27: "apostrophe", 0x28: "parenleft", 0x29: "parenright", 0x2a: "asterisk", 0x2b: "plus",
		0x2c: "comma", 0x2d: "minus", 0x2e: "period", 0x2f: "slash", 0x3a: "colon", 0x3b: "semicolon", 0x3c: "less",
		0x3d: "equal", 0x3e: "greater", 0x3f: "question", 0x40: "at", 0x5b: "bracketleft", 0x5c: "backslash",
		0x5d: "bracketright", 0x5e: "asciicircum", 0x5f: "underscore", 0x60: "grave",
		0x1008ff11: "XF86AudioLowerVolume", 0x1008ff12: "XF86AudioMute", 0x1008ff13: "XF86AudioRaiseVolume",
		0x1008ff14: "XF86AudioPlay", 0x1008ff15: "XF86AudioStop", 0x1008ff16: "XF86AudioPrev", 0x1008ff17: "XF86AudioNext",
		0x1008ff2a: "XF86PowerOff", 0x1008ff18: "XF86HomePage",
	}
}

// keyName is a key's name; "" for none, and for modifiers.
func keyName(sym xproto.Keysym) string {
	if s, ok := named()[sym]; ok {
		return s
	}
	switch {
	case sym == 0, sym == symNumLock, sym >= symModifier && sym <= symModifiers, sym&^0xff == symLevel&^0xff:
		return ""
	case sym >= symF1 && sym < symF1+35:
		return fmt.Sprintf("F%d", sym-symF1+1)
	case sym >= 0xffb0 && sym <= 0xffb9:
		return fmt.Sprintf("KP_%d", sym-0xffb0)
	case sym > 0x20 && sym < 0x7f, sym >= 0xa0 && sym <= 0xff:
		return string(rune(sym))
	case sym > symUnicode && sym <= symUnicode+utf8.MaxRune:
		return string(rune(sym - symUnicode))
	}
	return fmt.Sprintf("0x%x", uint32(sym))
}

// keysym is the other way round; names of words in any case.
func keysym(name string) (xproto.Keysym, bool) {
	for sym, n := range named() {
		if strings.EqualFold(n, name) {
			return sym, true
		}
	}
	if r, n := utf8.DecodeRuneInString(name); n == len(name) && r != utf8.RuneError && r > 0x20 {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A' // what the key gives without shift
		}
		if r < 0x100 {
			return xproto.Keysym(r), true
		}
		return xproto.Keysym(r + symUnicode), true
	}
	if f, ok := strings.CutPrefix(strings.ToUpper(name), "F"); ok {
		if n, err := strconv.Atoi(f); err == nil && n >= 1 && n <= 35 {
			return xproto.Keysym(symF1 + n - 1), true
		}
	}
	if d, ok := strings.CutPrefix(strings.ToUpper(name), "KP_"); ok && len(d) == 1 && d >= "0" && d <= "9" {
		return xproto.Keysym(0xffb0 + int(d[0]-'0')), true
	}
	if h, ok := strings.CutPrefix(name, "0x"); ok {
		n, err := strconv.ParseUint(h, 16, 32)
		return xproto.Keysym(n), err == nil && n > 0
	}
	return 0, false
}
