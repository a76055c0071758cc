package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"time"

	"vitrine/render/paint"
)

// show runs the demo from the first program to the report.
func show(ctx context.Context, s *stage, o options) (err error) {
	defer func() {
		s.close()
		err = errors.Join(err, s.keepLogs(o.out))
	}()
	if err := s.set(ctx, o); err != nil {
		return err
	}
	r := &Report{Display: s.display, Mode: "display"}
	if s.xvfb != nil {
		r.Mode = "Xvfb"
	}
	fmt.Println("measuring the first frame, beside plain mpv")
	if r.Race, err = race(ctx, s.screen, s.display, filepath.Join(s.bin, "vitrine-render"), s.dir); err != nil {
		return fmt.Errorf("measure the first frame: %w", err)
	}
	e, err := newEye(s.screen)
	if err != nil {
		return err
	}
	watching, blink := context.WithCancel(context.WithoutCancel(ctx))
	defer blink()
	go e.run(watching)
	if err := s.play(ctx, e); err != nil {
		return err
	}
	s.tell(o)
	r.Memory = s.memory()
	r.Widgets = e.widgets(ctx)
	if o.drills {
		r.Drills = drill(ctx, s, e)
	} else {
		stay(ctx, o.seconds)
		r.Memory = s.memory()
	}
	blink()
	fonts, err := paint.LoadFonts(paint.FontConfig{})
	if err != nil {
		return err
	}
	r.fill(e, s)
	if err := r.write(o, artist{fonts}, e); err != nil {
		return err
	}
	return r.verdict(o)
}

// set prepares all that runs beside the player: display, feed, relay, keys, bundle.
func (s *stage) set(ctx context.Context, o options) (err error) {
	if err := s.raise(ctx); err != nil {
		return err
	}
	if s.news, err = serveFeed(ctx); err != nil {
		return err
	}
	if err := s.startRelay(); err != nil {
		return err
	}
	fmt.Println("making the media")
	if err := s.prepare(ctx, o.drills); err != nil {
		return err
	}
	return s.publish(ctx, "lobby")
}

// play starts the player, takes it in, and waits until content is on the screen.
func (s *stage) play(ctx context.Context, e *eye) error {
	if err := s.startPlayer(); err != nil {
		return err
	}
	if err := s.claim(ctx); err != nil {
		return err
	}
	if _, err := e.fresh(ctx, 60*time.Second); err != nil {
		return fmt.Errorf("%w: see %s", err, s.path("vitrine-player.log"))
	}
	return nil
}

// tell says where to look.
func (s *stage) tell(o options) {
	token, _ := os.ReadFile(s.token) // the page can be read without it being repeated here
	fmt.Printf("\n  screen  %s\n  page    %s/   (its certificate is the relay's own: %s)\n  token   %s", s.where(), s.page, s.ca, token)
	if o.seconds == 0 && !o.drills {
		fmt.Print("  stop    Ctrl-C\n")
	}
	fmt.Println()
}

// where says in words which screen it is.
func (s *stage) where() string {
	if s.xvfb != nil {
		return "an Xvfb in memory, " + s.display + "; its picture is on the page"
	}
	return "the display " + s.display
}

// stay waits for the time to pass, or for Ctrl-C.
func stay(ctx context.Context, seconds int) {
	if seconds <= 0 {
		<-ctx.Done()
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(seconds) * time.Second):
	}
}

// Widget is what was seen in a zone that shows no numbers.
type Widget struct {
	Name  string  `json:"name"`
	Ink   float64 `json:"ink"`   // share of the zone that is not its background, the most that was seen
	Moves bool    `json:"moves"` // two looks differed
	OK    bool    `json:"ok"`
}

// widgets looks at clock, ticker and table while the lobby is on.
func (e *eye) widgets(ctx context.Context) []Widget {
	out := []Widget{{Name: "clock"}, {Name: "ticker"}, {Name: "table"}}
	zones := []image.Rectangle{clockZone(), newsZone(), tableZone()}
	first := make([]uint64, len(out))
	for range 80 { // a quarter of a second apart; sources are read after the first frame is up
		done, on := true, e.now()
		for i := range out {
			if !on.OK || on.Mark.Item >= evening().ID { // the lobby is not on
				done = false
				break
			}
			ink, hash, err := e.widget(zones[i])
			if err != nil {
				continue
			}
			out[i].Ink = max(out[i].Ink, ink)
			if first[i] == 0 {
				first[i] = hash
			}
			out[i].Moves = out[i].Moves || hash != first[i]
			out[i].OK = out[i].Ink > 0.02 && (out[i].Moves || out[i].Name == "table")
			done = done && out[i].OK
		}
		if done {
			return out
		}
		select {
		case <-ctx.Done():
			return out
		case <-time.After(250 * time.Millisecond):
		}
	}
	return out
}

// keepLogs puts the programs' logs beside the report.
func (s *stage) keepLogs(out string) error {
	logs, err := filepath.Glob(s.path("*.log"))
	if err != nil {
		return err
	}
	for _, log := range logs {
		b, err := os.ReadFile(log)
		if err != nil {
			return fmt.Errorf("keep the logs: %w", err)
		}
		if err := os.WriteFile(filepath.Join(out, filepath.Base(log)), b, 0o644); err != nil {
			return fmt.Errorf("keep the logs: %w", err)
		}
	}
	return nil
}
