package main

import (
	"context"
	"errors"
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
	"vitrine/render/scene"
)

func runPreview(ctx context.Context, c *call) error {
	fs := c.flags()
	var a asked
	a.flags(fs)
	out := fs.String("o", "", "the picture to write, .png")
	item := fs.Int("item", 1, "which scene of the loop, from 1")
	name := fs.String("scene", "", "draw this scene, whatever the schedule says")
	width := fs.Int("width", 0, "width of the picture in pixels; the canvas's when not given")
	dir, err := c.one(fs, "folder")
	if err != nil {
		return err
	}
	if *out == "" || !strings.EqualFold(filepath.Ext(*out), ".png") {
		return usage("say where the picture goes: -o out.png")
	}
	if *width < 0 || *width > 16384 {
		return usage("--width is 1 to 16384")
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
	v := &view{dir: dir, m: &f.Manifest, media: f.Media, now: now, zone: zone, width: *width}
	say, err := v.choose(p, *name, *item)
	if err != nil {
		return err
	}
	img, err := v.draw(ctx)
	if err != nil {
		return err
	}
	if err := writePNG(*out, img); err != nil {
		return err
	}
	for _, n := range v.notes {
		fmt.Fprintf(c.stderr, "note: %s\n", n)
	}
	fmt.Fprintf(c.stdout, "%s: %s\n", *out, say)
	return nil
}

// view is one instant of a folder, to be drawn.
type view struct {
	dir   string
	m     *bundle.Manifest
	media map[string]string // media types by path
	now   time.Time
	zone  *time.Location
	width int // of the picture; 0 = the canvas's

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
