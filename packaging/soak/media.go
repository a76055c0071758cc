package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const bundleYAML = `id: soak
zone: Europe/Paris
canvas: {width: 1280, height: 720}
sources:
  menus: {type: delimited, location: {type: file, path: "%s"}, refresh: {every: 10s, onChange: true}}
scenes:
  h264: {media: media/h264.mp4}
  vp9: {media: media/vp9.webm, audio: media/bed.mp3}
  mpeg2: {media: media/mpeg2.mpg}
  pictures:
    zones:
      - {at: [0, 0, 1280, 720], playlist: [{image: media/p0.png, for: 250ms}, {image: media/p1.png, for: 250ms, transition: {kind: fade, for: 150ms}}]}
  moving:
    for: 400ms
    transition: {kind: slide, for: 200ms}
    zones: [{at: [0, 0, 1280, 720], playlist: [{image: media/turn.gif, for: 400ms}]}]
  table:
    for: 400ms
    zones:
      - {at: [0, 0, 1280, 600], table: {source: menus, columns: [dish, price], header: true}}
      - {at: [0, 600, 1280, 120], ticker: {source: menus, text: "{{.dish}} {{.price}}"}, background: "#202020"}
  cards:
    for: 400ms
    transition: fade
    zones:
      - {at: [0, 0, 1280, 720], cards: {source: menus, title: "{{.dish}}", note: "{{.price}}"}, background: "#103050"}
  chart:
    for: 300ms
    zones:
      - {at: [0, 0, 900, 720], chart: {source: menus, label: dish, values: [price]}, background: "#ffffff"}
      - {at: [900, 0, 380, 360], clock: {}, background: "#000060"}
      - {at: [900, 360, 380, 360], qr: {text: "https://vitrine.example"}}
  both:
    zones:
      - {at: [0, 0, 640, 720], playlist: [media/h264.mp4]}
      - {at: [640, 0, 640, 720], playlist: [media/mpeg2.mpg]}
defaults: {fleet: [h264, pictures, vp9, table, moving, mpeg2, cards, both, chart, pictures]}
fallback: [pictures]
`

// prepare makes media, builds the bundle and its keys.
func (s *soak) prepare(ctx context.Context) error {
	media := s.path("lobby", "media")
	if err := os.MkdirAll(media, 0o755); err != nil {
		return err
	}
	source := "testsrc2=s=640x360:r=25:d=0.6"
	for name, args := range map[string][]string{
		"h264.mp4":  {"-f", "lavfi", "-i", source, "-c:v", "libx264", "-pix_fmt", "yuv420p"},
		"vp9.webm":  {"-f", "lavfi", "-i", source, "-c:v", "libvpx-vp9", "-deadline", "realtime"},
		"mpeg2.mpg": {"-f", "lavfi", "-i", source, "-c:v", "mpeg2video"},
		"bed.mp3":   {"-f", "lavfi", "-i", "sine=f=220:d=3", "-c:a", "libmp3lame"},
	} {
		cmd := exec.CommandContext(ctx, "ffmpeg", append(append([]string{"-v", "error", "-y"}, args...), filepath.Join(media, name))...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("make %s: %w: %s", name, err, out)
		}
	}
	if err := pictures(media); err != nil {
		return err
	}
	if err := s.rows(0); err != nil {
		return err
	}
	if err := os.WriteFile(s.path("lobby", "bundle.yaml"), fmt.Appendf(nil, bundleYAML, s.path("menus.csv")), 0o644); err != nil {
		return err
	}
	for _, args := range [][]string{{"key", "new", "--dir", s.path("keys"), "--customer", "soak"},
		{"build", s.path("lobby"), "--keys", s.path("keys"), "-o", s.path("soak.vitrine")}} {
		if out, err := exec.CommandContext(ctx, filepath.Join(s.bin, "vitrine"), args...).CombinedOutput(); err != nil {
			return fmt.Errorf("vitrine %s: %w: %s", args[0], err, out)
		}
	}
	return nil
}

// pictures are two stills and one that moves.
func pictures(dir string) error {
	for n := range 2 {
		m := image.NewRGBA(image.Rect(0, 0, 1280, 720))
		for i := range m.Pix {
			m.Pix[i] = uint8(i*(n+1)>>7) | 0x40
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("p%d.png", n)))
		if err != nil {
			return err
		}
		if err := png.Encode(f, m); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	turn := &gif.GIF{}
	for n := range 6 {
		m := image.NewPaletted(image.Rect(0, 0, 320, 180), color.Palette{color.RGBA{20, 80, 160, 255}, color.RGBA{250, 200, 40, 255}})
		for i := range m.Pix {
			m.Pix[i] = uint8((i%320 + n*50) / 160 % 2)
		}
		turn.Image, turn.Delay = append(turn.Image, m), append(turn.Delay, 5)
	}
	f, err := os.Create(filepath.Join(dir, "turn.gif"))
	if err != nil {
		return err
	}
	if err := gif.EncodeAll(f, turn); err != nil {
		return err
	}
	return f.Close()
}

// rows gives the source other rows, as a till would: a new file in the place of the old one.
func (s *soak) rows(n int) error {
	var b strings.Builder
	b.WriteString("dish,price\n")
	for i := range 12 {
		fmt.Fprintf(&b, "Dish %d of round %d,%d.%02d\n", i, n, 4+(i+n)%9, (n*7+i)%100)
	}
	if err := os.WriteFile(s.path("menus.new"), []byte(b.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(s.path("menus.new"), s.path("menus.csv"))
}
