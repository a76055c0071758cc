package film_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/render/film"
	"vitrine/render/paint"
	"vitrine/render/scene"
)

var (
	red  = color.RGBA{0xff, 0, 0, 0xff}
	blue = color.RGBA{0, 0, 0xff, 0xff}
)

func start() time.Time { return time.Date(2027, 1, 4, 12, 29, 58, 0, time.UTC) }

// picture writes a plain picture.
func picture(t *testing.T, c color.Color, w, h int) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, c)
		}
	}
	path := filepath.Join(t.TempDir(), "p.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, img); err != nil {
		t.Fatal(err)
	}
	return path
}

// counted is a video of n frames whose frame k has the grey level 10 + 4k.
func counted(t *testing.T, rate string, n int) string {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	path := filepath.Join(t.TempDir(), "counted.mkv")
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("color=black:s=64x32:r=%s,format=gray,geq=lum='10+4*N'", rate),
		"-frames:v", fmt.Sprint(n), "-c:v", "ffv1", path)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return path
}

// shoot makes a film of scenes one after the other, round and round.
func shoot(t *testing.T, rate int, scenes ...scene.Scene) *film.Film {
	t.Helper()
	n := -1
	f, err := film.New(film.Config{
		Size: image.Pt(64, 32), Canvas: scene.Size{Width: 64, Height: 32}, Rate: rate, Env: paint.Env{Zone: time.UTC, Patient: true},
		Note: func(s string) { t.Log(s) },
	}, start(), func(time.Time) (film.Program, error) {
		n++
		return film.Program{Name: fmt.Sprint(n), Scene: &scenes[n%len(scenes)]}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func frame(t *testing.T, f *film.Film, n int) *image.RGBA {
	t.Helper()
	img, err := f.Frame(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func full(items ...scene.Item) scene.Zone {
	return scene.Zone{At: scene.Rect{0, 0, 64, 32}, Playlist: items}
}

func second(n float64) scene.Duration { return scene.Duration(n * float64(time.Second)) }

// near says whether a pixel is of a colour, but for rounding.
func near(t *testing.T, what string, img *image.RGBA, x, y int, want color.RGBA) {
	t.Helper()
	got := img.RGBAAt(x, y)
	for _, d := range []int{int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B)} {
		if d < -3 || d > 3 {
			t.Errorf("%s: the pixel %d,%d is %v, want %v", what, x, y, got, want)
			return
		}
	}
}

func TestEachVideoFrameShowsAtItsTime(t *testing.T) {
	for _, c := range []struct {
		rate  string
		fps   float64
		frame int
	}{{"25", 25, 30}, {"50", 50, 30}, {"30000/1001", 30000.0 / 1001, 60}, {"24", 24, 24}, {"5", 5, 60}} {
		t.Run(fmt.Sprintf("%s frames a second filmed at %d", c.rate, c.frame), func(t *testing.T) {
			f := shoot(t, c.frame, scene.Scene{For: second(60), Zones: []scene.Zone{full(scene.Item{Kind: scene.Video, Src: counted(t, c.rate, 50)})}})
			for n := range int(math.Min(2, 49/c.fps) * float64(c.frame)) {
				at := float64(n) / float64(c.frame)
				k := int((at + 0.0021) * c.fps) // times in the file are whole milliseconds
				grey := uint8(10 + 4*k)
				got := frame(t, f, n).RGBAAt(32, 16).R
				if d := int(got) - int(grey); d < -2 || d > 2 {
					t.Fatalf("frame %d shows frame %d of the video, want %d", n, (int(got)-10+2)/4, k)
				}
			}
		})
	}
}

func TestAVideoRepeatsForItsTimeAndThenMakesPlace(t *testing.T) {
	f := shoot(t, 25, scene.Scene{For: second(60), Zones: []scene.Zone{full(
		scene.Item{Kind: scene.Video, Src: counted(t, "25", 25), For: second(2.4)}, scene.Item{Kind: scene.Image, Src: picture(t, red, 4, 2), For: second(1)})}})
	for n := range 60 {
		want := uint8(10 + 4*(n%25))
		near(t, fmt.Sprint("frame ", n), frame(t, f, n), 32, 16, color.RGBA{want, want, want, 0xff})
	}
	near(t, "its time is over", frame(t, f, 60), 32, 16, red)
	near(t, "the end of the next", frame(t, f, 84), 32, 16, red)
	near(t, "again from the beginning", frame(t, f, 85), 32, 16, color.RGBA{10, 10, 10, 0xff})
}

func TestTransitionsBetweenItems(t *testing.T) {
	for _, c := range []struct {
		kind, toward string
		left, right  color.RGBA // half-way
	}{
		{"fade", "", color.RGBA{0x80, 0, 0x80, 0xff}, color.RGBA{0x80, 0, 0x80, 0xff}},
		{"slide", "", red, blue},
		{"slide", "right", blue, red},
		{"wipe", "left", red, blue},
		{"wipe", "right", blue, red},
	} {
		t.Run(c.kind+" "+c.toward, func(t *testing.T) {
			tr := &scene.Transition{Kind: c.kind, Toward: c.toward, For: second(1)}
			f := shoot(t, 10, scene.Scene{For: second(60), Zones: []scene.Zone{full(
				scene.Item{Kind: scene.Image, Src: picture(t, red, 4, 2), For: second(2)}, scene.Item{Kind: scene.Image, Src: picture(t, blue, 4, 2), For: second(2), Transition: tr})}})
			near(t, "before", frame(t, f, 19), 16, 16, red)
			near(t, "at its begin", frame(t, f, 20), 60, 16, red)
			near(t, "half-way, left", frame(t, f, 25), 8, 16, c.left)
			near(t, "half-way, right", frame(t, f, 25), 55, 16, c.right)
			near(t, "after", frame(t, f, 30), 16, 16, blue)
			near(t, "its time counts from its begin", frame(t, f, 39), 16, 16, blue)
			near(t, "and then a cut", frame(t, f, 40), 16, 16, red)
		})
	}
}

func TestAVideoIsShownToItsEndUnderATransition(t *testing.T) {
	fade := &scene.Transition{Kind: "fade", For: second(0.4)}
	f := shoot(t, 25, scene.Scene{For: second(60), Zones: []scene.Zone{full(
		scene.Item{Kind: scene.Video, Src: counted(t, "25", 50)}, scene.Item{Kind: scene.Image, Src: picture(t, color.RGBA{0, 0, 0, 0xff}, 4, 2), For: second(5), Transition: fade})}})
	for n := range 60 {
		grey := 10 + 4*float64(n)
		if n >= 40 {
			grey *= max(0, 1-float64(n-40)/10)
		}
		v := uint8(grey)
		near(t, fmt.Sprint("frame ", n), frame(t, f, n), 32, 16, color.RGBA{v, v, v, 0xff})
	}
}

func TestScenesFollowEachOtherWithTheirTransitions(t *testing.T) {
	at := func(c color.RGBA, x int) scene.Zone {
		return scene.Zone{At: scene.Rect{x, 0, 32, 32}, Background: scene.Color(fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B))}
	}
	f := shoot(t, 20, scene.Scene{For: second(1), Background: "#00ff00", Zones: []scene.Zone{at(red, 0)}},
		scene.Scene{For: second(1), Zones: []scene.Zone{at(blue, 0)}, Transition: &scene.Transition{Kind: "fade", For: second(0.5)}})
	near(t, "the first", frame(t, f, 19), 40, 16, color.RGBA{0, 0xff, 0, 0xff})
	near(t, "half-way", frame(t, f, 25), 16, 16, color.RGBA{0x80, 0, 0x80, 0xff})
	near(t, "half-way, the ground", frame(t, f, 25), 40, 16, color.RGBA{0, 0x80, 0, 0xff})
	near(t, "the second", frame(t, f, 30), 16, 16, blue)
	near(t, "and the first at once", frame(t, f, 40), 16, 16, red)
}

func TestASceneLastsAsLongAsItsFirstPlaylist(t *testing.T) {
	// A video of 2 s, then a picture of 1 s that fades in over the video's last half second.
	first := scene.Scene{Zones: []scene.Zone{full(scene.Item{Kind: scene.Video, Src: counted(t, "25", 50)},
		scene.Item{Kind: scene.Image, Src: picture(t, red, 4, 2), For: second(1), Transition: &scene.Transition{Kind: "fade", For: second(0.5)}})}}
	f := shoot(t, 10, first, scene.Scene{For: second(5), Background: "#0000ff"})
	near(t, "the picture", frame(t, f, 24), 32, 16, red)
	near(t, "the next scene", frame(t, f, 25), 32, 16, blue)
}

func TestAnimationsAndWidgetsFollowTheFilmsTime(t *testing.T) {
	g := &gif.GIF{}
	for _, c := range []color.Color{red, blue} {
		g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, 8, 4), color.Palette{c}))
		g.Delay = append(g.Delay, 30)
	}
	path := filepath.Join(t.TempDir(), "a.gif")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(gif.EncodeAll(file, g), file.Close()); err != nil {
		t.Fatal(err)
	}
	clock := scene.Zone{At: scene.Rect{0, 16, 64, 16}, Background: "#000000", Clock: &scene.Clock{}}
	f := shoot(t, 10, scene.Scene{For: second(60), Zones: []scene.Zone{{At: scene.Rect{0, 0, 64, 16}, Playlist: []scene.Item{{Kind: scene.Animation, Src: path, For: second(60)}}}, clock}})
	for n, want := range []color.RGBA{red, red, red, blue, blue, blue, red, red, red, blue} {
		near(t, fmt.Sprint("frame ", n), frame(t, f, n), 32, 8, want)
	}
	lower := func(n int) string { return string(frame(t, f, n).Pix[16*64*4:]) }
	before := lower(19)
	if lower(10) == "" || before == lower(20) {
		t.Error("the clock does not pass half past twelve")
	}
	if lower(21) != lower(22) {
		t.Error("the clock moves within a minute")
	}
}

func TestACornerIsWhereThePictureIs(t *testing.T) {
	pic := func(fit scene.Fit) []scene.Item {
		return []scene.Item{{Kind: scene.Image, Src: picture(t, red, 16, 16), Fit: fit, For: second(9)}}
	}
	green := color.RGBA{0, 0xff, 0, 0xff}
	f := shoot(t, 10, scene.Scene{For: second(9), Background: "#0000ff", Zones: []scene.Zone{
		{At: scene.Rect{0, 0, 32, 16}, Radius: 6, Background: "#00ff00", Playlist: pic(scene.Contain)}, {At: scene.Rect{32, 16, 32, 16}, Radius: 6, Playlist: pic(scene.Stretch)}}})
	img := frame(t, f, 0)
	near(t, "the zone's corner", img, 0, 0, blue)
	near(t, "the zone's ground beside the picture", img, 4, 8, green)
	near(t, "the picture's corner", img, 8, 0, green)
	near(t, "the picture", img, 16, 8, red)
	near(t, "the corner of a picture that fills", img, 32, 16, blue)
	near(t, "its edge", img, 48, 16, red)
}

func TestWhatCannotBeFilmedIsSaid(t *testing.T) {
	var notes []string
	sc := scene.Scene{For: second(5), Zones: []scene.Zone{full(scene.Item{Kind: scene.Web, Src: "https://example.com/", For: second(5)}),
		full(scene.Item{Kind: scene.Video, Src: picture(t, red, 4, 2) + "x"})}}
	asked := 0
	f, err := film.New(film.Config{Size: image.Pt(64, 32), Canvas: scene.Size{Width: 64, Height: 32}, Rate: 10, Note: func(s string) { notes = append(notes, s) },
		Other: func(context.Context, scene.Item, image.Point) (*image.RGBA, error) {
			asked++
			return nil, errors.New("there is no renderer")
		}}, start(), func(time.Time) (film.Program, error) { return film.Program{Scene: &sc, Alone: true}, nil })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	near(t, "a grey plate", frame(t, f, 0), 32, 16, color.RGBA{0x30, 0x34, 0x3a, 0xff})
	frame(t, f, 200)
	if text := strings.Join(notes, "\n"); asked < 2 || !strings.Contains(text, "example.com/ is drawn as a grey plate: there is no renderer") || len(notes) != 3 {
		t.Errorf("asked %d times, noted %q", asked, notes)
	}
	for _, cfg := range []film.Config{{Rate: 0, Size: image.Pt(64, 32)}, {Rate: 30, Size: image.Pt(1, 1)}, {Rate: 30, Size: image.Pt(1<<20, 1<<20)}} {
		if _, err := film.New(cfg, start(), nil); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}
