package layout_test

import (
	"image"
	"syscall"
	"testing"
	"time"

	"vitrine/render/output"
	"vitrine/render/output/layout"
)

// BenchmarkAWholeFrame is what a 1080p frame costs that is in motion all over, above drawing it.
func BenchmarkAWholeFrame(b *testing.B) {
	size := image.Pt(1920, 1080)
	for name, c := range map[string]struct {
		spec    layout.Spec
		picture output.Picture
	}{
		"as it is":            {},
		"corrected":           {picture: output.Picture{Brightness: 5}},
		"right":               {spec: layout.Spec{Rotate: 90}},
		"upside down":         {spec: layout.Spec{Rotate: 180}},
		"right and corrected": {spec: layout.Spec{Rotate: 90}, picture: output.Picture{Brightness: 5}},
		"from 720p":           {spec: layout.Spec{Canvas: layout.Pair{X: 1280, Y: 720}}},
		"from 2160p":          {spec: layout.Spec{Canvas: layout.Pair{X: 3840, Y: 2160}}},
	} {
		b.Run(name, func(b *testing.B) {
			m, err := output.NewMemory(size)
			if err != nil {
				b.Fatal(err)
			}
			p, err := c.spec.Plan(size, nil)
			if err != nil {
				b.Fatal(err)
			}
			s := layout.New(m, p)
			if err := s.Correct(c.picture); err != nil {
				b.Fatal(err)
			}
			begin := spent(b)
			for b.Loop() {
				s.Present([]image.Rectangle{s.Frame().Bounds()})
				<-s.Done()
			}
			b.ReportMetric(float64((spent(b)-begin).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// spent is the processor time of this process: that of a busy machine's clock says little.
func spent(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
