package cloud_test

import (
	"bytes"
	"errors"
	"image/color"
	"strings"
	"testing"
	"time"

	"vitrine/cloud/api"
)

func TestAScreenshotIsAskedForSentAndShown(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	d := g.claimed(t, "Lobby")
	if _, _, err := g.admin.Screenshot(t.Context(), d.id); !api.IsNotFound(err) {
		t.Fatal(err)
	}
	waiting := make(chan *api.Desired, 1)
	go func() {
		got, err := d.Heartbeat(t.Context(), d.id, beat(1, 1, nil), 50*time.Second)
		if err != nil {
			t.Error(err)
		}
		waiting <- got
	}()
	if err := g.admin.AskScreenshot(t.Context(), d.id); err != nil {
		t.Fatal(err)
	}
	if got := <-waiting; got == nil || !got.Screenshot {
		t.Fatalf("%+v", got)
	}
	if err := d.SendScreenshot(t.Context(), d.id, []byte("<script>"), time.Now()); !contains(err, "not a JPEG") {
		t.Fatal(err)
	}
	picture := jpegOf(t, color.White)
	if err := d.SendScreenshot(t.Context(), d.id, picture, time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	if got, taken, err := g.admin.Screenshot(t.Context(), d.id); err != nil || !bytes.Equal(got, picture) || taken.Year() != 1971 {
		t.Fatal(len(got), taken, err)
	}
	if got, err := d.Heartbeat(t.Context(), d.id, beat(2, 1, nil), 0); err != nil || got != nil {
		t.Fatalf("the wish was met, and is there still: %+v, %v", got, err)
	}
}

func TestPlaysAreKeptOnceAndForGood(t *testing.T) {
	dir := t.TempDir()
	g := start(t, dir, nil)
	d := g.claimed(t, "Lobby")
	run := func(from, to uint64) api.Proofs {
		p := api.Proofs{Boot: "b1"}
		for n := from; n <= to; n++ {
			p.Plays = append(p.Plays, api.Proof{N: n, Scene: "welcome", Layer: "default", Reason: "eof"})
		}
		return p
	}
	for _, p := range []api.Proofs{run(1, 250), run(200, 300)} {
		if taken, err := d.SendProofs(t.Context(), d.id, p); err != nil || taken.N != p.Plays[len(p.Plays)-1].N || taken.Boot != "b1" {
			t.Fatal(taken, err)
		}
	}
	forged := run(7, 7)
	forged.Plays[0].Scene = "another"
	long := run(301, 302)
	long.Plays[0].Scene = strings.Repeat("x", 10_000)
	for _, p := range []api.Proofs{forged, long} {
		if _, err := d.SendProofs(t.Context(), d.id, p); err != nil {
			t.Fatal("one bad play holds up the others:", err)
		}
	}
	g.stop() // what was acknowledged outlives the relay
	again := start(t, dir, nil)
	again.admin.Token = api.Fixed(g.token)
	var got []api.Play
	for cursor := ""; ; {
		page, err := again.admin.Plays(t.Context(), d.id, cursor)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.Items...)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(got) != 301 || got[6].Scene != "welcome" || got[300].N != 302 {
		t.Fatalf("%d plays, the seventh is %+v, the last is %+v", len(got), got[6], got[len(got)-1])
	}
}

func TestAPlayerThatKnowsMoreIsToldNothingOlderAndRaisesAnAlarm(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	d, fresh := g.claimed(t, "Lobby"), g.claimed(t, "New")
	to := g.push(t, "lobby", 5, "five")
	if err := g.admin.SetChannel(t.Context(), api.Channel{Group: "*", Stream: "lobby"}); err != nil {
		t.Fatal(err)
	}
	seen := to
	seen.Seq, seen.Manifest = 8, strings.Repeat("b", 64)
	if got, err := d.Heartbeat(t.Context(), d.id, beat(1, 1, &seen), 0); err != nil || got != nil {
		t.Fatalf("a player at 8 was told %+v, %v", got, err)
	}
	p, err := g.admin.Player(t.Context(), d.id)
	if err != nil || len(p.Alarms) != 1 || !strings.Contains(p.Alarms[0], "restored from an old backup") {
		t.Fatalf("%+v, %v", p.Alarms, err)
	}
	// One player's word, which may be a lie, takes nothing from the others.
	if got, err := fresh.Heartbeat(t.Context(), fresh.id, beat(1, 1, nil), 10*time.Second); err != nil || got == nil || got.Bundle == nil {
		t.Fatalf("%+v, %v", got, err)
	}
	root := beat(2, 1, nil)
	root.Root = 3
	if got, err := d.Heartbeat(t.Context(), d.id, root, 0); err != nil || got != nil {
		t.Fatalf("a player with root 3 was told %+v, %v", got, err)
	}
	next := g.push(t, "lobby", 9, "nine")
	if got, err := d.Heartbeat(t.Context(), d.id, beat(3, 1, &seen), 10*time.Second); err != nil || got == nil || *got.Bundle != next {
		t.Fatalf("%+v, %v", got, err)
	}
	if p, err = g.admin.Player(t.Context(), d.id); err != nil || len(p.Alarms) != 0 {
		t.Fatalf("the relay knows more again, and the alarm is there still: %+v, %v", p.Alarms, err)
	}
}

func TestSettingsReachTheWaitingPlayer(t *testing.T) {
	g := start(t, t.TempDir(), nil)
	d := g.claimed(t, "Lobby")
	waiting := make(chan *api.Desired, 1)
	go func() {
		got, err := d.Heartbeat(t.Context(), d.id, beat(1, 1, nil), 50*time.Second)
		if err != nil {
			t.Error(err)
		}
		waiting <- got
	}()
	name, groups := "Hall", []string{"hall"}
	p, err := g.admin.ChangePlayer(t.Context(), d.id, 1, api.Changes{Name: &name, Groups: &groups})
	if err != nil || p.Rev != 2 {
		t.Fatal(p, err)
	}
	if got := <-waiting; got == nil || got.Settings == nil || got.Settings.Name != "Hall" || got.Settings.Rev != 2 {
		t.Fatalf("%+v", got)
	}
	_, err = g.admin.ChangePlayer(t.Context(), d.id, 1, api.Changes{Name: &name})
	if p := (*api.Problem)(nil); !errors.As(err, &p) || p.Status != 412 {
		t.Fatal("an old revision was changed:", err)
	}
	for _, bad := range []string{"", " x", "a\nb", strings.Repeat("x", 101), "a\u202eb"} {
		if _, err := g.admin.ChangePlayer(t.Context(), d.id, 0, api.Changes{Name: &bad}); err == nil {
			t.Errorf("the name %q was taken", bad)
		}
	}
}
