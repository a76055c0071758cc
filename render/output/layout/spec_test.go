package layout_test

import (
	"flag"
	"image"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"vitrine/render/output/layout"
)

func parse(t *testing.T, args ...string) (layout.Spec, error) {
	t.Helper()
	var f layout.Flags
	fs := flag.NewFlagSet("test", flag.ContinueOnError)
	fs.SetOutput(new(strings.Builder))
	f.Register(fs)
	if err := fs.Parse(args); err != nil {
		return layout.Spec{}, err
	}
	return f.Read()
}

func TestFlagsAndAFileSayTheSame(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		file string
	}{
		"portrait":     {[]string{"--rotate", "left"}, `{"rotate": "left"}`},
		"degrees":      {[]string{"--rotate", "90", "--flip"}, `{"rotate": 90, "flip": true}`},
		"two monitors": {[]string{"--extend", "HDMI-1,DP-1"}, `{"extend": ["HDMI-1", "DP-1"]}`},
		"mirror":       {[]string{"--mirror", "all"}, `{"mirror": ["all"]}`},
		"a wall": {[]string{"--wall", "3x2", "--place", "1,0", "--bezel", "12,10", "--canvas", "1920x720"},
			`{"wall": [3, 2], "place": [1, 0], "bezel": [12, 10], "canvas": [1920,720]}`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "layout.json")
			if err := os.WriteFile(path, []byte(c.file), 0o644); err != nil {
				t.Fatal(err)
			}
			a, err := parse(t, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			b, err := parse(t, "--layout", path)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(a, b) {
				t.Errorf("flags: %+v, file: %+v", a, b)
			}
		})
	}
}

func TestTheExampleInTheHelpIsALayout(t *testing.T) {
	_, rest, _ := strings.Cut(layout.Help, "tiles, like\n")
	text, _, _ := strings.Cut(rest, "\n      from:")
	s, err := layout.Read(strings.NewReader(text), "help")
	if err != nil {
		t.Fatal(err)
	}
	monitors := two()
	monitors[0].At, monitors[1].At = image.Rect(0, 0, 1920, 1080), image.Rect(1920, 0, 3840, 1080)
	p := plan(t, s, image.Pt(3840, 1080), monitors...)
	if len(p.Tiles) != 2 || p.Tiles[1].To != image.Rect(1920, 0, 3000, 1080) || p.Tiles[1].Turn != 270 {
		t.Errorf("it says %+v", p)
	}
}

func TestWhatCannotBeIsRefusedInASentence(t *testing.T) {
	size := image.Pt(280, 90)
	for text, want := range map[string]string{
		`{"rotate": 45}`:                         "a rotation is 0, 90, 180, 270, left or right",
		`{"turn": 90}`:                           "unknown field",
		`{"canvas": [0, 5]}`:                     "cannot be",
		`{"wall": [3, 2], "place": [3, 0]}`:      "outside of a wall",
		`{"place": [1, 0]}`:                      "say how many screens it has",
		`{"mirror": ["all"], "extend": ["all"]}`: "not both",
		`{"extend": ["VGA-1"]}`:                  "connected are HDMI-1, DP-1",
		`{"extend": ["all"], "wall": [2, 2]}`:    "write tiles",
		`{"rotate": 90, "tiles": [{}]}`:          "tiles say all by themselves",
		`{"tiles": []}`:                          "nothing would be shown",
		`{"tiles": [{"from": [0, 0, 10, 10]}]}`:  "give the canvas",
		`{"canvas": [100, 100], "tiles": [{"from": [95, 0, 10, 10]}]}`: "not within the canvas",
		`{"tiles": [{"to": [0, 0, 281, 90]}]}`:                         "not within the 280×90 pixels",
		`{"tiles": [{"monitor": "DP-1", "to": [0, 0, 161, 90]}]}`:      "not within the 160×90 pixels",
		`{"tiles": [{"to": [0, 0, 50, 50]}, {"to": [49, 0, 10, 10]}]}`: "tiles 1 and 2 both show",
		`{"extend": ["all"], "canvas": [100, 100]}`:                    "would be distorted",
		`{"wall": [64, 64], "bezel": [4000, 4000]}`:                    "smaller --canvas",
		`[]`: "cannot be read",
	} {
		s, err := layout.Read(strings.NewReader(text), "wall.json")
		if err == nil {
			_, err = s.Plan(size, two())
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want one with %q", text, err, want)
		}
	}
	if _, err := parse(t, "--layout", "x.json", "--flip"); err == nil || !strings.Contains(err.Error(), "not by both") {
		t.Errorf("a file and flags together: %v", err)
	}
}

func FuzzALayoutIsReadOrRefused(f *testing.F) {
	f.Add(`{"canvas": [3840, 1080], "tiles": [{"monitor": "DP-1", "from": [0, 0, 10, 10], "rotate": "left", "to": [0, 0, 9, 9]}]}`)
	f.Add(`{"wall": [3, 2], "place": [1, 0], "bezel": [12, 10], "canvas": [1920,720], "flip": true}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := layout.Read(strings.NewReader(text), "fuzz")
		if err != nil {
			return
		}
		size := image.Pt(280, 90)
		p, err := s.Plan(size, two())
		if err != nil {
			return
		}
		for _, tile := range p.Tiles {
			if tile.From.Empty() || tile.To.Empty() || !tile.From.In(image.Rectangle{Max: p.Canvas}) {
				t.Fatalf("%s gives the tile %+v on %v", text, tile, p.Canvas)
			}
		}
	})
}
