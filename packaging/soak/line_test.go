package main

import (
	"bytes"
	"encoding/xml"
	"io"
	"math"
	"math/rand/v2"
	"testing"
)

// series are samples that grow by so many MiB a change, under the noise of what is on.
func series(growth float64) (all []sample) {
	r := rand.New(rand.NewPCG(1, 2))
	scenes := []string{"video", "table", "still"}
	for i := range 600 {
		n := r.IntN(len(scenes))
		all = append(all, sample{Changes: int64(i * 3), Scene: scenes[n], Renderer: 100 + 40*float64(n) + growth*float64(i*3) + 3*r.NormFloat64()})
	}
	return all
}

func TestALineFindsWhatAWeekWouldAdd(t *testing.T) {
	of := func(p sample) float64 { return p.Renderer }
	level := fit("level", series(0), of)
	if level.low() > tolerance || math.Abs(level.slope) > 2*level.doubt {
		t.Errorf("memory that is level: %v", level)
	}
	leak := fit("leak", series(0.01), of)
	if math.Abs(leak.slope-0.01) > 2*leak.doubt || leak.low() < tolerance {
		t.Errorf("10 KiB that are lost with each change: %v", leak)
	}
	if none := fit("none", series(0)[:2], of); none.low() > 0 {
		t.Errorf("two samples are enough for %v", none)
	}
	svg := xml.NewDecoder(bytes.NewReader(plot(series(0.01), []line{leak, leak})))
	for {
		if _, err := svg.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
