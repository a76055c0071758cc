package web

import (
	"flag"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"vitrine/render/scene"
)

var shots = flag.String("shots", "", "keep pictures of what the tests drew in this `directory`")

// shared is the one browser of most tests: to start one for each would take longer than all else.
var shared struct {
	once sync.Once
	b    *Browser
	err  error
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if shared.b != nil {
		shared.b.Close()
	}
	os.Exit(code)
}

func common(t *testing.T) *Browser {
	t.Helper()
	shared.once.Do(func() {
		shared.b, shared.err = New(Config{own: true, Log: slog.New(slog.DiscardHandler)})
	})
	if shared.err != nil {
		t.Skip(shared.err)
	}
	return shared.b
}

// alone is a browser of a test's own.
func alone(t *testing.T, cfg Config) *Browser {
	t.Helper()
	cfg.own = true
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(testWriter{t}, nil))
	}
	b, err := New(cfg)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(b.Close)
	return b
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

// view is a page that is being looked at.
type view struct {
	*Page
	t    *testing.T
	news chan struct{}
	pix  *image.RGBA // what was drawn last, premultiplied
}

var small = image.Pt(320, 180)

func open(t *testing.T, b *Browser, item scene.Item, size image.Point) *view {
	t.Helper()
	v := &view{t: t, news: make(chan struct{}, 1)}
	v.Page = b.Open(func() {
		select {
		case v.news <- struct{}{}:
		default:
		}
	})
	item.Kind = scene.Web
	v.Room(size, 1)
	if err := v.Load(item, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// look draws the present picture.
func (v *view) look() *image.RGBA {
	v.t.Helper()
	size := v.Size()
	m := image.NewRGBA(image.Rectangle{Max: size})
	if err := v.Render(m.Pix, m.Stride, size); err != nil {
		v.t.Fatal(err)
	}
	for i := 0; i < len(m.Pix); i += 4 {
		m.Pix[i], m.Pix[i+2] = m.Pix[i+2], m.Pix[i]
	}
	v.pix = m
	return m
}

// await waits until something holds, asked at each change.
func (v *view) await(what string, holds func() bool) {
	v.t.Helper()
	limit := time.After(40 * time.Second)
	for !holds() {
		select {
		case <-v.news:
		case <-time.After(50 * time.Millisecond): // what is not told, like a process's end
		case <-limit:
			v.keep("failed")
			v.t.Fatalf("%s did not come; error %v, stalled %v", what, v.Err(), v.Stalled())
		}
	}
}

func (v *view) ready() *view {
	v.t.Helper()
	v.await("the first picture", func() bool {
		if v.Err() != nil {
			v.t.Fatal(v.Err())
		}
		return v.Ready()
	})
	return v
}

func (v *view) fails() error {
	v.t.Helper()
	v.await("a failure", func() bool { return v.Err() != nil })
	return v.Err()
}

// at is a pixel of the present picture.
func (v *view) at(x, y int) color.RGBA { return v.look().RGBAAt(x, y) }

// turns waits for a colour.
func (v *view) turns(x, y int, want color.RGBA) {
	v.t.Helper()
	v.await("the colour", func() bool { return near(v.at(x, y), want) })
}

func near(a, b color.RGBA) bool {
	d := func(x, y uint8) bool { return max(x, y)-min(x, y) <= 10 }
	return d(a.R, b.R) && d(a.G, b.G) && d(a.B, b.B) && d(a.A, b.A)
}

// keep writes the present picture down where -shots says.
func (v *view) keep(name string) {
	v.t.Helper()
	if *shots == "" {
		return
	}
	m := v.look()
	f, err := os.Create(filepath.Join(*shots, strings.ReplaceAll(v.t.Name(), "/", "-")+"-"+name+".png"))
	if err != nil {
		v.t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		v.t.Fatal(err)
	}
}

var (
	red   = color.RGBA{0xff, 0, 0, 0xff}
	green = color.RGBA{0, 0x80, 0, 0xff}
	blue  = color.RGBA{0, 0, 0xff, 0xff}
	white = color.RGBA{0xff, 0xff, 0xff, 0xff}
	none  = color.RGBA{}
)

// folder writes files and gives the item of a page among them, index.html.
func folder(t *testing.T, files map[string]string) scene.Item {
	t.Helper()
	dir := t.TempDir()
	item := scene.Item{Src: "index.html", Files: map[string]string{}}
	for name, text := range files {
		path := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		item.Files[name] = path
	}
	return item
}

func page1(t *testing.T, html string) scene.Item {
	return folder(t, map[string]string{"index.html": html})
}
