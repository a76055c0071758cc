package playout_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/playout"
	"vitrine/agent/schedule"
	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// Restart notes that the renderer was to be started anew; this one goes on.
func (s *screen) Restart(string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.anew = append(s.anew, name(s.on.Scene))
}

// guarded is a player with a ceiling for its renderer, and three items of 10 s: two tickers, a picture that stands still.
func guarded(t *testing.T) *player {
	t.Helper()
	p := start(t)
	var err error
	p.Playout, err = playout.New(playout.Config{Store: p.store, Clock: wall{}, Screen: p.screen, Ceiling: 1000})
	if err != nil {
		t.Fatal(err)
	}
	ticker := func(text string) scene.Scene {
		return scene.Scene{For: scene.Duration(10 * time.Second), Zones: []scene.Zone{{At: scene.Rect{0, 0, 100, 100}, Ticker: &scene.Ticker{Text: text}}}}
	}
	p.run()
	p.publish(bundle.Manifest{Scenes: map[string]scene.Scene{"a": ticker("a"), "b": ticker("b"), "still": say("still", 10*time.Second)},
		Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"a", "b", "still"}}}})
	return p
}

func (p *player) renewed() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.anew)
}

func TestARendererNearItsCeilingIsReplacedWhereNobodySeesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := guarded(t)
		pulse := func(memory int64) {
			p.tell(pipe.Report{Ev: pipe.EvPulse, Memory: memory})
			synctest.Wait()
		}
		p.at("00:00:05")
		pulse(850)
		p.at("00:00:35")
		if r := p.renewed(); len(r) > 0 {
			t.Errorf("below its ceiling it was replaced at %v", r)
		}
		pulse(950) // while "a" is on
		p.at("00:00:45")
		if r := p.renewed(); len(r) > 0 {
			t.Errorf("it was replaced at %v, where a ticker moves", r)
		}
		p.at("00:00:55")
		if r := p.renewed(); !slices.Equal(r, []string{"still"}) || p.Status().Renewed != 1 {
			t.Errorf("it was replaced at %v, want one that stands still", r)
		}
		pulse(990)
		if !p.Status().Overweight {
			t.Error("nobody is told that a new renderer needs as much at once")
		}
		p.at("00:05:00")
		if r := p.renewed(); len(r) != 1 {
			t.Errorf("it is replaced again and again: %v", r)
		}
		p.at("00:11:00")
		pulse(990)
		p.at("00:12:00")
		if r := p.renewed(); len(r) != 2 || p.Status().Overweight {
			t.Errorf("after ten minutes it was replaced at %v", r)
		}
	})
}

func TestWhoEndsTheRendererIsFoundOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := guarded(t)
		gone := func(killed bool) {
			p.tell(pipe.Report{Ev: pipe.EvFailed, Reason: pipe.ReasonGone, Error: "signal: segmentation fault", Killed: killed})
			synctest.Wait()
		}
		for range 10 {
			gone(true)
		}
		if held := p.Status().Quarantined; len(held) > 0 {
			t.Fatalf("for kills of somebody else %v are held back", held)
		}
		for round := range 3 { // each time that "still" is made ready, while "b" is on
			p.at([]string{"00:00:15", "00:00:35", "00:00:55"}[round])
			p.seen()
			gone(false)
		}
		if held := p.Status().Quarantined; len(held) != 1 || held["still"] == "" {
			t.Errorf("held back are %v, want the one that was part of all", held)
		}
	})
}

func TestAnItemIsNotBlamedForTheTimeThatItsRendererWasAway(t *testing.T) {
	for _, killed := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			p := guarded(t)
			p.mu.Lock()
			p.timer.Stop() // what is on does not end
			p.mu.Unlock()
			for range 12 {
				time.Sleep(5 * time.Second)
				if killed {
					p.tell(pipe.Report{Ev: pipe.EvFailed, Reason: pipe.ReasonGone, Error: "killed", Killed: true})
					p.tell(pipe.Report{Ev: pipe.EvReady, Output: "memory"})
				}
				p.tell(pipe.Report{Ev: pipe.EvPulse})
				synctest.Wait()
			}
			if p.seen(); killed == (p.Status().Showing.Scene != "a") {
				t.Errorf("killed %v: after a minute %q is on, failed is %v", killed, p.Status().Showing.Scene, p.Status().Quarantined)
			}
		})
	}
}

func TestNothingStandsStillWhileTheScreenIsAsItShouldBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := guarded(t)
		for range 100 {
			time.Sleep(time.Second)
			p.tell(pipe.Report{Ev: pipe.EvPulse})
			synctest.Wait()
		}
		if still, why := p.Standing(); still > 2*time.Second {
			t.Errorf("it stands still for %v: %s", still, why)
		}
		p.tell(pipe.Report{Ev: pipe.EvFailed, Reason: pipe.ReasonGone, Error: "no display", Killed: true})
		p.mu.Lock()
		p.timer.Stop() // the renderer is gone, and does not come back
		p.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		if still, why := p.Standing(); still < time.Minute || why != "no display" {
			t.Errorf("a renderer that does not come back stands still for %v: %s", still, why)
		}
	})
}

func TestItIsKnownWhetherADisplayIsConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := guarded(t)
		for _, unplugged := range []bool{true, false} {
			p.tell(pipe.Report{Ev: pipe.EvMonitors, Unplugged: unplugged})
			synctest.Wait()
			if p.Status().Unplugged != unplugged {
				t.Errorf("after the renderer has said %v it is %v", unplugged, p.Status().Unplugged)
			}
		}
	})
}
