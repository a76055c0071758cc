package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"vitrine/render/paint"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// otherFrame asks vitrine-render, drawing into memory, for an item's first picture as its zone would show it.
func otherFrame(ctx context.Context, item scene.Item, size image.Point) (*image.RGBA, error) {
	program, err := pipe.Find()
	if err != nil {
		return nil, err
	}
	if item.Kind != scene.Web && !strings.Contains(item.Src, "://") {
		if item.Src, err = filepath.Abs(item.Src); err != nil {
			return nil, err
		}
	}
	item.Volume, item.For, item.Transition = 0, scene.Duration(time.Hour), nil
	dir, err := os.MkdirTemp("", "vitrine-preview-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the frame: %w", err)
	}
	defer os.RemoveAll(dir)
	r, err := pipe.New(pipe.Config{Program: program, Args: []string{"--headless", fmt.Sprintf("%dx%d", size.X, size.Y)}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, 20*time.Second)
	over := make(chan error, 1)
	go func() { over <- r.Run(ctx) }()
	defer func() { stop(); <-over }()
	canvas := scene.Size{Width: size.X, Height: size.Y}
	shown := scene.Scene{Zones: []scene.Zone{{At: scene.Rect{0, 0, size.X, size.Y}, Playlist: []scene.Item{item}}}}
	if err := r.Send(pipe.Command{Op: pipe.OpQueue, ID: 1, Canvas: canvas, Scene: &shown, Now: true}); err != nil {
		return nil, err
	}
	shot := filepath.Join(dir, "frame.png")
	if err := awaitShot(ctx, r, shot); err != nil {
		return nil, err
	}
	img, err := paint.Picture(shot, image.Point{})
	if err != nil {
		return nil, err
	}
	frame := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(frame, frame.Rect, img, img.Bounds().Min, draw.Src)
	return frame, nil
}

// awaitShot takes the picture once the item's first frame is up.
func awaitShot(ctx context.Context, r *pipe.Renderer, path string) error {
	for {
		select {
		case <-ctx.Done():
			return errors.New("vitrine-render did not show it within 20 s")
		case report := <-r.Reports():
			switch {
			case report.Ev == pipe.EvFailed:
				return errors.New(report.Error)
			case report.Ev == pipe.EvStarted && report.ID == 1:
				if err := r.Send(pipe.Command{Op: pipe.OpShot, Path: path}); err != nil {
					return err
				}
			case report.Ev == pipe.EvShot && report.Error != "":
				return errors.New(report.Error)
			case report.Ev == pipe.EvShot:
				return nil
			}
		}
	}
}
