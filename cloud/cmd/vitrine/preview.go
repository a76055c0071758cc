package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/folder"
	"vitrine/agent/schedule"
	"vitrine/render/paint"
	"vitrine/render/scene"
)

// shots are the flags of preview.
type shots struct {
	out, video, name string
	item, width      int
	after, length    time.Duration
	rate             int
	json             bool
}

func (o *shots) flags(fs *flag.FlagSet) {
	fs.StringVar(&o.out, "o", "", "the picture to write, .png")
	fs.StringVar(&o.video, "video", "", "a film to write, .mp4: what shows from --at on")
	fs.DurationVar(&o.length, "for", 20*time.Second, "length of the film, 1h at most")
	fs.IntVar(&o.rate, "fps", 30, "frames of the film a second, 1 to 60")
	fs.DurationVar(&o.after, "after", 0, "how long the scene has been on in the picture, such as 12s")
	fs.IntVar(&o.item, "item", 1, "which scene of the loop, from 1")
	fs.StringVar(&o.name, "scene", "", "draw this scene, whatever the schedule says")
	fs.IntVar(&o.width, "width", 0, "width in pixels; the canvas's when not given, for a film 1920 at most")
	fs.BoolVar(&o.json, "json", false, "print JSON")
}

func (o *shots) check() error {
	switch {
	case o.out == "" && o.video == "":
		return usage("say where the picture goes: -o out.png; or a film: --video out.mp4")
	case o.out != "" && !strings.EqualFold(filepath.Ext(o.out), ".png"):
		return usage("say where the picture goes: -o out.png")
	case o.video != "" && !strings.EqualFold(filepath.Ext(o.video), ".mp4"):
		return usage("a film is an .mp4: --video out.mp4")
	case o.width < 0 || o.width == 1 || o.width > 16384:
		return usage("--width is 2 to 16384")
	case o.length <= 0 || o.length > time.Hour:
		return usage("--for is up to 1h, such as 20s")
	case o.rate < 1 || o.rate > 60:
		return usage("--fps is 1 to 60")
	case o.after < 0 || o.after > 24*time.Hour:
		return usage("--after is a length of time, such as 12s")
	}
	return nil
}

func runPreview(ctx context.Context, c *call) error {
	fs := c.flags()
	var a asked
	var o shots
	a.flags(fs)
	o.flags(fs)
	dir, err := c.one(fs, "folder")
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	f, err := folder.Load(dir)
	if err != nil {
		return err
	}
	p, zone, err := a.player(&f.Manifest)
	if err != nil {
		return err
	}
	now, err := instant(a.at, zone)
	if err != nil {
		return err
	}
	v := &view{dir: dir, m: &f.Manifest, media: f.Media, file: f.File, now: now, zone: zone, width: o.width}
	said := previewed{Notes: []string{}}
	if o.out != "" {
		if said.Shows, err = v.choose(p, o.name, o.item); err != nil {
			return err
		}
		img, err := v.draw(ctx, o.after)
		if err != nil {
			return err
		}
		if err := writePNG(o.out, img); err != nil {
			return err
		}
		said.Picture = o.out
	}
	if o.video != "" {
		if said.Film, err = v.record(ctx, c, p, o); err != nil {
			return err
		}
	}
	said.Notes = append(said.Notes, v.told()...)
	return said.print(c, o.json)
}

// previewed is what preview says of what it has written.
type previewed struct {
	Picture string    `json:"picture,omitempty"`
	Shows   string    `json:"shows,omitempty"`
	Film    *filmFile `json:"film,omitempty"`
	Notes   []string  `json:"notes"`
}

func (s previewed) print(c *call, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(c.stdout).Encode(s)
	}
	for _, n := range s.Notes {
		fmt.Fprintf(c.stderr, "note: %s\n", n)
	}
	if s.Picture != "" {
		fmt.Fprintf(c.stdout, "%s: %s\n", s.Picture, s.Shows)
	}
	if f := s.Film; f != nil {
		fmt.Fprintf(c.stdout, "%s: %s, %d × %d pixels, without sound: %s\n", f.Path, count(f.Frames, "frame"), f.Width, f.Height, strings.Join(f.names(), ", "))
	}
	return nil
}

// view is one instant of a folder, to be drawn.
type view struct {
	dir   string
	m     *bundle.Manifest
	media map[string]string   // media types by path
	file  func(string) string // where a file of the bundle is in the folder
	now   time.Time
	zone  *time.Location
	width int // of the picture; 0 = the canvas's

	rows     *rows
	loaded   *paint.Fonts
	scene    *scene.Scene // nil = the screen is off
	overlays []scene.Scene
	notes    []string
}

// choose finds the scene that is on, and says why it is.
func (v *view) choose(p schedule.Player, name string, item int) (string, error) {
	if name != "" {
		s, ok := v.m.Scenes[name]
		if !ok {
			return "", fmt.Errorf("there is no scene %q in %s", name, folder.File)
		}
		v.scene = &s
		return fmt.Sprintf("scene %s", name), nil
	}
	plan, _ := schedule.Compile(&v.m.Schedule)
	d := plan.Explain(p, schedule.State{Screen: plan.ScreenAt(p, schedule.State{}, v.now)}, v.now)
	at := v.now.In(v.zone).Format("Monday 2 January 2006, 15:04 MST")
	if d.Screen == "off" {
		return fmt.Sprintf("%s: the screen is off", at), nil
	}
	loop := d.Loop
	if slices.Equal(loop, []string{schedule.FallbackItem}) {
		if loop = v.m.Fallback; len(loop) == 0 {
			return "", fmt.Errorf("%s: nothing is on but the player's own card; write defaults: or fallback: into %s", at, folder.File)
		}
	}
	if item < 1 || item > len(loop) {
		return "", usage("--item is 1 to %d: the loop is %s", len(loop), strings.Join(loop, ", "))
	}
	for _, o := range d.Overlays {
		v.overlays = append(v.overlays, v.m.Scenes[o])
	}
	s := v.m.Scenes[loop[item-1]]
	v.scene = &s
	return fmt.Sprintf("%s: scene %s, %d of %d (%s)", at, loop[item-1], item, len(loop), d.Layer), nil
}

func writePNG(path string, img image.Image) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := png.Encode(f, img); err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	return nil
}
