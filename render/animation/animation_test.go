package animation_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/render/animation"
)

// ffmpeg runs it in a folder of its own.
func ffmpeg(t testing.TB, dir string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	cmd := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-nostdin", "-hide_banner", "-loglevel", "error", "-y"}, args...)...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		var e *exec.ExitError
		errors.As(err, &e)
		t.Fatalf("ffmpeg %s: %v: %s", strings.Join(args, " "), err, e.Stderr)
	}
	return out
}

// seen plays an animation once and returns each picture without premultiplication.
func seen(t testing.TB, file []byte) (*animation.Animation, []*image.NRGBA) {
	t.Helper()
	a, err := animation.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	c := a.NewCanvas()
	var all []*image.NRGBA
	for range a.Frames {
		if err := c.Next(); err != nil {
			t.Fatal(err)
		}
		n := image.NewNRGBA(c.Pix.Rect)
		for y := range a.Size.Y {
			for x := range a.Size.X {
				n.Set(x, y, c.Pix.At(x, y))
			}
		}
		all = append(all, n)
	}
	return a, all
}

// worst is the greatest difference of any channel as it would be seen: colours times alpha, and alpha.
func worst(a, b []byte) int {
	w := 0
	for i := 0; i+3 < len(a); i += 4 {
		for k := range 4 {
			x, y := int(a[i+k]), int(b[i+k])
			if k < 3 {
				x, y = x*int(a[i+3])/255, y*int(b[i+3])/255
			}
			w = max(w, x-y, y-x)
		}
	}
	return w
}

// What ffmpeg makes of moving pictures comes back as it was: GIF with its own palette, APNG and WebP without a loss.
func TestEveryFrameIsWhatWasPutIn(t *testing.T) {
	dir := t.TempDir()
	const source = "testsrc=size=97x61:rate=10:duration=1.2,format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='if(lt(X,20+5*N),0,255)'"
	for name, c := range map[string]struct {
		file   string
		encode []string
		near   int
	}{
		"GIF":  {"a.gif", []string{"-filter_complex", source + ",split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none"}, 40},
		"APNG": {"a.png", []string{"-f", "lavfi", "-i", source, "-f", "apng", "-plays", "0"}, 0},
		"WebP": {"a.webp", []string{"-f", "lavfi", "-i", source, "-c:v", "libwebp_anim", "-lossless", "1", "-pix_fmt", "bgra"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			ffmpeg(t, dir, append(c.encode, c.file)...)
			want := ffmpeg(t, dir, "-f", "lavfi", "-i", source, "-f", "rawvideo", "-pix_fmt", "rgba", "-")
			file, err := os.ReadFile(filepath.Join(dir, c.file))
			if err != nil {
				t.Fatal(err)
			}
			a, frames := seen(t, file)
			if len(frames) != 12 || a.Length() != 1200*time.Millisecond || a.Size != image.Pt(97, 61) {
				t.Fatalf("%d frames, %s, %v; want 12, 1.2s, 97×61", len(frames), a.Length(), a.Size)
			}
			for i, f := range frames {
				if w := worst(f.Pix, want[i*97*61*4:]); w > c.near {
					t.Errorf("frame %d differs by %d; %d is the most", i, w, c.near)
				}
			}
		})
	}
}

// disposals is a film of small frames, of which each is disposed of in another way.
func disposals() ([]*image.Paletted, []byte) {
	pal := append(color.Palette{color.RGBA{}}, palette.WebSafe...)
	rng := rand.New(rand.NewPCG(1, 2))
	var frames []*image.Paletted
	var then []byte
	for i := range 24 {
		r := image.Rect(0, 0, 40, 30)
		if i > 0 {
			x, y := rng.IntN(30), rng.IntN(20)
			r = image.Rect(x, y, x+3+rng.IntN(40-x-3), y+3+rng.IntN(30-y-3))
		}
		p := image.NewPaletted(r, pal)
		for k := range p.Pix {
			p.Pix[k] = byte(1 + (i*31+k/3)%200)
			if i > 0 && k%5 == 0 {
				p.Pix[k] = 0
			}
		}
		frames = append(frames, p)
		then = append(then, []byte{gif.DisposalNone, gif.DisposalBackground, gif.DisposalPrevious}[rng.IntN(3)])
	}
	then[0] = gif.DisposalNone
	return frames, then
}

func TestWhatBecomesOfAFrameIsAsOtherPlayersHaveIt(t *testing.T) {
	frames, then := disposals()
	dir := t.TempDir()
	var g bytes.Buffer
	delays := make([]int, len(frames))
	for i := range delays {
		delays[i] = 10
	}
	if err := gif.EncodeAll(&g, &gif.GIF{Image: frames, Delay: delays, Disposal: then, Config: image.Config{Width: 40, Height: 30, ColorModel: frames[0].Palette}}); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"a.gif": g.Bytes(), "a.png": apng(t, frames, then)} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, name), file, 0o600); err != nil {
				t.Fatal(err)
			}
			want := ffmpeg(t, dir, "-i", name, "-f", "rawvideo", "-pix_fmt", "rgba", "-fps_mode", "passthrough", "-")
			_, got := seen(t, file)
			if len(want) != len(got)*40*30*4 {
				t.Fatalf("ffmpeg has %d bytes; want %d frames", len(want), len(got))
			}
			for i, f := range got {
				if w := worst(f.Pix, want[i*40*30*4:]); w > 1 {
					t.Errorf("frame %d differs by %d", i, w)
				}
			}
		})
	}
}

// apng writes frames as an animated PNG; frames of odd number replace what is there, the others are drawn over it.
func apng(t testing.TB, frames []*image.Paletted, then []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	put := func(name string, data []byte) {
		c := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
		c = append(append(c, name...), data...)
		b.Write(binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:])))
	}
	b.WriteString("\x89PNG\r\n\x1a\n")
	seq := uint32(0)
	for i, f := range frames {
		rgba := image.NewNRGBA(image.Rectangle{Max: f.Rect.Size()})
		for y := range f.Rect.Dy() {
			for x := range f.Rect.Dx() {
				rgba.Set(x, y, f.At(f.Rect.Min.X+x, f.Rect.Min.Y+y))
			}
		}
		rgba.Set(0, 0, color.NRGBA{10, 20, 30, 40}) // the encoder keeps an alpha channel where one is needed
		var still bytes.Buffer
		if err := png.Encode(&still, rgba); err != nil {
			t.Fatal(err)
		}
		var data []byte
		for s := still.Bytes()[8:]; len(s) >= 12; s = s[12+binary.BigEndian.Uint32(s):] {
			n := binary.BigEndian.Uint32(s)
			switch string(s[4:8]) {
			case "IHDR":
				if i == 0 {
					put("IHDR", s[8:8+n])
					put("acTL", binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(len(frames))), 0))
				}
			case "IDAT":
				data = append(data, s[8:8+n]...)
			}
		}
		c := binary.BigEndian.AppendUint32(nil, seq)
		seq++
		for _, v := range []int{f.Rect.Dx(), f.Rect.Dy(), f.Rect.Min.X, f.Rect.Min.Y} {
			c = binary.BigEndian.AppendUint32(c, uint32(v))
		}
		dispose := map[byte]byte{gif.DisposalNone: 0, gif.DisposalBackground: 1, gif.DisposalPrevious: 2}[then[i]]
		put("fcTL", append(c, 0, 1, 0, 10, dispose, byte(1-i%2)))
		if i == 0 {
			put("IDAT", data)
			continue
		}
		half := len(data) / 2
		for _, part := range [][]byte{data[:half], data[half:]} {
			put("fdAT", append(binary.BigEndian.AppendUint32(nil, seq), part...))
			seq++
		}
	}
	put("IEND", nil)
	return b.Bytes()
}

func TestFramesHaveTheirTimes(t *testing.T) {
	pal := color.Palette{color.Black, color.White}
	g := &gif.GIF{}
	for _, delay := range []int{0, 1, 2, 50, 300} {
		g.Image, g.Delay = append(g.Image, image.NewPaletted(image.Rect(0, 0, 2, 2), pal)), append(g.Delay, delay)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	a, err := animation.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range a.Frames {
		got = append(got, f.Stay.String())
	}
	if want := "100ms 100ms 20ms 500ms 3s"; strings.Join(got, " ") != want {
		t.Errorf("%v; want %s: what asks for no time at all gets what browsers give it", got, want)
	}
	for d, want := range map[time.Duration]string{0: "0 0s", 210 * time.Millisecond: "2 10ms", 719 * time.Millisecond: "3 499ms",
		3719 * time.Millisecond: "4 2.999s", 3720 * time.Millisecond: "0 0s", 7440*time.Millisecond + 150*time.Millisecond: "1 50ms"} {
		frame, since := a.At(d)
		if got := fmt.Sprint(frame, " ", since); got != want {
			t.Errorf("after %s: %s; want %s", d, got, want)
		}
	}
}

func TestHostileFilesAreRefusedOrHarmless(t *testing.T) {
	frames, then := disposals()
	var g bytes.Buffer
	if err := gif.EncodeAll(&g, &gif.GIF{Image: frames, Delay: make([]int, len(frames)), Disposal: then}); err != nil {
		t.Fatal(err)
	}
	small := g.Bytes()
	change := func(from []byte, at int, with ...byte) []byte {
		b := bytes.Clone(from)
		copy(b[at:], with)
		return b
	}
	a := apng(t, frames, then)
	for name, c := range map[string]struct {
		file []byte
		says string
	}{
		"a GIF with a huge screen":           {change(small, 6, 0xff, 0xff, 0xff, 0xff), "65535×65535"},
		"a GIF whose frame lies outside":     {change(small, 6, 5, 0, 5, 0), "outside"},
		"a GIF of one frame, cut off":        {small[:900], "cut short"},
		"a PNG of a huge size":               {change(a, 16, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff), "65535×65535"},
		"a PNG of an impossible size":        {change(a, 16, 0xff, 0xff, 0xff, 0xff), "cannot be"},
		"a PNG that is cut off":              {a[:400], "cut short"},
		"a PNG that does not move":           {picture(t), "does not move"},
		"a text":                             {[]byte("hello, hello, hello"), "not a GIF"},
		"nothing":                            {nil, "cut short"},
		"a WebP whose length is a lie":       {[]byte("RIFF\xff\xff\xff\xffWEBPVP8X\xff\xff\xff\x7f"), "cut short"},
		"a WebP with a huge canvas":          {webp(0xffffff, 16), "16777216×16777216"},
		"a WebP whose frame is an empty box": {webp(9, 16), ""},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := animation.Open(bytes.NewReader(c.file), int64(len(c.file)))
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%v; want it to say %q", err, c.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := a.NewCanvas().Next(); err == nil {
				t.Error("a frame without a picture was decoded")
			}
		})
	}
}

func picture(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 3))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// webp is an animated WebP of two frames without pictures.
func webp(side uint32, frame int) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00")
	for range 2 {
		b = append(b, byte(side), byte(side>>8), byte(side>>16))
	}
	for range 2 {
		b = append(b, "ANMF"...)
		b = binary.LittleEndian.AppendUint32(b, uint32(frame+8))
		b = append(b, make([]byte, frame+8)...)
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func TestACutOffGIFPlaysWhatIsThere(t *testing.T) {
	frames, then := disposals()
	var g bytes.Buffer
	if err := gif.EncodeAll(&g, &gif.GIF{Image: frames, Delay: make([]int, len(frames)), Disposal: then}); err != nil {
		t.Fatal(err)
	}
	a, err := animation.Open(bytes.NewReader(g.Bytes()[:g.Len()*2/3]), int64(g.Len()*2/3))
	if err != nil || len(a.Frames) < 2 || len(a.Frames) >= len(frames) {
		t.Fatalf("%v", err)
	}
}

func FuzzOpen(f *testing.F) {
	frames, then := disposals()
	var g bytes.Buffer
	if err := gif.EncodeAll(&g, &gif.GIF{Image: frames[:3], Delay: make([]int, 3), Disposal: then[:3]}); err != nil {
		f.Fatal(err)
	}
	f.Add(g.Bytes())
	f.Add(apng(f, frames[:3], then[:3]))
	f.Add(webp(9, 16))
	f.Fuzz(func(t *testing.T, file []byte) {
		a, err := animation.Open(bytes.NewReader(file), int64(len(file)))
		if err != nil || a.Size.X*a.Size.Y > 1<<20 {
			return
		}
		c := a.NewCanvas()
		for range min(len(a.Frames)+1, 10) {
			_ = c.Next()
		}
		a.At(time.Hour)
		c.Opaque()
	})
}
