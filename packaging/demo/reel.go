package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"vitrine/render/witness"
)

// item is one medium of the demo. Its number is on every frame of it, so that a picture of the screen says what is on.
type item struct {
	ID     int
	Name   string // of the file, in media/
	Size   image.Point
	Rate   int           // frames a second; 0 = a picture
	Length time.Duration // on the screen
	words  words
	colors palette
	codec  []string
}

// frames is how many frames a video has.
func (it item) frames() int { return int(it.Length.Seconds()*float64(it.Rate) + 0.5) }

// known is the item as the witness needs it.
func (it item) known() witness.Item {
	if it.Rate == 0 {
		return witness.Item{ID: it.ID, For: it.Length}
	}
	return witness.Item{ID: it.ID, Frames: it.frames(), Period: time.Second / time.Duration(it.Rate)}
}

func x264(preset string) []string {
	return []string{"-c:v", "libx264", "-preset", preset, "-crf", "20", "-g", "60"}
}

// reel is the lobby's playlist: other sizes, rates, codecs and kinds, one after the other.
func reel() []item {
	sea := palette{rgb(0x0b1d33), rgb(0x17607d), rgb(0x8fe3d6)}
	dusk := palette{rgb(0x1d1437), rgb(0x7a2f6b), rgb(0xffa071)}
	wood := palette{rgb(0x0f2417), rgb(0x2f6b45), rgb(0xe9d97a)}
	clay := palette{rgb(0x2a1216), rgb(0x9c3b2e), rgb(0xffcf8a)}
	sky := palette{rgb(0x101a4a), rgb(0x3d63c9), rgb(0xbfe4ff)}
	plum := palette{rgb(0x241032), rgb(0x5c3b93), rgb(0xf6b3d8)}
	return []item{
		{1, "tides.mp4", image.Pt(1280, 720), 30, 4 * time.Second, words{"Exhibition", "Tides", "Light on water, until 14 March"}, sea, x264("veryfast")},
		{2, "dusk.mkv", image.Pt(1920, 1080), 25, 3 * time.Second, words{"Concert", "Blue Hour", "Friday 20:00, Great Hall"}, dusk, x264("ultrafast")},
		{3, "garden.jpg", image.Pt(1600, 900), 0, 3 * time.Second, words{"Garden café", "Fresh at noon", "Soup of the day, bread, herbs"}, wood, nil},
		{4, "clay.webm", image.Pt(960, 540), 50, 3 * time.Second, words{"Workshop", "Hands in clay", "Saturdays, for ages 8 to 80"}, clay,
			[]string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "7", "-crf", "16", "-b:v", "0"}},
		{5, "stars.png", image.Pt(1280, 720), 0, 3 * time.Second, words{"Observatory", "Open night", "Clear skies on Thursday"}, sky, nil},
		{6, "print.ts", image.Pt(1280, 720), 24, 3 * time.Second, words{"Print room", "Ink & paper", "New: linocut by appointment"}, plum,
			[]string{"-c:v", "mpeg2video", "-q:v", "2"}},
	}
}

// evening is the full-screen picture between two rounds of the reel.
func evening() item {
	return item{7, "evening.jpg", image.Pt(1920, 1080), 0, 4 * time.Second, words{"Tonight", "Meet the makers", "19:00 in the foyer, no booking needed"},
		palette{rgb(0x0a1024), rgb(0x274690), rgb(0xffc27a)}, nil}
}

// newsreel is what the second bundle of the drills shows.
func newsreel() item {
	return item{8, "news.jpg", image.Pt(1920, 1080), 0, 4 * time.Second, words{"Just in", "Doors open late", "Tonight until 23:00, all galleries"},
		palette{rgb(0x1b0f10), rgb(0xa33327), rgb(0xffe0b0)}, nil}
}

// make writes an item's file.
func (a artist) make(ctx context.Context, it item, dir string) error {
	path := filepath.Join(dir, it.Name)
	if it.Rate > 0 {
		return a.video(ctx, it, path)
	}
	m, err := a.poster(it.Size, it.colors, it.words, it.ID)
	if err != nil {
		return err
	}
	return write(path, m)
}

// video lets ffmpeg put moving lights, the words and the plate together.
func (a artist) video(ctx context.Context, it item, path string) error {
	still, err := a.overlay(it.Size, it.words)
	if err != nil {
		return err
	}
	parts, err := os.MkdirTemp("", "vitrine-reel-")
	if err != nil {
		return fmt.Errorf("make %s: %w", it.Name, err)
	}
	defer os.RemoveAll(parts)
	text, disc := filepath.Join(parts, "text.png"), filepath.Join(parts, "disc.png")
	if err := write(text, still); err != nil {
		return err
	}
	if err := write(disc, glow(it.Size.Y, it.colors.warm)); err != nil {
		return err
	}
	at := plateAt(it.Size)
	args := []string{"-v", "error", "-nostdin", "-y",
		"-f", "lavfi", "-i", fmt.Sprintf("gradients=s=%dx%d:r=%d:n=3:c0=%s:c1=%s:c2=%s:speed=0.02:d=%.3f,scale=%d:%d",
			it.Size.X/4, it.Size.Y/4, it.Rate, hex(it.colors.deep), hex(it.colors.mid), hex(it.colors.deep), it.Length.Seconds()+1, it.Size.X, it.Size.Y), // soft: a quarter of the size will do
		"-loop", "1", "-framerate", fmt.Sprint(it.Rate), "-i", disc,
		"-loop", "1", "-framerate", fmt.Sprint(it.Rate), "-i", text,
		"-f", "lavfi", "-i", witness.PlateSource(it.ID, it.Rate, plateSide(it.Size)),
		"-filter_complex", fmt.Sprintf("[0][1]overlay=x='(W-w)*(0.62+0.3*sin(t*0.9+%d))':y='(H-h)/2+H*0.25*sin(t*0.7)'[a];"+
			"[a][1]overlay=x='(W-w)*(0.2+0.2*cos(t*0.6))':y='H*0.3*cos(t*0.8)'[b];[b][2]overlay[c];[c][3]overlay=%d:%d[v]", it.ID, at.X, at.Y),
		"-map", "[v]", "-frames:v", fmt.Sprint(it.frames()), "-r", fmt.Sprint(it.Rate), "-pix_fmt", "yuv420p"}
	out, err := exec.CommandContext(ctx, "ffmpeg", append(append(args, it.codec...), path)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make %s: ffmpeg: %w: %s", it.Name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

func hex(c color.RGBA) string { return fmt.Sprintf("0x%02x%02x%02x", c.R, c.G, c.B) }
