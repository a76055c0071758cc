package output

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Input is what somebody did in front of the screen: a key, or a touch or click.
type Input struct {
	Key   string // its X name with its modifiers: "F12", "ctrl+alt+s"
	Point *image.Point
}

// CheckKey says what is wrong with the name of a key.
func CheckKey(name string) error {
	_, _, err := parseKey(name)
	return err
}

// The modifiers in the order in which they are written.
func modifiers() []struct {
	name string
	mask uint16
} {
	return []struct {
		name string
		mask uint16
	}{{"ctrl", xproto.ModMaskControl}, {"alt", xproto.ModMask1}, {"shift", xproto.ModMaskShift}, {"super", xproto.ModMask4}}
}

// parseKey reads "ctrl+alt+s".
func parseKey(name string) (xproto.Keysym, uint16, error) {
	parts := strings.Split(name, "+")
	var mask uint16
	for _, p := range parts[:len(parts)-1] {
		known := false
		for _, m := range modifiers() {
			if strings.EqualFold(p, m.name) {
				mask |= m.mask
				known = true
			}
		}
		if !known {
			return 0, 0, fmt.Errorf("the key %q has an unknown modifier %q; known are ctrl, alt, shift and super", name, p)
		}
	}
	sym, ok := keysym(parts[len(parts)-1])
	if !ok {
		return 0, 0, fmt.Errorf("the key %q is not known; keys are named like F12, Escape, a, 5, space or ctrl+alt+s, as xev shows them", name)
	}
	return sym, mask, nil
}

// keyboard is what the keys of an X server mean.
type keyboard struct {
	first xproto.Keycode
	per   int
	syms  []xproto.Keysym

	released xproto.Keycode // the last one, and when: a press at the same instant is the keyboard repeating itself
	at       xproto.Timestamp
}

func readKeyboard(conn *xgb.Conn) (*keyboard, error) {
	s := xproto.Setup(conn)
	r, err := xproto.GetKeyboardMapping(conn, s.MinKeycode, byte(s.MaxKeycode-s.MinKeycode+1)).Reply()
	if err != nil {
		return nil, fmt.Errorf("read the keyboard: %w", err)
	}
	return &keyboard{first: s.MinKeycode, per: int(r.KeysymsPerKeycode), syms: r.Keysyms}, nil
}

// name says which key it is, "" for modifiers by themselves and keys that mean nothing.
func (k *keyboard) name(code xproto.Keycode, state uint16) string {
	i := int(code-k.first) * k.per
	if i < 0 || i >= len(k.syms) {
		return ""
	}
	name := keyName(k.syms[i])
	if name == "" {
		return ""
	}
	var out []string
	for _, m := range modifiers() {
		if state&m.mask != 0 {
			out = append(out, m.name)
		}
	}
	return strings.Join(append(out, name), "+")
}

// codes are the keys that give a symbol without modifiers.
func (k *keyboard) codes(sym xproto.Keysym) []xproto.Keycode {
	var out []xproto.Keycode
	for i := 0; i < len(k.syms); i += k.per {
		if k.syms[i] == sym {
			out = append(out, k.first+xproto.Keycode(i/k.per))
		}
	}
	return out
}

// repeats says that a press is the keyboard's own repetition.
func (k *keyboard) repeats(e xproto.KeyPressEvent) bool {
	return e.Detail == k.released && e.Time == k.at
}

// grab asks the server for the configured keys whatever window has the focus.
func (x *X11) grab() {
	k, err := readKeyboard(x.conn)
	if err != nil {
		return // the server is gone; listen says so
	}
	for _, name := range x.cfg.Keys {
		sym, mask, err := parseKey(name)
		if err != nil {
			x.trouble(err)
			continue
		}
		codes := k.codes(sym)
		if len(codes) == 0 {
			x.trouble(fmt.Errorf("the keyboard has no key %q; choose another with --keys", name))
		}
		for _, code := range codes {
			x.grabCode(name, code, mask)
		}
	}
}

// grabCode takes a key, whether Caps Lock and Num Lock are on or not.
func (x *X11) grabCode(name string, code xproto.Keycode, mask uint16) {
	for _, lock := range []uint16{0, xproto.ModMaskLock, xproto.ModMask2, xproto.ModMaskLock | xproto.ModMask2} {
		err := xproto.GrabKeyChecked(x.conn, false, x.screen.Root, mask|lock, code, xproto.GrabModeAsync, xproto.GrabModeAsync).Check()
		var taken xproto.AccessError
		if errors.As(err, &taken) {
			x.trouble(fmt.Errorf("the key %q belongs to another program on this screen; choose another with --keys, or free it there", name))
			return
		}
		if err != nil {
			x.trouble(fmt.Errorf("take the key %q: %w", name, err))
			return
		}
	}
}

// pressed hands on a key.
func (x *X11) pressed(e xproto.KeyPressEvent) {
	if x.keyboard.repeats(e) {
		return
	}
	if name := x.keyboard.name(e.Detail, e.State); name != "" {
		x.cfg.Heard(Input{Key: name})
	}
}

// clicked hands on a click or touch; the wheel is none.
func (x *X11) clicked(e xproto.ButtonPressEvent) {
	if slices.Contains([]xproto.Button{1, 2, 3}, e.Detail) {
		x.cfg.Heard(Input{Point: &image.Point{X: int(e.RootX), Y: int(e.RootY)}})
	}
}
