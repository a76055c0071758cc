package witness

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Clip is a video to be made: moving bars and shapes, with the mark in the middle.
type Clip struct {
	Item   int // 1 to 255
	Size   image.Point
	Rate   int // frames a second
	Frames int // at most 4096
	Codec  string
	Sound  bool
	Every  int // H.264: frames from one key frame to the next; 0 = 60
}

// codecs are ffmpeg's options for what a Clip may be.
func (c Clip) codec() ([]string, error) {
	switch c.Codec {
	case "", "h264":
		return []string{"-c:v", "libx264", "-preset", "veryfast", "-g", strconv.Itoa(cmp.Or(c.Every, 60))}, nil
	case "hevc":
		return []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error"}, nil
	case "vp9":
		return []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "4M"}, nil
	case "mpeg2":
		return []string{"-c:v", "mpeg2video", "-q:v", "3"}, nil
	}
	return nil, fmt.Errorf("codec %q is not known; known are h264, hevc, vp9 and mpeg2", c.Codec)
}

// Length is how long the clip plays.
func (c Clip) Length() time.Duration {
	return time.Duration(float64(c.Frames) / float64(c.Rate) * float64(time.Second))
}

// Make writes the clip with ffmpeg; the path's ending chooses the container.
func (c Clip) Make(ctx context.Context, path string) error {
	codec, err := c.codec()
	if err != nil {
		return err
	}
	side := markSide(c.Size)
	mark := markSource(c.Item, c.Rate, side) + ",format=yuv420p"
	back := fmt.Sprintf("testsrc2=size=%dx%d:rate=%d,hue=h=%d", c.Size.X, c.Size.Y, c.Rate, c.Item*47%360)
	seconds := fmt.Sprintf("%.4f", float64(c.Frames)/float64(c.Rate))
	args := []string{"-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", back, "-f", "lavfi", "-i", mark}
	if c.Sound {
		args = append(args, "-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=%d:duration=%s", 220+c.Item*10, seconds))
	}
	args = append(args, "-filter_complex", "[0][1]overlay=(W-w)/2:(H-h)/2:shortest=0[v]", "-map", "[v]")
	if c.Sound {
		args = append(args, "-map", "2:a")
	}
	args = append(args, "-frames:v", fmt.Sprint(c.Frames), "-pix_fmt", "yuv420p")
	cmd := exec.CommandContext(ctx, "ffmpeg", append(append(args, codec...), path)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("make %s: ffmpeg: %w: %s", path, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Picture is an image to be made, with the mark in its middle.
type Picture struct {
	Item int // 1 to 255
	Size image.Point
}

// Make writes the picture; the path's ending chooses PNG or JPEG.
func (p Picture) Make(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("make picture: %w", err)
	}
	if strings.EqualFold(filepath.Ext(path), ".png") {
		err = png.Encode(f, p.Image())
	} else {
		err = jpeg.Encode(f, p.Image(), &jpeg.Options{Quality: 90})
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("make picture %s: %w", path, err)
	}
	return nil
}

// Image draws the picture: a soft gradient of the item's own hue under the mark.
func (p Picture) Image() *image.RGBA {
	m := image.NewRGBA(image.Rectangle{Max: p.Size})
	h := float64(p.Item) * 47 / 180 * math.Pi
	for y := range p.Size.Y {
		for x := range p.Size.X {
			t := float64(x)/float64(p.Size.X) + float64(y)/float64(p.Size.Y)
			wave := func(o float64) uint8 { return uint8(140 + 90*math.Sin(h+t*1.5+o)) }
			m.SetRGBA(x, y, color.RGBA{R: wave(0), G: wave(2.1), B: wave(4.2), A: 0xff})
		}
	}
	side, w := markSide(p.Size), Mark{Item: p.Item}.word()
	at := image.Pt((p.Size.X-markWide*side)/2, (p.Size.Y-markHigh*side)/2)
	for i := range markBits {
		c := color.Gray{Y: 16}
		if w>>i&1 == 1 {
			c.Y = 235
		}
		r := image.Rect(0, 0, side, side).Add(at).Add(image.Pt(i%markWide*side, i/markWide*side))
		draw.Draw(m, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
	return m
}
