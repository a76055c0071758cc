package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/cloud"
)

func TestPlaysThatWerePutAwayAndThoseThatStayedAreBothVerified(t *testing.T) {
	alone(t)
	dir, token := t.TempDir(), filepath.Join(t.TempDir(), "token")
	var at atomic.Pointer[time.Time]
	now := func() time.Time {
		if t := at.Load(); t != nil {
			return *t
		}
		return time.Now()
	}
	r, err := cloud.New(cloud.Config{Data: dir, Listen: "127.0.0.1:0", Reserve: 1 << 20, Plays: time.Hour, Now: now, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	secret, err := r.Token()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(token, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	id, _ := prove(t, r, secret)
	with := func(args ...string) []string {
		return append(append([]string{"plays"}, args...), "--relay", "https://"+r.Addr().String(), "--pin", r.Authority().Pin(), "--token-file", token)
	}
	tidy := func(clock string) {
		t.Helper()
		then, err := time.Parse(time.RFC3339, clock)
		if err != nil {
			t.Fatal(err)
		}
		at.Store(&then)
		defer at.Store(nil)
		if err := r.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tidy("2027-01-04T01:13:00Z") // an hour after 00:13: records 1 to 11 are old, and 10 is the last that is signed
	first := filepath.Join(dir, "plays", id+"-1-10.jsonl")
	v := answer[verdict](t, right(t, "plays", "verify", first, "--json"))
	if !v.Whole || v.Plays != 10 || v.Chains[0].Vouched != 10 {
		t.Errorf("the first file: %+v", v)
	}
	v = answer[verdict](t, right(t, with("verify", "--player", id, "--json")...))
	if !v.Whole || v.Plays != 10 || v.Chains[0].First != 11 || !strings.Contains(strings.Join(v.Notes, " "), "up to 10") {
		t.Errorf("what stays: %+v, %+v", v, v.Chains[0])
	}
	tidy("2027-01-04T01:17:30Z")
	second := filepath.Join(dir, "plays", id+"-11-15.jsonl")
	right(t, "plays", "verify", second)
	right(t, with("verify", "--player", id)...)
	edit(t, filepath.Dir(second), filepath.Base(second), "scene12", "scene21")
	refuses(t, exitRefused, "", "plays", "verify", second)
}
