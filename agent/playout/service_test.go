package playout_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/playout"
	"vitrine/agent/schedule"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

func TestTheServicePageComesByKeyAndGoesByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		var asked atomic.Value
		var err error
		p.Playout, err = playout.New(playout.Config{Store: p.store, Clock: wall{}, Screen: p.screen, Lang: "fr", ServiceKeys: []string{"F12"},
			Service: func(lang string) scene.Card {
				asked.Store(lang)
				return scene.Card{Facts: [][2]string{{"Heure", time.Now().Format(time.TimeOnly)}}}
			}})
		if err != nil {
			t.Fatal(err)
		}
		p.run()
		p.publish(bundle.Manifest{Scenes: map[string]scene.Scene{"a": say("a", time.Hour)}, Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"a"}}}})
		key := func(name string) {
			p.tell(pipe.Report{Ev: pipe.EvInput, Input: &pipe.Input{Key: name}})
			synctest.Wait()
		}
		shown := func(want int, when string) {
			t.Helper()
			if p.above() != want {
				t.Errorf("%s there are %d overlays, want %d", when, p.above(), want)
			}
		}
		key("F11")
		shown(0, "after another key")
		key("F12")
		shown(1, "after the key")
		if asked.Load() != "fr" {
			t.Errorf("it was asked for in %q", asked.Load())
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		shown(1, "after 59 s")
		time.Sleep(time.Second)
		synctest.Wait()
		shown(0, "after a minute")
		key("F12")
		key("F12")
		shown(0, "after the key again")
		p.ShowService(5 * time.Minute)
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		shown(1, "for as long as somebody has said")
		p.ShowService(-1)
		synctest.Wait()
		shown(0, "when somebody has sent it away")
		p.publish(bundle.Manifest{Seq: 2, Scenes: map[string]scene.Scene{"a": say("a", time.Hour)}, Schedule: schedule.Schedule{
			Defaults: schedule.Defaults{Fleet: []string{"a"}}, WorkingHours: &schedule.WorkingHours{Windows: windows("08:00", "08:00:01")}}})
		dark := func(want bool, when string) {
			t.Helper()
			if p.screen.isDark() != want {
				t.Errorf("%s the screen is dark: %v", when, p.screen.isDark())
			}
		}
		dark(true, "outside of the working hours")
		key("F12")
		dark(false, "when the page is called")
		shown(1, "outside of the working hours")
		time.Sleep(time.Minute)
		synctest.Wait()
		dark(true, "when the page has gone")
	})
}
