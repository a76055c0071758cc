package playout_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"vitrine/agent/playout"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

func TestTheCardIsDrawnForTheScreenThatComesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		p.run()
		want := scene.Size{Width: 720, Height: 1280}
		p.tell(pipe.Report{Ev: pipe.EvReady, Output: "memory", Size: want})
		synctest.Wait()
		p.SetCard(scene.Card{Name: "Hall"})
		synctest.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		at := p.on.Scene.Zones[0].At
		if p.on.Canvas != want || at[2] != want.Width || at[3] != want.Height {
			t.Errorf("the card is drawn at %v on %v; the screen is %v", at, p.on.Canvas, want)
		}
	})
}

func TestARendererThatIsDownIsSaidAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		var log bytes.Buffer
		told := 0
		var err error
		p.Playout, err = playout.New(playout.Config{Store: p.store, Clock: wall{}, Screen: p.screen, Changed: func() { told++ },
			Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		p.run()
		step := func(r pipe.Report, output, fault string) {
			t.Helper()
			before := told
			p.tell(r)
			synctest.Wait()
			if s := p.Status(); s.Output != output || s.Fault != fault {
				t.Errorf("after %+v the output is %q, the fault %q", r, s.Output, s.Fault)
			}
			if moved := told > before; moved != (r.Ev == pipe.EvReady || r.Reason != "") {
				t.Errorf("after %+v it was told: %v", r, moved)
			}
		}
		step(pipe.Report{Ev: pipe.EvReady, Output: "memory"}, "memory", "")
		step(pipe.Report{Ev: pipe.EvFailed, Error: "the time zone is not known"}, "memory", "")
		step(pipe.Report{Ev: pipe.EvFailed, ID: 999, Error: "of a showing that is over"}, "memory", "")
		step(pipe.Report{Ev: pipe.EvFailed, Reason: pipe.ReasonGone, Error: "killed"}, "", "killed")
		step(pipe.Report{Ev: pipe.EvReady, Output: "memory"}, "memory", "")
		if strings.Contains(log.String(), "killed") {
			t.Errorf("what the pipe has logged is logged again:\n%s", log.String())
		}
	})
}
