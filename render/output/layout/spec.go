package layout

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"io"
	"os"
	"strconv"
	"strings"
)

// Spec is what a technician says about the screens. The zero value is one screen as it is.
type Spec struct {
	Rotate Turn     `json:"rotate,omitzero"` // the picture is turned clockwise, on each monitor
	Flip   bool     `json:"flip,omitempty"`  // left and right swapped, before it is turned: rear projection
	Mirror []string `json:"mirror,omitempty"`
	Extend []string `json:"extend,omitempty"`
	Wall   Pair     `json:"wall,omitzero"`   // screens across and down
	Place  Pair     `json:"place,omitzero"`  // this one's, from 0,0
	Bezel  Pair     `json:"bezel,omitzero"`  // pixels that are lost between two screens of the wall
	Canvas Pair     `json:"canvas,omitzero"` // what is composed; 0 = as large as what shows it
	Tiles  []Given  `json:"tiles,omitempty"` // instead of all of the above but canvas
}

// Given is a tile as it is written.
type Given struct {
	From    *[4]int `json:"from,omitempty"` // left, top, width, height in the composition; nil = all of it
	Monitor string  `json:"monitor,omitempty"`
	To      *[4]int `json:"to,omitempty"` // on the monitor, else on the X screen; nil = all of it
	Rotate  Turn    `json:"rotate,omitzero"`
	Flip    bool    `json:"flip,omitempty"`
}

// All is the list of every connected monitor.
const All = "all"

// Turn is degrees clockwise, written 90, 180, 270, left or right.
type Turn int

// String is what Set reads.
func (t Turn) String() string { return strconv.Itoa(int(t)) }

// Set reads degrees or a word.
func (t *Turn) Set(s string) error {
	known := map[string]Turn{"0": 0, "90": 90, "180": 180, "270": 270, "right": 90, "left": 270}
	v, ok := known[s]
	if !ok {
		return fmt.Errorf("a rotation is 0, 90, 180, 270, left or right, not %q", s)
	}
	*t = v
	return nil
}

// UnmarshalJSON takes a number or a word.
func (t *Turn) UnmarshalJSON(b []byte) error { return t.Set(strings.Trim(string(b), `"`)) }

// Pair is two numbers: 3x2, 1,0 or, in JSON, [3, 2].
type Pair image.Point

// String is what Set reads.
func (p Pair) String() string {
	if p == (Pair{}) {
		return ""
	}
	return fmt.Sprintf("%d,%d", p.X, p.Y)
}

// Set reads two numbers with x or a comma between.
func (p *Pair) Set(s string) error {
	a, b, ok := strings.Cut(strings.Replace(s, "x", ",", 1), ",")
	x, err1 := strconv.Atoi(strings.TrimSpace(a))
	y, err2 := strconv.Atoi(strings.TrimSpace(b))
	const most = 65535
	if !ok || err1 != nil || err2 != nil || x < 0 || y < 0 || x > most || y > most {
		return fmt.Errorf("two numbers are written like 3x2 or 3,2, not %q", s)
	}
	*p = Pair{X: x, Y: y}
	return nil
}

// UnmarshalJSON takes a list of two numbers.
func (p *Pair) UnmarshalJSON(b []byte) error { return p.Set(strings.Trim(string(b), "[] \t\n")) }

// MarshalJSON writes a list of two numbers.
func (p Pair) MarshalJSON() ([]byte, error) { return json.Marshal([2]int{p.X, p.Y}) }

// Help is what a command says about its layout.
const Help = `Layout: how the picture comes onto the screens
  --rotate right                                a portrait screen, turned clockwise
  --flip                                        rear projection: left and right swapped
  --mirror HDMI-1,DP-1                          the same picture on each monitor (all: on every one)
  --extend HDMI-1,DP-1                          one picture across the monitors, from left to right
  --wall 3x2 --place 1,0 --bezel 12,12          the middle of the upper row of six screens, each with its own player
  --canvas 1920x1080                            compose that many pixels, and scale them to the screens
  --layout wall.json                            the same words in a file, and any other layout as tiles, like
      {"canvas": [3840, 1080], "tiles": [
        {"monitor": "HDMI-1", "from": [0, 0, 1920, 1080]},
        {"monitor": "DP-1",   "from": [1920, 0, 1080, 1080], "rotate": "left", "to": [0, 0, 1080, 1080]}]}
      from: left, top, width, height in the composition; to: the same on the monitor, or without one on the X screen;
      rotate and flip as above. xrandr --listmonitors names the monitors.
`

// Flags is a layout on the command line.
type Flags struct {
	Spec
	mirror, extend, file string
}

// Register adds the flags.
func (f *Flags) Register(fs *flag.FlagSet) {
	fs.Var(&f.Rotate, "rotate", "turn the picture clockwise: `degrees` 90, 180 or 270, or left or right")
	fs.BoolVar(&f.Flip, "flip", false, "swap left and right, for rear projection")
	fs.StringVar(&f.mirror, "mirror", "", "show the same on each of these `monitors`, or all")
	fs.StringVar(&f.extend, "extend", "", "show one picture across these `monitors`, from left to right, or all")
	fs.Var(&f.Wall, "wall", "this screen is one of a wall of so many `screens`, like 3x2")
	fs.Var(&f.Place, "place", "with --wall: the screen's `place`, from 0,0 at the upper left")
	fs.Var(&f.Bezel, "bezel", "with --wall: `pixels` lost between two screens, across and down, like 12,12")
	fs.Var(&f.Canvas, "canvas", "compose so many `pixels`, like 1920x1080, and scale them to what shows them")
	fs.StringVar(&f.file, "layout", "", "read the layout from a JSON `file`")
}

// Read returns the layout that the flags say.
func (f *Flags) Read() (Spec, error) {
	s := f.Spec
	s.Mirror, s.Extend = list(f.mirror), list(f.extend)
	if f.file == "" {
		return s, s.check()
	}
	if s.said() || s.Canvas != (Pair{}) {
		return s, errors.New("a layout is given by --layout or by other flags, not by both; write all of it into the file")
	}
	file, err := os.Open(f.file)
	if err != nil {
		return s, fmt.Errorf("read the layout: %w", err)
	}
	defer func() { _ = file.Close() }()
	return Read(file, f.file)
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// Read reads a layout from JSON; name is the file's, for errors.
func Read(r io.Reader, name string) (Spec, error) {
	const most = 1 << 20
	var s Spec
	d := json.NewDecoder(io.LimitReader(r, most))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return s, fmt.Errorf("the layout %s cannot be read: %w; vitrine-render --help shows one", name, err)
	}
	if err := s.check(); err != nil {
		return s, fmt.Errorf("the layout %s: %w", name, err)
	}
	return s, nil
}

// said says whether there is anything but a canvas and tiles.
func (s Spec) said() bool {
	return s.Rotate != 0 || s.Flip || s.Mirror != nil || s.Extend != nil || s.Wall != (Pair{}) || s.Place != (Pair{}) || s.Bezel != (Pair{})
}

// check finds what can be seen without a screen.
func (s Spec) check() error {
	wall := s.Wall != (Pair{})
	switch {
	case s.Tiles != nil && s.said():
		return errors.New("tiles say all by themselves; leave out rotate, flip, mirror, extend, wall, place and bezel")
	case s.Mirror != nil && s.Extend != nil:
		return errors.New("monitors show the same (mirror) or one picture together (extend), not both; for a mixture write tiles")
	case wall && (s.Mirror != nil || s.Extend != nil):
		return errors.New("a place of a wall is one screen; to show it on several monitors write tiles")
	case !wall && (s.Place != (Pair{}) || s.Bezel != (Pair{})):
		return errors.New("place and bezel are those of a wall; say how many screens it has, like --wall 3x2")
	case wall && (s.Wall.X < 1 || s.Wall.Y < 1 || s.Wall.X > 64 || s.Wall.Y > 64):
		return fmt.Errorf("a wall of %dx%d screens cannot be; give 1 to 64 each way", s.Wall.X, s.Wall.Y)
	case wall && (s.Place.X >= s.Wall.X || s.Place.Y >= s.Wall.Y):
		return fmt.Errorf("the place %d,%d is outside of a wall of %dx%d; places go from 0,0 to %d,%d",
			s.Place.X, s.Place.Y, s.Wall.X, s.Wall.Y, s.Wall.X-1, s.Wall.Y-1)
	case s.Canvas != (Pair{}) && (s.Canvas.X < 1 || s.Canvas.Y < 1):
		return fmt.Errorf("a canvas of %dx%d pixels cannot be", s.Canvas.X, s.Canvas.Y)
	}
	return nil
}
