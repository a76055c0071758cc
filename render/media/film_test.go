package media_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/render/compose"
	"vitrine/render/media"
	"vitrine/render/scene"
)

var _ compose.Video = (*media.Animation)(nil)

// traffic is a GIF of 40 × 20: the whole red for 300 ms, green for 500 ms, then a blue half for 200 ms; transparent where
// clear.
func traffic(t testing.TB, clear bool) []byte {
	t.Helper()
	pal := color.Palette{color.RGBA{}, red, green, blue}
	frame := func(r image.Rectangle, index uint8) *image.Paletted {
		p := image.NewPaletted(r, pal)
		for i := range p.Pix {
			p.Pix[i] = index
		}
		return p
	}
	all := image.Rect(0, 0, 40, 20)
	g := &gif.GIF{Image: []*image.Paletted{frame(all, 1), frame(all, 2), frame(image.Rect(20, 0, 40, 20), 3)}, Delay: []int{30, 50, 20},
		Disposal: []byte{1, 1, 1}, Config: image.Config{Width: 40, Height: 20, ColorModel: pal}}
	if clear {
		g.Disposal[1] = gif.DisposalBackground
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// screen is what a compositor does with an Animation: it looks when it is woken, and draws what is fresh.
type screen struct {
	mu    sync.Mutex
	from  time.Time
	seen  []string // "at: colour"
	size  image.Point
	video *media.Animation
}

func (s *screen) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.video == nil || s.from.IsZero() {
		return
	}
	if s.video.Fresh() {
		pix := make([]byte, s.size.X*s.size.Y*4)
		if err := s.video.Render(pix, s.size.X*4, s.size); err != nil {
			s.seen = append(s.seen, err.Error())
			return
		}
		right := pix[(s.size.X-2)*4:]
		s.seen = append(s.seen, fmt.Sprintf("%s: %s|%s", time.Since(s.from), name(pix), name(right)))
	}
	if s.video.Ended() {
		s.seen = append(s.seen, fmt.Sprintf("%s: end", time.Since(s.from)))
	}
}

func name(bgra []byte) string {
	switch c := (color.RGBA{bgra[2], bgra[1], bgra[0], bgra[3]}); c {
	case red:
		return "red"
	case green:
		return "green"
	case blue:
		return "blue"
	case none:
		return "none"
	default:
		return fmt.Sprint(c)
	}
}

func TestFramesComeAtTheirTimes(t *testing.T) {
	for name, c := range map[string]struct {
		item  scene.Item
		start time.Duration
		clear bool
		want  []string
		alpha bool
	}{
		"once":           {scene.Item{}, 0, false, []string{"0s: red|red", "300ms: green|green", "800ms: green|blue", "1s: end"}, false},
		"round":          {scene.Item{For: scene.Duration(time.Minute)}, 0, false, []string{"0s: red|red", "300ms: green|green", "800ms: green|blue", "1s: red|red", "1.3s: green|green", "1.8s: green|blue", "2s: red|red", "2.3s: green|green"}, false},
		"from a middle":  {scene.Item{}, 400 * time.Millisecond, false, []string{"0s: green|green", "400ms: green|blue", "600ms: end"}, false},
		"seen through":   {scene.Item{}, 0, true, []string{"0s: red|red", "300ms: green|green", "800ms: none|blue", "1s: end"}, true},
		"beyond its end": {scene.Item{}, 2900 * time.Millisecond, false, []string{"0s: green|blue", "100ms: end"}, false},
	} {
		for _, size := range []image.Point{{40, 20}, {80, 40}, {10, 5}, {400, 100}} {
			t.Run(fmt.Sprint(name, size), func(t *testing.T) {
				path := write(t, "a.gif", traffic(t, c.clear))
				synctest.Test(t, func(t *testing.T) {
					s := &screen{size: size}
					v := media.NewAnimation(s.look)
					s.video = v
					v.Room(size, 1)
					c.item.Src, c.item.Fit = path, scene.Stretch
					if err := v.Load(c.item, c.start); err != nil {
						t.Fatal(err)
					}
					if !v.Ready() || v.Alpha() != c.alpha || v.Size() != image.Pt(40, 20) {
						t.Errorf("ready %t, alpha %t, size %v", v.Ready(), v.Alpha(), v.Size())
					}
					time.Sleep(time.Hour) // nothing moves before Play
					s.from = time.Now()
					v.Play()
					s.look()
					time.Sleep(2400 * time.Millisecond)
					synctest.Wait()
					v.Close()
					if !slices.Equal(s.seen, c.want) {
						t.Errorf("\n got %s\nwant %s", strings.Join(s.seen, ", "), strings.Join(c.want, ", "))
					}
					if v.Dropped() != 0 {
						t.Errorf("%d frames dropped", v.Dropped())
					}
				})
			})
		}
	}
}

func TestAnAnimationThatCannotBeShownSaysWhy(t *testing.T) {
	whole := traffic(t, false)
	for name, c := range map[string]struct {
		content []byte
		says    string
	}{
		"a picture that does not move": {whole[:len(whole)/3], "cut short"},
		"a text":                       {[]byte("hello, this is no animation"), "not a GIF"},
	} {
		v := media.NewAnimation(func() {})
		if err := v.Load(scene.Item{Src: write(t, "x", c.content)}, 0); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want it to say %q", name, err, c.says)
		}
		if v.Ready() || v.Fresh() || v.Render(make([]byte, 4), 4, image.Pt(1, 1)) == nil {
			t.Errorf("%s: it has a frame", name)
		}
		v.Stop()
	}
}
