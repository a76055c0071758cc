package playout_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/playout"
	"vitrine/agent/schedule"
	"vitrine/agent/siren"
)

// warns is a CAP message of the bubble's first minutes.
func warns(id, kind, references, headline string, expires string) string {
	return fmt.Sprintf(`<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>%s</identifier><sender>mairie@example.org</sender>
<sent>2000-01-01T00:00:00+00:00</sent><status>Actual</status><msgType>%s</msgType><scope>Public</scope>%s
<info><language>en</language><category>Fire</category><event>Fire</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Observed</certainty>
<expires>2000-01-01T%s+00:00</expires><headline>%s</headline><area><areaDesc>here</areaDesc></area></info></alert>`, id, kind, references, expires, headline)
}

// warned is a player with a folder of alerts; drop puts a file there as people do: written beside, then renamed.
func warned(t *testing.T) (p *player, drop func(name, text string)) {
	p = start(t)
	dir := t.TempDir()
	s, err := siren.New(siren.Config{Folder: dir, Keep: p.store, Check: p.hear})
	if err != nil {
		t.Fatal(err)
	}
	p.siren = s
	p.Playout, err = playout.New(playout.Config{Store: p.store, Clock: wall{}, Screen: p.screen, Feeds: p.feeds, Warnings: s})
	if err != nil {
		t.Fatal(err)
	}
	return p, func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "."+name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "."+name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *player) hear(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.word = err
}

// check is the siren's last word.
func (p *player) check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.word
}

// words are all texts that are on.
func (s *screen) words() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	if s.on != nil {
		for _, z := range s.on.Scene.Zones {
			if z.Text != nil {
				all = append(all, z.Text.Text)
			}
		}
	}
	return strings.Join(all, "|")
}

func TestAlerts(t *testing.T) {
	cases := []struct {
		name string
		play func(t *testing.T, p *player, drop func(name, text string))
	}{
		{"an alert is on within a second, and leaves when it expires", func(t *testing.T, p *player, drop func(string, string)) {
			p.publish(programme([]string{"long"}))
			p.run()
			p.at("00:01:00")
			drop("a.xml", warns("1", "Alert", "", "Leave the hall", "00:05:00"))
			p.at("00:01:01")
			if w := p.words(); !strings.Contains(w, "Leave the hall") {
				t.Fatalf("a second later was on: %s", w)
			}
			if l := p.Status().Showing.Layer; l != "emergency" {
				t.Errorf("the layer is %s", l)
			}
			p.at("00:04:59")
			if w := p.words(); !strings.Contains(w, "Leave the hall") {
				t.Errorf("before its end was on: %s", w)
			}
			p.at("00:05:01")
			if w := p.words(); w != "LONG" {
				t.Errorf("afterwards was on: %s", w)
			}
		}},
		{"an alert shows without a bundle, and gives the card back when it is cancelled", func(t *testing.T, p *player, drop func(string, string)) {
			p.run()
			p.at("00:00:10")
			drop("a.xml", warns("1", "Alert", "", "Leave the hall", "23:00:00"))
			p.at("00:00:11")
			if w := p.words(); !strings.Contains(w, "Leave the hall") {
				t.Fatalf("on was: %s", w)
			}
			drop("b.xml", warns("2", "Cancel", "<references>mairie@example.org,1,2000-01-01T00:00:00+00:00</references>", "All is well", "23:00:00"))
			p.at("00:00:12")
			if got := p.seen(); !strings.HasPrefix(got[len(got)-1], "card@") {
				t.Errorf("after the cancel: %q", got)
			}
			if len(p.proofs()) == 0 {
				t.Error("nothing proves that the alert was shown")
			}
		}},
		{"an alert wakes a screen that is off", func(t *testing.T, p *player, drop func(string, string)) {
			m := programme([]string{"a"})
			m.Schedule.WorkingHours = &schedule.WorkingHours{Windows: windows("08:00", "09:00")}
			p.publish(m)
			p.run()
			p.at("00:01:00")
			drop("a.xml", warns("1", "Alert", "", "Leave the hall", "00:03:00"))
			p.at("00:01:01")
			if w := p.words(); p.isDark() || !strings.Contains(w, "Leave the hall") {
				t.Errorf("dark %v, on: %s", p.isDark(), w)
			}
			p.at("00:03:01")
			if !p.isDark() {
				t.Error("the screen stays on")
			}
		}},
		{"an alert outlives a restart", func(t *testing.T, p *player, drop func(string, string)) {
			drop("a.xml", warns("1", "Alert", "", "Leave the hall", "00:05:00"))
			p.run()
			p.at("00:00:02")
			s, err := siren.New(siren.Config{Folder: filepath.Join(t.TempDir(), "gone"), Keep: p.store})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(s.Active("en", time.Now())); n != 1 {
				t.Errorf("%d alerts are remembered", n)
			}
		}},
		{"a file that is no message is told, and right again when it is mended", func(t *testing.T, p *player, drop func(string, string)) {
			drop("a.xml", "<alert>")
			p.run()
			p.at("00:00:01")
			if p.check() == nil || !strings.Contains(p.check().Error(), "a.xml") {
				t.Errorf("the check says %v", p.check())
			}
			drop("a.xml", warns("1", "Alert", "", "Leave the hall", "00:05:00"))
			p.at("00:00:02")
			if w := p.words(); p.check() != nil || !strings.Contains(w, "Leave the hall") {
				t.Errorf("the check says %v, on was: %s", p.check(), w)
			}
		}},
		{"the player's own words follow the language of its bundle", func(t *testing.T, p *player, drop func(string, string)) {
			drop("a.xml", strings.Replace(warns("1", "Alert", "", "Leave the hall", "00:05:00"), "<language>en", "<language>de", 1))
			p.run()
			p.at("00:00:01")
			english := p.words()
			p.publish(bundle.Manifest{Locale: "fr", Scenes: programme(nil).Scenes})
			p.at("00:00:02")
			if french := p.words(); french == english || !strings.Contains(french, "Leave the hall") {
				t.Errorf("the words were\n\t%s\nand became\n\t%s", english, french)
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, drop := warned(t)
				c.play(t, p, drop)
			})
		})
	}
}
