package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vitrine/render/scene"
	"vitrine/render/witness"
)

const (
	tickerSpeed = 160 // pixels a second
	tickerTime  = 20 * time.Second
	looks       = 250 // a second: four of each picture, so that one that was being written is told by the next
)

// spot is where a ticker's only letter was when it had moved.
type spot struct {
	at time.Duration
	x  float64
}

// ticker follows the letter of a ticker under a video, and compares each movement with what the screen's frames in between
// should have been.
func (s *stage) ticker(ctx context.Context) ([]Figure, error) {
	p, err := s.screen.Read()
	if err != nil {
		return nil, err
	}
	clip := witness.Clip{Item: 95, Size: image.Pt(1920, 1080), Rate: 30, Frames: 660}
	path := s.path("ticker.mp4")
	if err := clip.Make(ctx, path); err != nil {
		return nil, err
	}
	strip := image.Rect(0, p.Size.Y*9/10, p.Size.X, p.Size.Y)
	text := scene.Zone{At: scene.Rect{strip.Min.X, strip.Min.Y, strip.Dx(), strip.Dy()}, Z: 2, Background: "#000000",
		Ticker: &scene.Ticker{Text: "I", Separator: strings.Repeat(" ", 90), Speed: tickerSpeed, Style: scene.Style{Size: 60, Color: "#ffffff"}}}
	cmd, quit, err := drawn(ctx, s.display, filepath.Join(s.bin, "vitrine-render"), scene.Size{Width: p.Size.X, Height: p.Size.Y}, []scene.Zone{film(path, p.Size), text})
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	spots, err := follow(ctx, s.screen, strip)
	quit()
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return nil, err
	}
	return even(spots)
}

// follow looks for the letter until its time is over.
func follow(ctx context.Context, screen witness.Screen, strip image.Rectangle) ([]spot, error) {
	tick := time.NewTicker(time.Second / looks)
	defer tick.Stop()
	var out []spot
	var before spot
	for begin := time.Now(); time.Since(begin) < tickerTime; {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
		p, err := screen.Read()
		if err != nil {
			return nil, err
		}
		now := spot{time.Since(begin), letter(p, strip)}
		switch n := len(out); {
		case math.IsNaN(now.x):
			out = append(out, now)
		case now.x != before.x:
			before = now
		case n == 0 || out[n-1].x != now.x:
			out = append(out, before)
		}
	}
	return out, nil
}

// letter is the middle of what is bright in a strip, NaN where that is at its ends, or nothing is.
func letter(p witness.Pixels, strip image.Rectangle) float64 {
	const end = 40 // pixels
	var sum, at float64
	for y := strip.Min.Y; y < strip.Max.Y; y += 2 {
		row := p.Pix[y*p.Stride:]
		for x := strip.Min.X; x < strip.Max.X; x++ {
			v := float64(row[x*4+1])
			if v > 0 && (x < strip.Min.X+end || x >= strip.Max.X-end) {
				return math.NaN()
			}
			sum, at = sum+v, at+v*float64(x)
		}
	}
	if sum == 0 {
		return math.NaN()
	}
	return at / sum
}

// even says how even the movements were.
func even(spots []spot) ([]Figure, error) {
	const step = tickerSpeed / 60.0
	var off []float64
	late := 0
	for i := 1; i < len(spots); i++ {
		a, b := spots[i-1], spots[i]
		ticks := max(1, math.Round((b.at-a.at).Seconds()*60))
		moved := a.x - b.x
		if math.IsNaN(moved) {
			continue
		}
		if ticks > 1 {
			late++
		}
		off = append(off, math.Abs(moved-step*ticks))
	}
	if len(off) < 100 {
		return nil, fmt.Errorf("only %d movements of the ticker were seen", len(off))
	}
	slices.Sort(off)
	return []Figure{
		{"a ticker beside the video: a movement is off by at most", fmt.Sprintf("%.2f px; median %.2f", off[len(off)-1], off[len(off)/2]), fmt.Sprintf("%.2f px a frame", step), "–"},
		{"its frames that came a tick late", fmt.Sprintf("%d of %d", late, len(off)), "–", "–"},
	}, nil
}
