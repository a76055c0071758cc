package compose_test

import (
	"context"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/render/compose"
	"vitrine/render/output"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// colours are what the pictures and videos of these tests are filled with, by their path.
var colours = map[string]color.RGBA{
	"red": {0xff, 0, 0, 0xff}, "green": {0, 0xff, 0, 0xff}, "blue": {0, 0, 0xff, 0xff}, "white": {0xff, 0xff, 0xff, 0xff},
	"glass": {0, 0x40, 0, 0x80},
}

var size = image.Pt(64, 32)

// theatre is a stage in memory with time that passes at once.
type theatre struct {
	t       *testing.T
	out     *output.Memory
	stage   *compose.Stage
	reports []pipe.Report
	pulse   pipe.Report // the last one
	mu      sync.Mutex
	open    int // videos
	loads   int
	lost    int            // frames of moving videos that were not drawn in time
	drawn   int            // frames of moving videos
	volumes map[string]int // by path: what was last set
	stalled map[string]bool
	playing []*reelVideo
	present bool // the stream "absent" is there
	band    *band
}

func newTheatre(t *testing.T) *theatre {
	t.Helper()
	out, err := output.NewMemory(size)
	if err != nil {
		t.Fatal(err)
	}
	th := &theatre{t: t, out: out, volumes: map[string]int{}, stalled: map[string]bool{}, band: &band{}}
	th.stage, err = compose.New(compose.Config{
		Output: out, Video: th.video, Picture: picture, Widget: widget, Other: func(_ scene.Kind, wake func()) (compose.Video, error) { return th.video(wake) },
		Sound: func(func()) (compose.Sound, error) { return th.band, nil },
		Report: func(r pipe.Report) {
			th.mu.Lock()
			defer th.mu.Unlock()
			if r.Ev != pipe.EvPulse {
				th.reports = append(th.reports, r)
			} else {
				th.pulse = r
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- th.stage.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if th.open != 0 {
			t.Errorf("%d videos were left open", th.open)
		}
	})
	return th
}

func picture(item scene.Item, size image.Point) (*image.RGBA, error) {
	c, ok := colours[item.Src]
	if !ok {
		return nil, errors.New("no such colour")
	}
	m := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(m, m.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
	return m, nil
}

// plain is a widget of one colour, its text's; that of the text "late" is red, and takes a second to be made.
type plain struct{ c color.RGBA }

func widget(z scene.Zone, _ image.Point, _ float64, _ compose.Place) (compose.Widget, error) {
	if z.Text == nil {
		return nil, errors.New("only text is painted here")
	}
	if z.Text.Text == "late" {
		time.Sleep(time.Second)
		return plain{colours["red"]}, nil
	}
	return plain{colours[z.Text.Text]}, nil
}

func (p plain) Paint(dst *image.RGBA, _ time.Time) image.Rectangle {
	draw.Draw(dst, dst.Bounds(), image.NewUniform(p.c), image.Point{}, draw.Src)
	return dst.Bounds()
}

func (p plain) Next(time.Time) time.Time { return time.Time{} }

// reelVideo is a video of one colour, two seconds long; "slow" ones need three seconds to open. One whose path begins
// with "moving " has 30 frames a second, each of which must be drawn before the next one comes.
type reelVideo struct {
	th   *theatre
	wake func()

	mu    sync.Mutex
	item  scene.Item
	c     color.RGBA
	ready bool
	room  image.Point
	start time.Duration
	fresh bool
	ended bool
	turn  int
}

func (th *theatre) video(wake func()) (compose.Video, error) {
	th.mu.Lock()
	defer th.mu.Unlock()
	th.open++
	v := &reelVideo{th: th, wake: wake}
	th.playing = append(th.playing, v)
	return v, nil
}

func (v *reelVideo) Load(item scene.Item, start time.Duration) error {
	v.th.mu.Lock()
	v.th.loads++
	v.th.mu.Unlock()
	switch item.Src {
	case "late": // comes after a quarter of a minute
		v.mu.Lock()
		v.item, v.c = item, colours["white"]
		v.mu.Unlock()
		time.AfterFunc(15*time.Second, func() {
			v.mu.Lock()
			v.ready, v.fresh = true, true
			v.mu.Unlock()
			v.wake()
		})
		return nil
	case "absent":
		v.th.mu.Lock()
		present := v.th.present
		v.th.mu.Unlock()
		if !present {
			return errors.New("nobody answers")
		}
		item.Src = "white"
	case "stuck": // never ends
		v.mu.Lock()
		v.turn++
		v.item, v.c, v.ready, v.fresh, v.ended = item, colours["white"], true, true, false
		v.mu.Unlock()
		v.wake()
		return nil
	case "slow":
		time.Sleep(3 * time.Second)
		item.Src = "white"
	}
	c, ok := colours[strings.TrimPrefix(item.Src, "moving ")]
	if !ok {
		return errors.New("no such video")
	}
	v.mu.Lock()
	v.turn++
	v.start = start % videoLength
	v.item, v.c, v.ready, v.fresh, v.ended = item, c, true, true, false
	v.mu.Unlock()
	v.wake()
	return nil
}

const videoLength = 2 * time.Second

func (v *reelVideo) Play() {
	v.mu.Lock()
	turn, rest := v.turn, videoLength-v.start
	moving := strings.HasPrefix(v.item.Src, "moving ")
	v.mu.Unlock()
	if moving {
		time.AfterFunc(videoLength/60, func() { v.move(turn, 1) })
	}
	time.AfterFunc(rest, func() {
		v.mu.Lock()
		v.ended = v.turn == turn && !v.item.Kind.Endless() && v.item.Src != "stuck"
		v.mu.Unlock()
		v.wake()
	})
}

// move brings the frame after the one of this number.
func (v *reelVideo) move(turn, frame int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.turn != turn || frame >= 60 {
		return
	}
	if v.fresh {
		v.th.mu.Lock()
		v.th.lost++
		v.th.mu.Unlock()
	}
	v.fresh = true
	v.wake()
	time.AfterFunc(videoLength/60, func() { v.move(turn, frame+1) })
}

func (v *reelVideo) SetVolume(percent int) {
	v.mu.Lock()
	src := v.item.Src
	v.mu.Unlock()
	v.th.mu.Lock()
	defer v.th.mu.Unlock()
	v.th.volumes[src] = percent
}

// Stalled says that the stream has no picture.
func (v *reelVideo) Stalled() bool {
	v.th.mu.Lock()
	defer v.th.mu.Unlock()
	return v.th.stalled[v.item.Src]
}

// Update has the page be green.
func (v *reelVideo) Update(scene.Item) {
	v.mu.Lock()
	v.c, v.fresh = colours["green"], true
	v.mu.Unlock()
	v.wake()
}

// stall takes a stream's picture away, or gives it back.
func (th *theatre) stall(src string, is bool) {
	th.mu.Lock()
	th.stalled[src] = is
	playing := th.playing
	th.mu.Unlock()
	for _, v := range playing {
		v.wake()
	}
}

func (th *theatre) volume(src string) int {
	synctest.Wait()
	th.mu.Lock()
	defer th.mu.Unlock()
	return th.volumes[src]
}

// Alpha has the colours that are not opaque blended.
func (v *reelVideo) Alpha() bool { v.mu.Lock(); defer v.mu.Unlock(); return v.c.A != 0xff }

func (v *reelVideo) Room(size image.Point, _ float64) { v.room = size }

func (v *reelVideo) Stop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.turn++
	v.ready = false
}

func (v *reelVideo) get(b *bool) bool { v.mu.Lock(); defer v.mu.Unlock(); return *b }

func (v *reelVideo) Fresh() bool { return v.get(&v.fresh) }
func (v *reelVideo) Ready() bool { return v.get(&v.ready) }
func (v *reelVideo) Ended() bool { return v.get(&v.ended) }
func (v *reelVideo) Err() error  { return nil }
func (v *reelVideo) Length() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.item.Kind.Endless() {
		return 0
	}
	return videoLength
}

func (v *reelVideo) Size() image.Point { return image.Pt(16, 16) }
func (v *reelVideo) Dropped() uint64   { return 0 }
func (v *reelVideo) Hwdec() string     { return "no" }

func (v *reelVideo) Render(pix []byte, stride int, size image.Point) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.ready {
		v.th.t.Error("a video without a frame was drawn")
	}
	for y := range size.Y {
		for x := range size.X {
			p := pix[y*stride+x*4:]
			p[0], p[1], p[2], p[3] = v.c.B, v.c.G, v.c.R, v.c.A
		}
	}
	if v.fresh && strings.HasPrefix(v.item.Src, "moving ") {
		v.th.mu.Lock()
		v.th.drawn++
		v.th.mu.Unlock()
	}
	v.fresh = false
	return nil
}

func (v *reelVideo) Close() {
	v.th.mu.Lock()
	defer v.th.mu.Unlock()
	v.th.open--
}

// at is the colour of a pixel of the screen, once all is quiet.
func (th *theatre) at(x, y int) color.RGBA {
	th.t.Helper()
	synctest.Wait()
	m, err := th.out.Shot()
	if err != nil {
		th.t.Fatal(err)
	}
	return m.RGBAAt(x, y)
}

func (th *theatre) shows(when string, want string) {
	th.t.Helper()
	c := th.at(size.X/2, size.Y/2)
	for name, v := range colours {
		if v == c {
			if name != want {
				th.t.Errorf("%s the screen is %s, want %s", when, name, want)
			}
			return
		}
	}
	th.t.Errorf("%s the screen is %v, want %s", when, c, want)
}
