package playout_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/schedule"
	"vitrine/render/scene"
)

func percent(v int) *int { return &v }

func TestSoundFollowsEventsNightsAndPeople(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		p.run()
		p.publish(bundle.Manifest{Zone: "UTC",
			Scenes: map[string]scene.Scene{"a": say("a", 10*time.Minute), "b": say("b", 7*time.Minute)},
			Schedule: schedule.Schedule{
				Defaults: schedule.Defaults{Fleet: []string{"a"}},
				Audio:    &schedule.Audio{Volume: percent(80), Limits: []schedule.Limit{{Windows: windows("22:00", "07:00"), Max: 20}}},
				Events:   []schedule.Event{{ID: "band", Kind: "main", Items: []string{"b"}, Windows: windows("12:00", "13:00"), Volume: percent(90)}},
			}})
		heard := func(clock string, want ...string) {
			t.Helper()
			p.at(clock)
			p.mu.Lock()
			got := p.loud
			p.loud = nil
			p.mu.Unlock()
			if !slices.Equal(got, want) {
				t.Errorf("until %s the volume became %v, want %v", clock, got, want)
			}
		}
		heard("00:01:00", "20@00:00:00")
		heard("08:00:00", "80@07:00:00")
		heard("12:30:00", "90@12:00:00")
		heard("14:00:00", "80@13:03:00") // the item plays to its end
		if err := p.SetOwnVolume(50); err != nil {
			t.Fatal(err)
		}
		heard("14:01:00", "40@14:00:00")
		p.SetVolume(30) // an action
		heard("21:00:00", "30@14:01:00")
		heard("23:00:00", "20@22:00:00")
		p.SetVolume(100)
		if own, now := p.Volume(); own != 50 || now != 20 {
			t.Errorf("the volume is %d, %d", own, now)
		}
	})
}
