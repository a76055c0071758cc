package folder_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle/folder"
)

const aligned = `id: wall
zone: UTC
scenes:
  one: {media: media/a.FORM}
  two: {playlist: [media/a.FORM, {image: media/b.jpg, for: 4s}]}
  plain: {media: media/a.FORM}
events:
  - {id: wall, items: [one, two], align: true}
defaults: {fleet: [plain]}
`

func TestAlignedVideosHaveTheirLengthsInTheManifest(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("the package ffmpeg is missing (packaging/debian-packages.txt)")
	}
	for form, want := range map[string]struct{ least, most time.Duration }{
		"mp4": {1960 * time.Millisecond, 2040 * time.Millisecond}, "webm": {1960 * time.Millisecond, 2040 * time.Millisecond}, "mkv": {1960 * time.Millisecond, 2040 * time.Millisecond}, "ts": {},
	} {
		t.Run(form, func(t *testing.T) {
			dir := folderOf(t, strings.ReplaceAll(aligned, "FORM", form))
			made := exec.Command(ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=64x36:rate=25:duration=2", filepath.Join(dir, "media", "a."+form))
			if out, err := made.CombinedOutput(); err != nil {
				t.Skipf("ffmpeg makes no %s: %v: %s", form, err, out)
			}
			f, err := folder.Load(dir)
			if want.most == 0 {
				if err == nil || !strings.Contains(err.Error(), `bundle.yaml:8:24: event "wall" is aligned, and how long media/a.ts plays is not known`) {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			one, known := f.Manifest.Scenes["one"].Length()
			if d := time.Duration(one); !known || d < want.least || d > want.most {
				t.Errorf("one plays for %s", d)
			}
			if two, known := f.Manifest.Scenes["two"].Length(); !known || two != one+4e9 {
				t.Errorf("two plays for %s", time.Duration(two))
			}
			if _, known := f.Manifest.Scenes["plain"].Length(); known {
				t.Error("a video that nothing aligns has its own length")
			}
		})
	}
}

func FuzzVideoLength(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isomisom\x00\x00\x00\x6cmoov\x00\x00\x00\x64mvhd"))
	f.Add([]byte("\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff\x15\x49\xa9\x66\x8b\x2a\xd7\xb1\x83\x0f\x42\x40\x44\x89\x84\x45\x00\x00\x00"))
	text := strings.ReplaceAll(aligned, "FORM", "mp4")
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := folderOf(t, text)
		if err := os.WriteFile(filepath.Join(dir, "media", "a.mp4"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		loaded, err := folder.Load(dir)
		if err != nil {
			return
		}
		if d, known := loaded.Manifest.Scenes["one"].Length(); !known || d <= 0 {
			t.Errorf("taken with a length of %s", time.Duration(d))
		}
	})
}
