package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"vitrine/render/paint"
	"vitrine/render/scene"
	"vitrine/render/witness"
)

// What the demo promises.
const (
	longestChange = 50.0 // ms
	mostSlower    = 1.5  // times mpv's first frame
)

// Report is demo.json.
type Report struct {
	Mode    string  `json:"mode"` // display, Xvfb
	Display string  `json:"display"`
	Seconds float64 `json:"seconds"` // of content

	Items   []Item   `json:"items"`
	Widgets []Widget `json:"widgets"`
	Feed    int64    `json:"feed_fetches"`

	Samples     int     `json:"samples"`       // looks at the screen, 60 a second
	Blind       int     `json:"blind_samples"` // that came late: the machine was busy
	Black       int     `json:"black_frames"`  // after the first content
	Changes     int     `json:"changes"`
	Longest     float64 `json:"longest_change_ms"`
	Median      float64 `json:"median_change_ms"`
	Hole        float64 `json:"longest_hole_ms"` // neither of two items on the screen
	FramesShown int     `json:"frames_shown"`
	FramesDue   int     `json:"frames_due"`
	Shown       []Shown `json:"shown"`

	Race   *Race            `json:"first_frame"`
	Memory map[string]int64 `json:"memory_bytes"`
	Drills []Drill          `json:"drills,omitempty"`

	begin time.Duration // of the content, since the film's
}

// Item is a medium, and how often it was seen.
type Item struct {
	ID    int    `json:"id"`
	File  string `json:"file"`
	Title string `json:"title"`
	Seen  int    `json:"seen"`
}

// Shown is one showing.
type Shown struct {
	Item int     `json:"item"`
	From float64 `json:"from"` // seconds since the first content
	To   float64 `json:"to"`
	// Frames are the different ones that were seen; a picture has one.
	Frames int `json:"frames"`
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// fill reads the film.
func (r *Report) fill(e *eye, s *stage) {
	media := append(reel(), evening())
	if r.Drills != nil {
		media = append(media, newsreel())
	}
	var known []witness.Item
	for _, it := range media {
		known = append(known, it.known())
	}
	film := e.merged()
	sum := film.Summarise(0, known)
	r.begin = sum.FirstContent
	r.Samples, r.Blind, r.Black, r.Changes = sum.Samples, sum.Blind, sum.Black, len(sum.Changes)
	r.Longest, r.Median, r.Hole = ms(longest(film, sum)), ms(sum.Median), ms(sum.Hole)
	r.FramesShown, r.FramesDue, r.Feed = sum.FramesShown, sum.FramesDue, s.news.Asked.Load()
	for _, it := range media {
		r.Items = append(r.Items, Item{it.ID, it.Name, it.words.title, sum.Seen[it.ID]})
	}
	for _, run := range sum.Runs {
		r.Shown = append(r.Shown, Shown{run.Item, (run.First - sum.FirstContent).Seconds(), (run.Last - sum.FirstContent).Seconds(), run.Distinct})
	}
	if n := len(film.Samples); n > 0 && sum.FirstContent >= 0 {
		r.Seconds = (film.Samples[n-1].At - sum.FirstContent).Seconds()
	}
}

// longest is how late the latest change came. What the witness did not see because it was late itself does not count: the
// next item may have been there since its last look but one.
func longest(film *witness.Film, sum witness.Summary) time.Duration {
	worst := time.Duration(0)
	for _, c := range sum.Changes {
		i, _ := slices.BinarySearchFunc(film.Samples, c.At, func(s witness.Sample, at time.Duration) int { return int(s.At - at) })
		late := c.Late
		if i > 0 && i < len(film.Samples) {
			late -= max(0, film.Samples[i].At-film.Samples[i-1].At-film.Period)
		}
		worst = max(worst, late)
	}
	return worst
}

// faults are the promises that were not kept, as sentences.
func (r *Report) faults(o options) []string {
	var f []string
	for _, it := range r.Items {
		if it.Seen == 0 && !o.drills { // drills cut the loop short
			f = append(f, fmt.Sprintf("%s (%s) was never on the screen", it.Title, it.File))
		}
	}
	for _, w := range r.Widgets {
		if !w.OK {
			f = append(f, fmt.Sprintf("the %s shows nothing, or stands still (%.1f %% ink, moves: %v)", w.Name, 100*w.Ink, w.Moves))
		}
	}
	if r.Feed == 0 {
		f = append(f, "the news feed was never fetched")
	}
	if r.Black > 0 {
		f = append(f, fmt.Sprintf("%d black frames after the first content", r.Black))
	}
	if r.Drills == nil && r.Longest > longestChange {
		f = append(f, fmt.Sprintf("a change took %.0f ms, more than %.0f", r.Longest, longestChange))
	}
	if r.Race.Ratio > mostSlower {
		f = append(f, fmt.Sprintf("the first frame takes %.2f times as long as mpv's, more than %.1f", r.Race.Ratio, mostSlower))
	}
	for _, d := range r.Drills {
		if !d.OK {
			f = append(f, fmt.Sprintf("%s: %s", d.Name, d.Said))
		}
	}
	return f
}

// verdict prints the figures; it is an error when a promise was not kept. Without a time to stop at nothing is promised.
func (r *Report) verdict(o options) error {
	fmt.Printf("%.0f s of content at 60 looks a second (%d of %d late); %d changes, longest %.0f ms, median %.0f ms; black frames: %d\n",
		r.Seconds, r.Blind, r.Samples, r.Changes, r.Longest, r.Median, r.Black)
	fmt.Printf("video frames shown: %d of %d; first frame: vitrine-render %.0f ms, mpv %.0f ms, ratio %.2f\n",
		r.FramesShown, r.FramesDue, median(r.Race.Ours), median(r.Race.MPV), r.Race.Ratio)
	for _, it := range r.Items {
		fmt.Printf("  seen %2d times  %-10s %s\n", it.Seen, it.File, it.Title)
	}
	for _, w := range r.Widgets {
		fmt.Printf("  %-8s %.1f %% ink, moves: %v\n", w.Name, 100*w.Ink, w.Moves)
	}
	fmt.Printf("report: %s, %s\n", filepath.Join(o.out, "demo.json"), filepath.Join(o.out, "contact-sheet.png"))
	faults := r.faults(o)
	if len(faults) == 0 || o.seconds == 0 && !o.drills {
		return nil
	}
	return fmt.Errorf("not as promised:\n  %s", strings.Join(faults, "\n  "))
}

// write writes demo.json and the contact sheet.
func (r *Report) write(o options, a artist, e *eye) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.out, "demo.json"), append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	sheet, err := a.sheet(r, e.merged().Stills)
	if err != nil {
		return err
	}
	return write(filepath.Join(o.out, "contact-sheet.png"), sheet)
}

// sheet lays out one picture of each item as it was on the screen.
func (a artist) sheet(r *Report, stills []witness.Still) (*image.RGBA, error) {
	const columns, gap, head, foot, wide = 3, 36, 150, 84, 640
	stills = slices.Clone(stills)
	slices.SortFunc(stills, func(x, y witness.Still) int { return x.Item - y.Item })
	high := wide * 9 / 16
	for _, s := range stills {
		high = max(high, s.Image.Rect.Dy())
	}
	rows := max(1, (len(stills)+columns-1)/columns)
	m := image.NewRGBA(image.Rect(0, 0, gap+columns*(wide+gap), head+rows*(high+foot)))
	draw.Draw(m, m.Rect, image.NewUniform(color.RGBA{R: 0x0c, G: 0x13, B: 0x22, A: 0xff}), image.Point{}, draw.Src)
	line := fmt.Sprintf("%.0f s at 60 Hz · %d changes, longest %.0f ms · %d black frames · first frame %.0f ms (mpv %.0f ms)",
		r.Seconds, r.Changes, r.Longest, r.Black, median(r.Race.Ours), median(r.Race.MPV))
	err := a.lines(m,
		caption{image.Rect(gap, 28, m.Rect.Dx()-gap, 88), "Seen on the screen", scene.Style{Size: 46, Weight: 700, Color: "#ffffff"}},
		caption{image.Rect(gap, 88, m.Rect.Dx()-gap, 132), line, scene.Style{Size: 26, Color: "#ffb35c"}})
	for i, s := range stills {
		at := image.Pt(gap+i%columns*(wide+gap), head+i/columns*(high+foot))
		paint.Rounded(s.Image, 14)
		draw.Draw(m, s.Image.Rect.Add(at), s.Image, image.Point{}, draw.Over)
		under := image.Rect(at.X, at.Y+high+8, at.X+wide, at.Y+high+52)
		err = errors.Join(err, a.lines(m, caption{under, r.name(s.Item), scene.Style{Size: 26, Weight: 700, Color: "#ffffff"}},
			caption{under, fmt.Sprintf("%.1f s", (s.At - r.begin).Seconds()), scene.Style{Size: 26, Color: "#ffffff99", Align: "end"}}))
	}
	return m, err
}

// caption is a text and its place.
type caption struct {
	at    image.Rectangle
	text  string
	style scene.Style
}

func (a artist) lines(m *image.RGBA, all ...caption) error {
	for _, c := range all {
		if err := a.text(m, c.at, c.text, c.style); err != nil {
			return err
		}
	}
	return nil
}

// name is an item's title and file.
func (r *Report) name(id int) string {
	for _, it := range r.Items {
		if it.ID == id {
			return it.Title + "  " + it.File
		}
	}
	return fmt.Sprint("item ", id)
}
