package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"vitrine/agent/bundle/folder"
	"vitrine/agent/schedule"
	"vitrine/render/film"
	"vitrine/render/scene"
)

// filmFile is a film that was written.
type filmFile struct {
	Path   string     `json:"path"`
	Frames int        `json:"frames"`
	Rate   int        `json:"fps"`
	Width  int        `json:"width"`
	Height int        `json:"height"`
	Scenes []appeared `json:"scenes"`
}

// appeared is a scene and the instant at which it came.
type appeared struct {
	Scene string    `json:"scene"` // "" = the screen is off
	At    time.Time `json:"at"`
}

// names are the scenes of the film, each time they come.
func (f *filmFile) names() []string {
	var names []string
	for _, s := range f.Scenes {
		if s.Scene == "" {
			s.Scene = "the screen is off"
		}
		if len(names) == 0 || names[len(names)-1] != s.Scene {
			names = append(names, s.Scene)
		}
	}
	return names
}

// widest is the width of a film whose author asks for none.
const widest = 1920

// record writes the film of what shows from the view's instant on.
func (v *view) record(ctx context.Context, c *call, p schedule.Player, o shots) (*filmFile, error) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		return nil, errors.New("a film is written by ffmpeg, which is not installed: apt install ffmpeg; pictures (-o out.png) need none")
	}
	if v.width == 0 && v.m.Canvas.Width > widest {
		v.width = widest
	}
	out := &filmFile{Path: o.video, Rate: o.rate}
	next, err := v.programme(p, o, &out.Scenes)
	if err != nil {
		return nil, err
	}
	f, err := v.film(ctx, o.rate, v.now, next)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := v.size()
	if err != nil {
		return nil, err
	}
	out.Width, out.Height = size.X+size.X%2, size.Y+size.Y%2
	total := max(1, int(o.length.Seconds()*float64(o.rate)+0.5))
	e, err := newEncoder(ctx, o.video, size, o.rate)
	if err != nil {
		return nil, err
	}
	defer e.abandon()
	show := newProgress(c.stderr, o, total)
	for ; out.Frames < total; out.Frames++ {
		img, err := f.Frame(ctx, out.Frames)
		if err == nil {
			err = e.write(img)
		}
		if err != nil {
			return nil, errors.Join(ctx.Err(), err)
		}
		show(out.Frames + 1)
	}
	return out, e.finish()
}

// programme says what follows: the scene that was asked for, else the loop that is on at each scene's end.
func (v *view) programme(p schedule.Player, o shots, seen *[]appeared) (func(time.Time) (film.Program, error), error) {
	if o.name != "" {
		s, ok := v.m.Scenes[o.name]
		if !ok {
			return nil, fmt.Errorf("there is no scene %q in %s", o.name, folder.File)
		}
		return func(at time.Time) (film.Program, error) {
			*seen = append(*seen, appeared{o.name, at})
			return v.program(o.name, &s, nil, true), nil
		}, nil
	}
	plan, _ := schedule.Compile(&v.m.Schedule)
	var loop []string
	place := o.item - 2
	return func(at time.Time) (film.Program, error) {
		v.now, v.overlays, v.scene = at, nil, nil
		d := plan.Explain(p, schedule.State{}, at)
		if d.Screen == "off" {
			*seen = append(*seen, appeared{"", at})
			return film.Program{Stay: time.Second}, nil
		}
		now := d.Loop
		if slices.Equal(now, []string{schedule.FallbackItem}) {
			now = v.m.Fallback
		}
		if len(now) == 0 {
			return film.Program{}, fmt.Errorf("%s: nothing is on but the player's own card; write defaults: or fallback: into %s", at.In(v.zone).Format("2006-01-02 15:04"), folder.File)
		}
		if loop == nil && o.item > len(now) || o.item < 1 {
			return film.Program{}, usage("--item is 1 to %d: the loop is %s", len(now), strings.Join(now, ", "))
		}
		if loop != nil && !slices.Equal(loop, now) {
			place = -1 // another loop begins with its first scene
		}
		loop, place = now, (place+1)%len(now)
		s := v.m.Scenes[now[place]]
		overlays := []scene.Scene{}
		for _, id := range d.Overlays {
			overlays = append(overlays, v.m.Scenes[id])
		}
		*seen = append(*seen, appeared{now[place], at})
		return v.program(now[place], &s, overlays, false), nil
	}, nil
}

// newProgress tells a person at a terminal how far the film is.
func newProgress(w io.Writer, o shots, total int) func(done int) {
	file, ok := w.(*os.File)
	if !ok || o.json || !term.IsTerminal(int(file.Fd())) {
		return func(int) {}
	}
	return func(done int) {
		if done%o.rate == 0 || done == total {
			fmt.Fprintf(w, "\r%s: %d of %d s ", o.video, done/o.rate, total/o.rate)
		}
		if done == total {
			fmt.Fprint(w, "\r\x1b[K")
		}
	}
}

// encoder is ffmpeg, writing a film beside its place until it is whole.
type encoder struct {
	cmd   *exec.Cmd
	to    io.WriteCloser
	said  bytes.Buffer
	path  string
	part  string
	ended bool
}

func newEncoder(ctx context.Context, path string, size image.Point, rate int) (*encoder, error) {
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("write the film: %w", err)
	}
	if err := part.Close(); err != nil {
		return nil, fmt.Errorf("write the film: %w", err)
	}
	e := &encoder{path: path, part: part.Name()}
	// BT.709 in studio range, as players take it; sides are even, which H.264 asks for.
	e.cmd = exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "rawvideo", "-pix_fmt", "rgba", "-s", fmt.Sprintf("%dx%d", size.X, size.Y),
		"-r", fmt.Sprint(rate), "-i", "pipe:0", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2,scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p",
		"-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
		"-movflags", "+faststart", "-f", "mp4", "file:"+e.part)
	e.cmd.Stderr = &e.said
	if e.to, err = e.cmd.StdinPipe(); err == nil {
		err = e.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write the film: %w", err), os.Remove(e.part))
	}
	return e, nil
}

func (e *encoder) write(img *image.RGBA) error {
	if _, err := e.to.Write(img.Pix); err != nil {
		return e.end()
	}
	return nil
}

// end waits for ffmpeg; an error says what it said.
func (e *encoder) end() error {
	e.ended = true
	err := errors.Join(e.to.Close(), e.cmd.Wait())
	if text := strings.TrimSpace(e.said.String()); err != nil && text != "" {
		err = errors.New(text)
	}
	if err != nil {
		return fmt.Errorf("ffmpeg could not write the film: %w", err)
	}
	return nil
}

// finish puts the film in its place.
func (e *encoder) finish() error {
	if err := e.end(); err != nil {
		return err
	}
	if err := os.Chmod(e.part, 0o644); err != nil {
		return fmt.Errorf("write the film: %w", err)
	}
	if err := os.Rename(e.part, e.path); err != nil {
		return fmt.Errorf("write the film: %w", err)
	}
	return nil
}

// abandon leaves nothing of a film that was not finished.
func (e *encoder) abandon() {
	if !e.ended {
		_ = e.cmd.Process.Kill()
		_ = e.end()
	}
	_ = os.Remove(e.part) // there is none after finish
}
