package witness_test

import (
	"bytes"
	"context"
	"image"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"vitrine/render/scene"
	"vitrine/render/witness"
)

func pixels(m *image.RGBA) witness.Pixels {
	p := bytes.Clone(m.Pix)
	for i := 0; i < len(p); i += 4 {
		p[i], p[i+2] = p[i+2], p[i]
	}
	return witness.Pixels{Pix: p, Stride: m.Stride, Size: m.Bounds().Size()}
}

func TestAMarkIsReadBackFromItsPicture(t *testing.T) {
	for _, tc := range []struct {
		name string
		size image.Point
		item int
	}{
		{"a wide picture", image.Pt(640, 360), 1},
		{"a tall picture", image.Pt(360, 640), 255},
		{"a small picture", image.Pt(120, 120), 42},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := pixels(witness.Picture{Item: tc.item, Size: tc.size}.Image())
			l := witness.Look{Zone: image.Rectangle{Max: tc.size}, Sizes: []image.Point{tc.size}}
			if m, ok := l.Read(p); !ok || m.Item != tc.item || m.Frame != 0 {
				t.Errorf("read %+v, %v; want item %d, frame 0", m, ok, tc.item)
			}
			clear(p.Pix)
			if m, ok := l.Read(p); ok {
				t.Errorf("read %+v from a black picture", m)
			}
		})
	}
}

func TestEveryFrameOfAClipCarriesItsNumber(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not on this machine")
	}
	for _, codec := range []string{"h264", "mpeg2", "vp9"} {
		t.Run(codec, func(t *testing.T) {
			c := witness.Clip{Item: 77, Size: image.Pt(480, 270), Rate: 25, Frames: 40, Codec: codec}
			path := filepath.Join(t.TempDir(), "clip.mkv")
			if err := c.Make(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			raw, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "bgr0", "-").Output()
			if err != nil {
				t.Fatal(err)
			}
			l := witness.Look{Zone: image.Rectangle{Max: c.Size}, Sizes: []image.Point{c.Size}, Fit: scene.Stretch}
			n := c.Size.X * c.Size.Y * 4
			for i := 0; i < len(raw)/n; i++ {
				p := witness.Pixels{Pix: raw[i*n : (i+1)*n], Stride: c.Size.X * 4, Size: c.Size}
				if m, ok := l.Read(p); !ok || m.Item != 77 || m.Frame != i {
					t.Fatalf("frame %d reads %+v, %v", i, m, ok)
				}
			}
			if len(raw)/n != c.Frames {
				t.Errorf("%d frames, want %d", len(raw)/n, c.Frames)
			}
		})
	}
}

func TestAFilmIsSummarised(t *testing.T) {
	const p = 16 * time.Millisecond
	film := func(marks ...witness.Seen) *witness.Film {
		f := &witness.Film{Period: p}
		for i, m := range marks {
			f.Samples = append(f.Samples, witness.Sample{At: time.Duration(i) * p, Black: !m.OK, Marks: []witness.Seen{m}})
		}
		return f
	}
	is := func(item, frame int) witness.Seen {
		return witness.Seen{Mark: witness.Mark{Item: item, Frame: frame}, OK: true}
	}
	none := witness.Seen{}
	items := []witness.Item{{ID: 1, Frames: 2, Period: p}, {ID: 2, For: 2 * p}, {ID: 3, For: 4 * p, Round: 100}}
	for _, tc := range []struct {
		name                      string
		film                      *witness.Film
		black, stale, runs        int
		worst, hole, firstContent time.Duration
	}{
		{"a perfect change has no lateness", film(none, is(1, 0), is(1, 1), is(2, 0), is(2, 0), is(1, 0)), 0, 0, 3, 0, 0, p},
		{"a last frame that stays is late", film(is(1, 0), is(1, 1), is(1, 1), is(1, 1), is(2, 0)), 0, 0, 2, 2 * p, 0, 0},
		{"black between two items is counted", film(is(1, 0), is(1, 1), none, none, is(2, 0)), 2, 0, 2, 2 * p, 2 * p, 0},
		{"an older frame is stale", film(is(1, 5), is(1, 6), is(1, 4), is(1, 7)), 0, 1, 1, 0, 0, 0},
		{"the same file once more is another run", film(is(1, 0), is(1, 1), is(1, 0), is(1, 1)), 0, 0, 2, 0, 0, 0},
		{"a stream's numbers begin again", film(is(3, 97), is(3, 99), is(3, 1), is(3, 4)), 0, 0, 1, 0, 0, 0},
		{"a stream's older frame is stale, there too", film(is(3, 97), is(3, 1), is(3, 99), is(3, 2)), 0, 1, 1, 0, 0, 0},
		{"nothing at all", film(none, none), 0, 0, 0, 0, 0, -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := tc.film.Summarise(0, items)
			if s.Black != tc.black || s.Stale != tc.stale || len(s.Runs) != tc.runs || s.Worst != tc.worst || s.Hole != tc.hole || s.FirstContent != tc.firstContent {
				t.Errorf("got %+v", s)
			}
		})
	}
}

func TestASlowerCameraSeesLess(t *testing.T) {
	f := &witness.Film{Period: time.Millisecond}
	for i := range 5 {
		f.Samples = append(f.Samples, witness.Sample{At: time.Duration(i) * f.Period})
	}
	slow := f.Every(2)
	if len(slow.Samples) != 3 || slow.Samples[2].At != 4*time.Millisecond || slow.Period != 2*time.Millisecond || len(f.Samples) != 5 {
		t.Errorf("%+v", slow)
	}
}

func TestAnXvfbIsStartedAndItsFrameBufferRead(t *testing.T) {
	if _, err := exec.LookPath("Xvfb"); err != nil {
		t.Skip("Xvfb is not on this machine")
	}
	d, err := witness.StartXvfb(t.Context(), image.Pt(320, 200))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, open := range []func() (witness.Screen, error){d.Screen, func() (witness.Screen, error) { return witness.OpenDisplay(d.Name) }} {
		s, err := open()
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		n := 0
		f, err := witness.Watch(ctx, s, witness.Watching{Hz: 200, Each: func(witness.Sample) {
			if n++; n == 3 {
				stop()
			}
		}})
		stop()
		s.Close()
		if err != nil || len(f.Samples) != 3 || !f.Samples[0].Black {
			t.Errorf("%d samples, %v; want 3 of a black screen", len(f.Samples), err)
		}
	}
}
