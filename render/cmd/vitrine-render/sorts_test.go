package main_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"vitrine/render/scene"
	"vitrine/render/witness"
)

// sort is one kind of thing that a screen shows, as two media that can be told apart.
type sort struct {
	name  string
	media [2]medium
	zones [2][]scene.Zone // instead of media: widgets alone
}

// markSize is the size of what carries a mark here; all of it is stretched over the screen.
var markSize = image.Pt(640, 360)

// makeSorts makes two media of each kind that this machine can show. Each stays for a time.
func makeSorts(t *testing.T, stay time.Duration) []sort {
	t.Helper()
	need(t, "ffmpeg")
	dir := t.TempDir()
	frames := func(rate int) int { return int(stay.Seconds()*float64(rate) + 0.5) }
	var out []sort
	id := 0
	add := func(name string, one func(id int) medium) {
		s := sort{name: name}
		for i := range s.media {
			id++
			s.media[i] = one(id)
			s.media[i].Fit, s.media[i].size = scene.Stretch, markSize
		}
		out = append(out, s)
	}
	still := func(id int, it scene.Item) medium {
		it.For = scene.Duration(stay)
		return medium{Item: it, known: witness.Item{ID: id, For: stay}}
	}
	path := func(id int, ending string) string { return filepath.Join(dir, fmt.Sprintf("%d.%s", id, ending)) }
	clip := func(id, rate, n int, ending string) (witness.Clip, string) {
		c := witness.Clip{Item: id, Size: markSize, Rate: rate, Frames: n}
		if err := c.Make(t.Context(), path(id, ending)); err != nil {
			t.Fatal(err)
		}
		return c, path(id, ending)
	}
	add("video", func(id int) medium {
		c, src := clip(id, 30, frames(30), "mp4")
		return medium{Item: scene.Item{Kind: scene.Video, Src: src}, known: witness.ItemOf(c)}
	})
	add("image", func(id int) medium {
		if err := (witness.Picture{Item: id, Size: markSize}).Make(path(id, "png")); err != nil {
			t.Fatal(err)
		}
		return still(id, scene.Item{Kind: scene.Image, Src: path(id, "png")})
	})
	add("animation", func(id int) medium {
		c, src := clip(id, 20, frames(20), "mkv")
		ffmpeg(t, "-i", src, "-vf", "scale=320:180:flags=neighbor", "-loop", "-1", path(id, "gif"))
		return medium{Item: scene.Item{Kind: scene.Animation, Src: path(id, "gif")}, known: witness.ItemOf(c)}
	})
	if _, err := exec.LookPath("pdftoppm"); err == nil {
		add("page", func(id int) medium {
			writePDF(t, path(id, "pdf"), witness.Picture{Item: id, Size: markSize})
			return still(id, scene.Item{Kind: scene.Page, Src: path(id, "pdf"), Page: 1})
		})
	}
	widgets := sort{name: "widgets"}
	for i := range widgets.zones {
		id++
		widgets.zones[i] = markZones(id)
		widgets.media[i] = medium{known: witness.Item{ID: id, For: stay}, size: markSize}
	}
	return append(out, widgets)
}

// addLive adds what comes from elsewhere: streams, and pages where there is a browser.
func addLive(t *testing.T, sorts []sort, stay time.Duration) []sort {
	t.Helper()
	dir := t.TempDir()
	stream, web := sort{name: "stream"}, sort{name: "web"}
	for i := range 2 {
		id := 101 + i
		c := witness.Clip{Item: id, Size: markSize, Rate: 30, Frames: 4000, Every: 30} // a receiver waits for a key frame
		file := filepath.Join(dir, fmt.Sprintf("%d.ts", id))
		if err := c.Make(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		stream.media[i] = medium{Item: scene.Item{Kind: scene.Stream, Src: broadcast(t, file), For: scene.Duration(stay), Fit: scene.Stretch},
			known: witness.Item{ID: id, For: stay, Round: c.Frames}, size: markSize}
		id = 103 + i
		pic := filepath.Join(dir, fmt.Sprintf("%d.png", id))
		if err := (witness.Picture{Item: id, Size: markSize}).Make(pic); err != nil {
			t.Fatal(err)
		}
		page := write(t, dir, fmt.Sprintf("%d.html", id), `<!doctype html><body style="margin:0"><img src="mark.png" style="width:100vw;height:100vh;display:block">`)
		web.media[i] = medium{Item: scene.Item{Kind: scene.Web, Src: "index.html", Files: map[string]string{"index.html": page, "mark.png": pic}, For: scene.Duration(stay), Fit: scene.Stretch},
			known: witness.Item{ID: id, For: stay}, size: markSize}
	}
	sorts = append(sorts, stream)
	if _, err := exec.LookPath("chromium"); err == nil {
		sorts = append(sorts, web)
	}
	return sorts
}

// broadcast sends a file round and round over UDP, and returns the address.
func broadcast(t *testing.T, file string) string {
	t.Helper()
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "udp://" + l.LocalAddr().String()
	_ = l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", file, "-c", "copy", "-f", "mpegts", address+"?pkt_size=1316")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	return address
}

func ffmpeg(t *testing.T, args ...string) {
	t.Helper()
	if b, err := exec.Command("ffmpeg", append([]string{"-v", "error", "-nostdin", "-y"}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %v: %v: %s", args, err, b)
	}
}

// markZones is a mark made of shapes, under a line of text.
func markZones(id int) []scene.Zone {
	const side = 18 // of markSize's shorter side, as a picture's mark has it
	plate := witness.Mark{Item: id}.Plate(side)
	scale := func(v int) int { return v * screenSize.X / markSize.X }
	left, top := (markSize.X-6*side)/2, (markSize.Y-6*side)/2
	zones := []scene.Zone{{At: whole(), Background: "#204060", Text: &scene.Text{Text: fmt.Sprintf("Text %d", id), Style: scene.Style{Valign: "top"}}}}
	for i := range 36 {
		x, y := i%6*side, i/6*side
		c := scene.Color("#101010")
		if plate.RGBAAt(side/2+x+side/2, side/2+y+side/2).R > 128 {
			c = "#ebebeb"
		}
		zones = append(zones, scene.Zone{At: scene.Rect{scale(left + x), scale(top + y), scale(side), scale(side)}, Z: 1, Shape: &scene.Shape{Fill: c}})
	}
	return zones
}

// writePDF makes a document of one page that is all picture (ISO 32000-1).
func writePDF(t *testing.T, path string, p witness.Picture) {
	t.Helper()
	var pic, out bytes.Buffer
	if err := jpeg.Encode(&pic, p.Image(), &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	draw := fmt.Sprintf("q %d 0 0 %d 0 0 cm /P Do Q", p.Size.X, p.Size.Y)
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R /Resources << /XObject << /P 5 0 R >> >> >>", p.Size.X, p.Size.Y),
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(draw), draw),
		fmt.Sprintf("<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode /Length %d >>\nstream\n%s\nendstream",
			p.Size.X, p.Size.Y, pic.Len(), pic.String()),
	}
	out.WriteString("%PDF-1.4\n")
	var at []int
	for i, o := range objects {
		at = append(at, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	table := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, a := range at {
		fmt.Fprintf(&out, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
