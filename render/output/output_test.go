package output_test

import (
	"image"
	"image/color"
	"os/exec"
	"testing"
	"time"

	"vitrine/render/output"
	"vitrine/render/witness"
)

var size = image.Pt(320, 200)

// xvfb starts a display, or skips the test where there can be none.
func xvfb(t *testing.T) *witness.Display {
	t.Helper()
	if _, err := exec.LookPath("Xvfb"); err != nil {
		t.Skip("Xvfb is not on this machine")
	}
	d, err := witness.StartXvfb(t.Context(), size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func paint(o output.Output, r image.Rectangle, c color.RGBA) {
	f := o.Frame()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := f.Row(y, r.Min.X, r.Max.X)
		for i := 0; i < len(row); i += 4 {
			row[i], row[i+1], row[i+2] = c.B, c.G, c.R
		}
	}
}

func present(t *testing.T, o output.Output, dirty ...image.Rectangle) {
	t.Helper()
	o.Present(dirty)
	select {
	case err := <-o.Done():
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the screen never took the frame")
	}
}

func pixel(t *testing.T, o output.Output, x, y int) color.RGBA {
	t.Helper()
	m, err := o.Shot()
	if err != nil {
		t.Fatal(err)
	}
	if m.Bounds().Size() != size {
		t.Fatalf("the shot has %v pixels, want %v", m.Bounds().Size(), size)
	}
	return m.RGBAAt(x, y)
}

var (
	red  = color.RGBA{0xff, 0, 0, 0xff}
	blue = color.RGBA{0, 0, 0xff, 0xff}
)

// suite is what every output promises.
func suite(t *testing.T, o output.Output) {
	if o.Size() != size || o.Frame().Size != size || o.Refresh() < 10 {
		t.Fatalf("size %v, frame %v, %v Hz", o.Size(), o.Frame().Size, o.Refresh())
	}
	whole := image.Rectangle{Max: size}
	paint(o, whole, red)
	present(t, o, whole)
	if got := pixel(t, o, 319, 199); got != red {
		t.Errorf("after the first frame the last pixel is %v, want red", got)
	}
	paint(o, whole, blue)
	present(t, o, image.Rect(0, 0, 10, 10), image.Rect(300, 190, 900, 900))
	for p, want := range map[image.Point]color.RGBA{{5, 5}: blue, {310, 195}: blue, {100, 100}: red, {10, 10}: red} {
		if got := pixel(t, o, p.X, p.Y); got != want {
			t.Errorf("after two dirty parts pixel %v is %v, want %v", p, got, want)
		}
	}
	present(t, o) // nothing is dirty: it is answered all the same
}

func TestMemoryIsAnOutput(t *testing.T) {
	o, err := output.NewMemory(size)
	if err != nil {
		t.Fatal(err)
	}
	suite(t, o)
	o.Close()
}

func TestAWindowIsAnOutput(t *testing.T) {
	d := xvfb(t)
	o, err := output.OpenX11(output.X11Config{Display: d.Name})
	if err != nil {
		t.Fatal(err)
	}
	suite(t, o)
	o.Close()
}

func TestTheScreenIsNotTouchedBeforeTheFirstFrameAndCleanAfterTheLast(t *testing.T) {
	d := xvfb(t)
	mirror, err := output.OpenMirror(d.Name)
	if err != nil {
		t.Fatal(err)
	}
	defer mirror.Close()
	shows := func() color.RGBA {
		f, err := mirror.Read()
		if err != nil {
			t.Fatal(err)
		}
		return f.RGBA().RGBAAt(160, 100)
	}
	first, err := output.OpenX11(output.X11Config{Display: d.Name})
	if err != nil {
		t.Fatal(err)
	}
	paint(first, first.Frame().Bounds(), red)
	present(t, first, first.Frame().Bounds())
	second, err := output.OpenX11(output.X11Config{Display: d.Name})
	if err != nil {
		t.Fatal(err)
	}
	if got := shows(); got != red {
		t.Errorf("a second window that has no frame yet shows %v, want what was there", got)
	}
	paint(second, second.Frame().Bounds(), blue)
	present(t, second, second.Frame().Bounds())
	if got := shows(); got != blue {
		t.Errorf("the second window's first frame is %v, want blue", got)
	}
	second.Close()
	first.Close()
	if got := shows(); got == red || got == blue {
		t.Errorf("after both were closed the screen shows %v", got)
	}
}

func TestAServerThatEndsIsNoticed(t *testing.T) {
	d := xvfb(t)
	o, err := output.OpenX11(output.X11Config{Display: d.Name})
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	select {
	case err := <-o.Done():
		if err == nil {
			t.Error("the loss is reported as a frame that was taken")
		}
	case <-time.After(20 * time.Second):
		t.Error("the loss of the server is not noticed")
	}
	o.Close()
}

func TestSizesThatCannotBeAreRefused(t *testing.T) {
	for _, p := range []image.Point{{}, {X: -1, Y: 5}, {X: 20000, Y: 5}} {
		if _, err := output.NewMemory(p); err == nil {
			t.Errorf("a screen of %v was made", p)
		}
	}
	if _, err := output.OpenX11(output.X11Config{Display: ":4711"}); err == nil {
		t.Error("a display that is not there was opened")
	}
}
