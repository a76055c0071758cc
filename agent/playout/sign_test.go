package playout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/playout"
	"vitrine/agent/schedule"
	"vitrine/render/scene"
)

func TestASignStandsAboveWhatPlaysForItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		p.run()
		p.publish(bundle.Manifest{Scenes: map[string]scene.Scene{"a": say("a", time.Hour)}, Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"a"}}}})
		shown := func(want int, when string) {
			t.Helper()
			synctest.Wait()
			if p.above() != want {
				t.Errorf("%s there are %d overlays, want %d", when, p.above(), want)
			}
		}
		p.ShowSign(playout.Sign{Title: "USB : import 1 %", Text: "Ne retirez pas la clé", Share: 0.01}, time.Minute)
		shown(1, "after it came")
		p.ShowSign(playout.Sign{Title: "USB : import 2 %", Text: "Ne retirez pas la clé", Share: 0.02}, time.Minute)
		shown(1, "after it changed")
		time.Sleep(59 * time.Second)
		shown(1, "after 59 s")
		time.Sleep(2 * time.Second)
		shown(0, "after its time")
		p.ShowSign(playout.Sign{Title: "again", Share: -1}, time.Minute)
		shown(1, "after another")
		p.ShowSign(playout.Sign{}, 0)
		shown(0, "after it was taken away")
	})
}
