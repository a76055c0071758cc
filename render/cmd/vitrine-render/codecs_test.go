package main_test

import (
	"fmt"
	"image"
	"image/color"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/render/pipe"
	"vitrine/render/scene"
)

// footage is a film of four plates, made by ffmpeg: red and green above blue and yellow.
type footage struct {
	name   string
	size   image.Point
	rate   string
	encode string // ffmpeg's options
	file   string
	turned bool // by a flag: its plates are seen as ffmpeg sees them
}

func footages() []footage {
	hd := image.Pt(320, 180)
	return []footage{
		{"H.264", hd, "25", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p", "h264.mp4", false},
		{"H.264 with sound", hd, "30000/1001", "SOUND -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac -shortest", "sound.mkv", false},
		{"H.264 of 10 bits", hd, "24000/1001", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le", "h264-10.mkv", false},
		{"H.264 of an odd size", image.Pt(321, 181), "50", "-c:v libx264 -preset ultrafast -pix_fmt yuv444p", "odd.mp4", false},
		{"H.264, turned by its flag", hd, "25", "-c:v libx264 -preset ultrafast -pix_fmt yuv420p", "turned.mp4", true},
		{"HEVC", hd, "25", "-c:v libx265 -preset ultrafast -x265-params log-level=error -pix_fmt yuv420p -tag:v hvc1", "hevc.mp4", false},
		{"HEVC of 10 bits", hd, "60", "-c:v libx265 -preset ultrafast -x265-params log-level=error -pix_fmt yuv420p10le", "hevc-10.mkv", false},
		{"VP9", hd, "25", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 1M -pix_fmt yuv420p", "vp9.webm", false},
		{"VP9 of an odd size", image.Pt(319, 179), "25", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 1M -pix_fmt yuv420p", "vp9-odd.webm", false},
		{"AV1", hd, "25", "-c:v libaom-av1 -cpu-used 8 -usage realtime -b:v 500k -pix_fmt yuv420p", "av1.mkv", false},
		{"AV1 of 10 bits", hd, "25", "-c:v libaom-av1 -cpu-used 8 -usage realtime -b:v 500k -pix_fmt yuv420p10le", "av1-10.mkv", false},
		{"MPEG-2", hd, "25", "-c:v mpeg2video -q:v 2 -pix_fmt yuv420p", "mpeg2.ts", false},
		{"MPEG-2 in fields", image.Pt(720, 576), "25", "-c:v mpeg2video -q:v 2 -flags +ildct+ilme -pix_fmt yuv420p -aspect 16:9", "fields.mpg", false},
		{"MPEG-4", hd, "25", "-c:v mpeg4 -q:v 2 -pix_fmt yuv420p", "mpeg4.avi", false},
		{"pictures of full range", hd, "25", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p", "mjpeg.mov", false},
		{"ProRes", hd, "25", "-c:v prores_ks -pix_fmt yuv422p10le", "prores.mov", false},
	}
}

// make writes a second of it; a codec that this ffmpeg cannot write is left out.
func (f footage) make(t *testing.T, dir string) (string, bool) {
	t.Helper()
	codec := strings.Fields(f.encode[strings.Index(f.encode, "-c:v"):])[1]
	if err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=s=64x64:d=0.04", "-c:v", codec, "-f", "null", "-").Run(); err != nil {
		t.Logf("%s: this ffmpeg has no encoder %s", f.name, codec)
		return "", false
	}
	w, h := f.size.X, f.size.Y
	plates := fmt.Sprintf("color=c=0xff0000:s=%dx%d:r=%s:d=1,format=rgb24,drawbox=x=%d:y=0:w=%d:h=%d:c=0x00ff00:t=fill,drawbox=x=0:y=%d:w=%d:h=%d:c=0x0000ff:t=fill,drawbox=x=%d:y=%d:w=%d:h=%d:c=0xffff00:t=fill",
		w, h, f.rate, w/2, w, h/2, h/2, w/2, h, w/2, h/2, w, h)
	args := []string{"-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", plates}
	encode := f.encode
	if rest, ok := strings.CutPrefix(encode, "SOUND "); ok {
		args, encode = append(args, "-f", "lavfi", "-i", "sine=440:d=1"), rest
	}
	path := filepath.Join(dir, f.file)
	run := func(args ...string) ([]byte, error) {
		return exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput()
	}
	if out, err := run(append(append(args, strings.Fields(encode)...), path)...); err != nil {
		t.Fatalf("%s: ffmpeg: %v: %s", f.name, err, out)
	}
	if f.turned {
		flat := path
		path = filepath.Join(dir, "flag-"+f.file)
		// The flag has two spellings: newer programs know the first one alone, older ones the second.
		if _, err := run("-v", "error", "-nostdin", "-y", "-display_rotation", "-90", "-i", flat, "-c", "copy", path); err != nil {
			if out, err := run("-v", "error", "-nostdin", "-y", "-i", flat, "-c", "copy", "-metadata:s:v:0", "rotate=270", path); err != nil {
				t.Fatalf("%s: ffmpeg: %v: %s", f.name, err, out)
			}
		}
	}
	return path, true
}

// decoded are the plates of a film as ffmpeg sees them.
func decoded(t *testing.T, path string) (plates [4]color.RGBA) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-nostdin", "-i", path, "-frames:v", "1", "-vf", "format=rgb24,scale=2:2:flags=area", "-f", "rawvideo", "-pix_fmt", "rgb24", "-").Output()
	if err != nil || len(out) != 12 {
		t.Fatalf("ffmpeg: %v: %d bytes", err, len(out))
	}
	for i := range plates {
		plates[i] = color.RGBA{out[3*i], out[3*i+1], out[3*i+2], 0xff}
	}
	return plates
}

func TestEveryCodecShowsItsPlates(t *testing.T) {
	p := shop.program()
	if p.err != nil {
		t.Fatal(p.err)
	}
	if !p.video {
		t.Skip("libmpv's headers are not on this machine")
	}
	need(t, "ffmpeg")
	dir := t.TempDir()
	r := headless(t, p.path)
	hear(t, r, pipe.EvReady)
	red, green := color.RGBA{0xff, 0, 0, 0xff}, color.RGBA{0, 0xff, 0, 0xff}
	blue, yellow := color.RGBA{0, 0, 0xff, 0xff}, color.RGBA{0xff, 0xff, 0, 0xff}
	var batch []footage
	var paths []string
	id := uint64(0)
	show := func() {
		id++
		s := scene.Scene{}
		var at []scene.Rect
		for i, path := range paths {
			at = append(at, scene.Rect{i % 2 * 320, i / 2 * 180, 320, 180})
			s.Zones = append(s.Zones, scene.Zone{At: at[i], Playlist: []scene.Item{{Kind: scene.Video, Src: path, Fit: scene.Stretch, Volume: 50, For: scene.Duration(1e12)}}})
		}
		if err := r.Send(pipe.Command{Op: pipe.OpQueue, ID: id, Now: true, Canvas: scene.Size{Width: 640, Height: 360}, Scene: &s}); err != nil {
			t.Fatal(err)
		}
		for hear(t, r, pipe.EvStarted).ID != id {
		}
		hear(t, r, pipe.EvPulse)
		shot := filepath.Join(dir, fmt.Sprintf("shot-%d.png", id))
		if err := r.Send(pipe.Command{Op: pipe.OpShot, Path: shot}); err != nil {
			t.Fatal(err)
		}
		if rep := hear(t, r, pipe.EvShot); rep.Error != "" {
			t.Fatal(rep.Error)
		}
		keep(t, shot)
		m := read(t, shot)
		for i, f := range batch {
			want := [4]color.RGBA{red, green, blue, yellow}
			if f.turned {
				if want = decoded(t, paths[i]); near(want[0], red, 16) {
					t.Errorf("%s: the flag has no effect", f.name)
				}
			}
			for k, c := range want {
				x, y := at[i][0]+80+k%2*160, at[i][1]+45+k/2*90
				if got := m.RGBAAt(x, y); !near(got, c, 16) {
					t.Errorf("%s: plate %d is %v; want %v", f.name, k+1, got, c)
				}
			}
		}
		batch, paths = nil, nil
	}
	for _, f := range footages() {
		if path, ok := f.make(t, dir); ok {
			batch, paths = append(batch, f), append(paths, path)
		}
		if len(batch) == 4 {
			show()
		}
	}
	if len(batch) > 0 {
		show()
	}
}
