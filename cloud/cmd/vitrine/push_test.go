package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestWhoeverPushesForTheFirstTimeIsToldThatNoScreenFollows(t *testing.T) {
	dir := lobbyDir(t)
	flags, _ := relay(t)
	file := filepath.Join(t.TempDir(), "my lobby.vitrine")
	right(t, "build", dir, "-o", file)
	args := append([]string{"push", file, "--json"}, flags...)
	o := vitrine(t, "", args...)
	want := "no screen follows lobby yet; this lets every player: vitrine push --to '*' '" + file + "' --json --relay " + flags[1]
	if o.code != exitRight || !strings.Contains(o.errors, want) {
		t.Errorf("exit %d: %s; want %s", o.code, o.errors, want)
	}
	answer[map[string]any](t, o.out)
	if o = vitrine(t, "", append([]string{"push", "--to", "canteen"}, args[1:]...)...); o.code != exitRight || o.errors != "" {
		t.Errorf("exit %d: %s", o.code, o.errors)
	}
	if o = vitrine(t, "", args...); o.code != exitRight || o.errors != "" {
		t.Errorf("a stream that is followed: exit %d: %s", o.code, o.errors)
	}
}
