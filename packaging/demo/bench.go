package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"text/tabwriter"
	"time"

	"vitrine/agent/schedule"
	"vitrine/render/witness"
)

// Figure is one line of the bench's table.
type Figure struct {
	What, Ours, Other, Ratio string
}

// bench measures, each figure beside what a person would use instead in the same run: absolute times mean nothing on a
// shared machine.
func bench(ctx context.Context, s *stage, o options) error {
	defer s.close()
	if err := s.raise(ctx); err != nil {
		return err
	}
	figures := []Figure{at()}
	for _, measure := range []func(context.Context) ([]Figure, error){years, s.data, s.gibibyte, s.firstFrames, s.playing, s.ticker} {
		f, err := measure(ctx)
		if err != nil {
			return err
		}
		figures = append(figures, f...)
	}
	figures = append(figures, after(filepath.Join(o.out, "demo.json"))...)
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "WHAT\tVITRINE\tINSTEAD\tRATIO")
	for _, f := range figures {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", f.What, f.Ours, f.Other, f.Ratio)
	}
	return w.Flush()
}

// at asks a schedule of 1,000 events, each with days, two windows, dates and a target, what is on.
func at() Figure {
	s := schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"welcome"}}}
	for i := range 1000 {
		s.Events = append(s.Events, schedule.Event{
			ID: fmt.Sprintf("event-%d", i), Items: []string{fmt.Sprintf("scene-%d", i)}, Priority: i % 10,
			Days: []int{1 + i%7, 1 + (i+2)%7}, StartDate: "2026-01-01", EndDate: "2030-12-31",
			Windows: []schedule.Window{{fmt.Sprintf("%02d:15", i%24), fmt.Sprintf("%02d:45", (i+3)%24)}, {"12:00", "12:30"}},
			Target:  &schedule.Target{Groups: []string{fmt.Sprintf("group-%d", i%5)}},
		})
	}
	plan, _ := schedule.Compile(&s)
	player := schedule.Player{ID: "p", Groups: []string{"group-1", "group-3"}, Zone: "Europe/Paris"}
	now := time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)
	r := testing.Benchmark(func(b *testing.B) {
		for i := range b.N {
			plan.At(player, schedule.State{}, now.Add(time.Duration(i%86400)*time.Second))
		}
	})
	return Figure{"schedule.At, 1,000 events", fmt.Sprintf("%.1f µs, %d allocations", float64(r.NsPerOp())/1e3, r.AllocsPerOp()), "–", "–"}
}

// gibibyte builds, verifies and imports a bundle of 1 GiB, beside sha256sum of the same bytes.
func (s *stage) gibibyte(ctx context.Context) ([]Figure, error) {
	if err := files(s.path("large"), map[string]string{"media/.keep": "", "bundle.yaml": "id: large\nzone: Europe/Paris\ncanvas: {width: 1920, height: 1080}\n" +
		"scenes:\n  one: {media: media/large.mp4}\ndefaults: {fleet: [one]}\nfallback: [one]\n"}); err != nil {
		return nil, err
	}
	film, out := s.path("large", "media", "large.mp4"), s.path("large.vitrine")
	if err := (witness.Clip{Item: 1, Size: image.Pt(320, 180), Rate: 25, Frames: 25}).Make(ctx, film); err != nil {
		return nil, err
	}
	if err := pad(film, 1<<30); err != nil {
		return nil, err
	}
	if _, err := s.vitrine(ctx, "key", "new", "--dir", s.path("keys"), "--customer", "bench"); err != nil {
		return nil, err
	}
	sum := func(path string) (time.Duration, error) {
		begin := time.Now()
		err := exec.CommandContext(ctx, "sha256sum", path).Run()
		return time.Since(begin), err
	}
	if _, err := sum(film); err != nil { // into the page cache, for both
		return nil, fmt.Errorf("sha256sum: %w", err)
	}
	before, err := sum(film)
	if err != nil {
		return nil, fmt.Errorf("sha256sum: %w", err)
	}
	begin := time.Now()
	if _, err := s.vitrine(ctx, "build", s.path("large"), "--keys", s.path("keys"), "-o", out); err != nil {
		return nil, err
	}
	built := time.Since(begin)
	begin = time.Now()
	if _, err := s.vitrine(ctx, "inspect", out); err != nil {
		return nil, err
	}
	verified := time.Since(begin)
	again, err := sum(film) // before and after: a busy moment counts for both sides
	if err != nil {
		return nil, fmt.Errorf("sha256sum: %w", err)
	}
	other := (before + again) / 2
	beside := func(what string, d time.Duration) Figure {
		return Figure{what, fmt.Sprintf("%.2f s", d.Seconds()), fmt.Sprintf("sha256sum %.2f s", other.Seconds()), fmt.Sprintf("%.2f", d.Seconds()/other.Seconds())}
	}
	carried, err := s.imported(ctx, out, film)
	return []Figure{beside("build 1 GiB: hash, copy, sync", built), beside("verify 1 GiB", verified), carried}, err
}

// pad makes an MP4 larger, by a box that players skip (ISO/IEC 14496-12, "free") full of random bytes.
func pad(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	head := append(binary.BigEndian.AppendUint32(nil, uint32(size)), "free"...)
	_, err = f.Write(head)
	if err == nil {
		_, err = io.CopyN(f, rand.Reader, size-int64(len(head)))
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// firstFrames races against mpv.
func (s *stage) firstFrames(ctx context.Context) ([]Figure, error) {
	r, err := race(ctx, s.screen, s.display, filepath.Join(s.bin, "vitrine-render"), s.dir)
	if err != nil {
		return nil, err
	}
	return []Figure{{"first frame of a 720p30 H.264 clip", fmt.Sprintf("%.0f ms", median(r.Ours)), fmt.Sprintf("mpv %.0f ms", median(r.MPV)), fmt.Sprintf("%.2f", r.Ratio)}}, nil
}

// after reads what the programs held at the end of the last demo.
func after(path string) []Figure {
	b, err := os.ReadFile(path)
	var r Report
	if err != nil || json.Unmarshal(b, &r) != nil {
		return []Figure{{"memory after the demo", "run make demo SECONDS=60 first", "–", "–"}}
	}
	var out []Figure
	for _, name := range []string{"vitrine-player", "vitrine-render", "vitrine-relay"} {
		out = append(out, Figure{fmt.Sprintf("%s after %.0f s of demo", name, r.Seconds), mebi(r.Memory[name]), "–", "–"})
	}
	return out
}

func mebi(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
