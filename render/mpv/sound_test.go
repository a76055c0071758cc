//go:build mpv

package mpv_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/render/mpv"
	"vitrine/render/scene"
)

func TestABedLeavesOutWhatItCannotPlayAndSaysWhenNothingIsLeft(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not on this machine")
	}
	dir := t.TempDir()
	tone, junk := filepath.Join(dir, "tone.wav"), filepath.Join(dir, "junk.mp3")
	if b, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1", tone).CombinedOutput(); err != nil {
		t.Fatalf("make sound: %v: %s", err, b)
	}
	if err := os.WriteFile(junk, []byte(strings.Repeat("no sound at all ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		files []string
		want  string // in the error, "" = it plays
	}{
		{"good ones beside bad ones", []string{junk, filepath.Join(dir, "missing.mp3"), tone}, ""},
		{"missing ones alone", []string{filepath.Join(dir, "missing.mp3")}, "is not there"},
		{"damaged ones alone", []string{junk, junk}, "the file"},
		{"an address", []string{"http://127.0.0.1/x.mp3"}, "absolute path"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			woken := make(chan struct{}, 1)
			s, err := mpv.NewSound(func() {
				select {
				case woken <- struct{}{}:
				default:
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var items []scene.Item
			for _, f := range tc.files {
				items = append(items, scene.Item{Kind: scene.Audio, Src: f})
			}
			err = s.Load(items)
			if err == nil && tc.want != "" {
				select {
				case <-woken:
				case <-time.After(30 * time.Second):
				}
				err = s.Err()
			}
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("ended with %v, want something with %q", err, tc.want)
			}
		})
	}
}
