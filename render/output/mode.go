package output

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/randr"
	"github.com/jezek/xgb/xproto"
)

// Mode is what displays are to be set to. The zero value leaves them as they are.
type Mode struct {
	Auto bool        // the largest that this machine can paint in software, see choose
	Size image.Point // else: this one
	Rate float64     // hertz; 0 = what is nearest to 60
}

// ParseMode reads auto, 1920x1080 or 1920x1080@50; "" is the zero value.
func ParseMode(s string) (Mode, error) {
	wrong := fmt.Errorf("a mode is auto, or written like 1920x1080 or 1920x1080@50, not %q", s)
	if s == "" || s == "auto" {
		return Mode{Auto: s == "auto"}, nil
	}
	size, rate, rated := strings.Cut(s, "@")
	w, h, ok := strings.Cut(size, "x")
	x, err1 := strconv.Atoi(w)
	y, err2 := strconv.Atoi(h)
	m := Mode{Size: image.Pt(x, y)}
	if !ok || err1 != nil || err2 != nil || x < 1 || y < 1 || x > largest || y > largest {
		return Mode{}, wrong
	}
	if rated {
		var err error
		if m.Rate, err = strconv.ParseFloat(rate, 64); err != nil || !(m.Rate >= 1 && m.Rate <= 1000) {
			return Mode{}, wrong
		}
	}
	return m, nil
}

// offer is a mode that a display has.
type offer struct {
	id        randr.Mode
	size      image.Point
	hz        float64
	interlace bool
}

// pixelsACore is what one processor core paints of a screen that is in motion all over: 1920×1080 at 30 Hz takes 0.4 of
// one, and a screen is to leave room for decoding; so 2 cores have 1080 lines, 4 have 1440, 8 have 2160.
const pixelsACore = 1_150_000

// choose picks a mode; offers begin with the display's preferred one.
func (m Mode) choose(offers []offer, cores int) (offer, error) {
	if len(offers) == 0 {
		return offer{}, errors.New("it offers no modes")
	}
	fits := slices.DeleteFunc(slices.Clone(offers), func(o offer) bool {
		if m.Auto {
			return o.interlace || o.size.X*o.size.Y > cores*pixelsACore
		}
		return o.size != m.Size || m.Rate > 0 && math.Abs(o.hz-m.Rate) > 0.51
	})
	if len(fits) == 0 && m.Auto {
		return slices.MinFunc(offers, func(a, b offer) int { return a.size.X*a.size.Y - b.size.X*b.size.Y }), nil
	}
	if len(fits) == 0 {
		var names []string
		for _, o := range offers {
			names = append(names, fmt.Sprintf("%dx%d@%.4g", o.size.X, o.size.Y, o.hz))
		}
		return offer{}, fmt.Errorf("it does not offer %s; it offers %s", m, strings.Join(slices.Compact(names), ", "))
	}
	want := m.Rate
	if want == 0 {
		want = 60
	}
	shape := func(o offer) bool { // that of the preferred one, so that nothing is distorted
		p := offers[0].size
		return math.Abs(float64(o.size.X*p.Y)/float64(o.size.Y*p.X)-1) < 0.02
	}
	return slices.MaxFunc(fits, func(a, b offer) int {
		return cmp.Or(ordered(shape(a), shape(b)), cmp.Compare(a.size.X*a.size.Y, b.size.X*b.size.Y),
			ordered(!a.interlace, !b.interlace), cmp.Compare(math.Abs(b.hz-want), math.Abs(a.hz-want)))
	}), nil
}

func ordered(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// String is what ParseMode reads.
func (m Mode) String() string {
	switch {
	case m.Auto:
		return "auto"
	case m.Rate > 0:
		return fmt.Sprintf("%dx%d@%g", m.Size.X, m.Size.Y, m.Rate)
	}
	return fmt.Sprintf("%dx%d", m.Size.X, m.Size.Y)
}

// head is a connected display on its way to a mode.
type head struct {
	name  string
	out   randr.Output
	crtc  randr.Crtc
	is    randr.Mode // 0: dark
	at    image.Point
	mode  offer
	turns uint16
}

// setMode sets all connected displays to the mode, side by side as they were. Displays that do not offer it keep theirs.
func setMode(conn *xgb.Conn, root xproto.Window, m Mode) error {
	if m == (Mode{}) {
		return nil
	}
	if err := randr.Init(conn); err != nil {
		return fmt.Errorf("the mode %s cannot be set: this X server has no RandR", m)
	}
	res, err := randr.GetScreenResources(conn, root).Reply()
	if err != nil {
		return fmt.Errorf("set the mode %s: %w", m, err)
	}
	heads, trouble := findHeads(conn, res, m)
	if len(heads) == 0 {
		return cmp.Or(trouble, fmt.Errorf("the mode %s cannot be set: no display is connected", m))
	}
	if !arrange(heads) {
		return trouble
	}
	if err := apply(conn, root, res, heads); err != nil {
		return fmt.Errorf("set the mode %s: %w", m, err)
	}
	return trouble
}

// findHeads lists the connected displays from the left, those that are dark last, each with the mode that it gets.
func findHeads(conn *xgb.Conn, res *randr.GetScreenResourcesReply, m Mode) ([]head, error) {
	var out []head
	var trouble error
	free := slices.Clone(res.Crtcs)
	var dark []head
	for _, o := range res.Outputs {
		info, err := randr.GetOutputInfo(conn, o, res.ConfigTimestamp).Reply()
		if err != nil || info.Connection != randr.ConnectionConnected {
			continue
		}
		h := head{name: string(info.Name), out: o, crtc: info.Crtc, turns: randr.RotationRotate0}
		offers := offersOf(res.Modes, info)
		if c, err := randr.GetCrtcInfo(conn, info.Crtc, res.ConfigTimestamp).Reply(); err == nil && info.Crtc != 0 {
			h.is, h.at, h.turns = c.Mode, image.Pt(int(c.X), int(c.Y)), c.Rotation
			free = slices.DeleteFunc(free, func(f randr.Crtc) bool { return f == info.Crtc })
		}
		if h.mode, err = m.choose(offers, runtime.NumCPU()); err != nil {
			trouble = errors.Join(trouble, fmt.Errorf("the display %s keeps its mode: %w", h.name, err))
			i := slices.IndexFunc(offers, func(f offer) bool { return f.id == h.is })
			if i < 0 {
				continue
			}
			h.mode = offers[i]
		}
		if h.is == 0 {
			dark = append(dark, h)
			continue
		}
		out = append(out, h)
	}
	slices.SortStableFunc(out, func(a, b head) int { return a.at.X - b.at.X })
	for _, h := range dark {
		if len(free) == 0 {
			return out, errors.Join(trouble, fmt.Errorf("the display %s stays dark: the graphics card has no more of them", h.name))
		}
		h.crtc, free = free[0], free[1:]
		out = append(out, h)
	}
	return out, trouble
}

func offersOf(modes []randr.ModeInfo, info *randr.GetOutputInfoReply) []offer {
	var out []offer
	for _, id := range info.Modes {
		for _, m := range modes {
			if randr.Mode(m.Id) == id {
				out = append(out, offer{id: id, size: image.Pt(int(m.Width), int(m.Height)), hz: hertz(m), interlace: m.ModeFlags&randr.ModeFlagInterlace != 0})
			}
		}
	}
	return out
}

// arrange puts the displays side by side; it says whether anything is to be done.
func arrange(heads []head) bool {
	x, differs := 0, false
	same := func(h head) bool { return h.at == heads[0].at } // displays that the server mirrors stay so
	for i := range heads {
		h := &heads[i]
		differs = differs || h.mode.id != h.is
		if i > 0 && !same(*h) || i > 0 && h.is == 0 {
			h.at = image.Pt(x, 0)
		}
		x = max(x, h.at.X+h.wide().X)
	}
	return differs
}

func (h head) wide() image.Point {
	if h.turns&(randr.RotationRotate90|randr.RotationRotate270) != 0 {
		return image.Pt(h.mode.size.Y, h.mode.size.X)
	}
	return h.mode.size
}

// apply sets the modes: what would not be within the new screen is dark for that moment.
func apply(conn *xgb.Conn, root xproto.Window, res *randr.GetScreenResourcesReply, heads []head) error {
	var size image.Point
	for _, h := range heads {
		size = image.Pt(max(size.X, h.at.X+h.wide().X), max(size.Y, h.at.Y+h.wide().Y))
	}
	for _, h := range heads {
		if h.is != 0 && h.is != h.mode.id {
			if err := config(conn, res, h, 0, nil); err != nil {
				return err
			}
		}
	}
	const dots = 96 / 25.4 // a millimetre: what X servers assume where no display says
	err := randr.SetScreenSizeChecked(conn, root, uint16(size.X), uint16(size.Y), uint32(float64(size.X)/dots), uint32(float64(size.Y)/dots)).Check()
	if err != nil {
		return err
	}
	for _, h := range heads {
		if err := config(conn, res, h, h.mode.id, []randr.Output{h.out}); err != nil {
			return err
		}
	}
	return nil
}

func config(conn *xgb.Conn, res *randr.GetScreenResourcesReply, h head, mode randr.Mode, outs []randr.Output) error {
	at, turns := h.at, h.turns
	if mode == 0 {
		at, turns = image.Point{}, randr.RotationRotate0
	}
	r, err := randr.SetCrtcConfig(conn, h.crtc, 0, res.ConfigTimestamp, int16(at.X), int16(at.Y), mode, turns, outs).Reply()
	if err != nil {
		return fmt.Errorf("display %s: %w", h.name, err)
	}
	if r.Status != randr.SetConfigSuccess {
		return fmt.Errorf("display %s: the server refused it (status %d)", h.name, r.Status)
	}
	return nil
}
