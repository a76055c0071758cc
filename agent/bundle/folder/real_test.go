package folder_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/agent/bundle/folder"
	"vitrine/render/scene"
)

// What real programs write is taken, and without a warning.
func TestRealFilesAreKnown(t *testing.T) {
	need(t, "ffmpeg")
	dir := folderOf(t, "")
	const picture, sound = "-f lavfi -i testsrc=d=0.4:s=64x48:r=10", "-f lavfi -i sine=d=0.4"
	kinds := map[string]scene.Kind{}
	for name, c := range map[string]struct {
		kind   scene.Kind
		encode string
	}{
		"h264.mp4":   {scene.Video, picture + " " + sound + " -c:v libx264 -pix_fmt yuv420p -c:a aac"},
		"frag.mp4":   {scene.Video, picture + " -c:v libx264 -pix_fmt yuv420p -movflags frag_keyframe+empty_moov"},
		"fast.mp4":   {scene.Video, picture + " -c:v libx264 -pix_fmt yuv420p -movflags faststart"},
		"hevc.mp4":   {scene.Video, picture + " -c:v libx265 -x265-params log-level=error"},
		"hevc.mkv":   {scene.Video, picture + " -c:v libx265 -x265-params log-level=error -pix_fmt yuv420p10le"},
		"vp9.webm":   {scene.Video, picture + " " + sound + " -c:v libvpx-vp9 -c:a libopus"},
		"vp9.mp4":    {scene.Video, picture + " -c:v libvpx-vp9"},
		"av1.mp4":    {scene.Video, picture + " -c:v libaom-av1 -cpu-used 8"},
		"mpeg2.ts":   {scene.Video, picture + " -c:v mpeg2video"},
		"mpeg2.mpg":  {scene.Video, picture + " -c:v mpeg2video"},
		"mpeg4.avi":  {scene.Video, picture + " -c:v mpeg4"},
		"mjpeg.mov":  {scene.Video, picture + " -c:v mjpeg -pix_fmt yuvj420p"},
		"prores.mov": {scene.Video, picture + " -c:v prores_ks"},
		"theora.ogv": {scene.Video, picture + " -c:v libtheora"},
		"moving.gif": {scene.Animation, picture},
		"moving.png": {scene.Animation, picture + " -f apng"},
		"moving.web": {scene.Animation, picture + " -c:v libwebp_anim -f webp"},
		"still.webp": {scene.Image, picture + " -frames:v 1 -c:v libwebp"},
		"still.png":  {scene.Image, picture + " -frames:v 1"},
		"still.jpg":  {scene.Image, picture + " -frames:v 1"},
		"a.mp3":      {scene.Audio, sound},
		"plain.mp3":  {scene.Audio, sound + " -id3v2_version 0 -write_xing 0"},
		"a.flac":     {scene.Audio, sound},
		"a.ogg":      {scene.Audio, sound},
		"a.opus":     {scene.Audio, sound},
		"a.wav":      {scene.Audio, sound},
		"a.m4a":      {scene.Audio, sound},
		"a.aac":      {scene.Audio, sound},
		"sound.mp4":  {scene.Audio, sound},
	} {
		args := append(append([]string{"-v", "error", "-nostdin", "-y"}, strings.Fields(c.encode)...), filepath.Join(dir, "media", name))
		if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
			t.Logf("%s: this ffmpeg cannot make it: %s", name, out)
			continue
		}
		kinds["media/"+name] = c.kind
	}
	yaml := "id: x\nscenes:\n"
	i := 0
	for p, k := range kinds {
		i++
		if k == scene.Audio {
			yaml += fmt.Sprintf("  s%d: {playlist: [media/a.mp4], audio: %s}\n", i, p)
			continue
		}
		word := "image"
		if k == scene.Video {
			word = "video"
		}
		yaml += fmt.Sprintf("  s%d: {playlist: [{%s: %s, for: 5s}]}\n", i, word, p)
	}
	put(t, dir, map[string]string{folder.File: yaml + "fallback: [s1]\n"})
	f := load(t, dir)
	if len(f.Warnings) > 0 {
		t.Errorf("warnings: %v", f.Warnings)
	}
	for _, s := range f.Manifest.Scenes {
		item := s.Zones[0].Playlist[0]
		if s.Audio != nil {
			item = s.Audio.Playlist[0]
		}
		if item.Kind != kinds[item.Src] {
			t.Errorf("%s is %s; want %s", item.Src, item.Kind, kinds[item.Src])
		}
	}
}
