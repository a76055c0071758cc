package web

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

func FuzzWanted(f *testing.F) {
	for _, s := range []string{"bytes=0-", "bytes=5-9", "bytes=-5", "bytes=9-5", "bytes=0-1,3-4", "bytes=99999999999999999999-", "items=1-2", "bytes=100-"} {
		f.Add(s, int64(100))
	}
	f.Fuzz(func(t *testing.T, spec string, size int64) {
		if size < 0 {
			return
		}
		from, to, part := wanted(network.Headers{"Range": spec}, size)
		if from < 0 || to < from || to > size || !part && (from != 0 || to != size) || part && (to == from || to-from > maxPiece) {
			t.Errorf("%q of %d bytes: %d to %d, %v", spec, size, from, to, part)
		}
	})
}

func FuzzPolicy(f *testing.F) {
	f.Add([]byte(`<script>1</script><body onload="x()"><SCRIPT type=module src=a.js></SCRIPT><!-- <script>2</script> -->`))
	f.Add([]byte("<script>\r\n</script"))
	f.Fuzz(func(t *testing.T, page []byte) {
		p := policy(page, []string{"example.com"})
		for _, rule := range strings.Split(p, "; ") {
			if name, sources, _ := strings.Cut(rule, " "); name == "script-src" && (strings.Contains(sources, "unsafe-inline") || strings.Contains(sources, "unsafe-eval")) || strings.ContainsAny(rule, ",\r\n") {
				t.Errorf("the policy has the rule %q", rule)
			}
		}
		if strings.Count(p, ";") != 11 {
			t.Errorf("the page has changed the policy to %q", p)
		}
	})
}

func FuzzPicture(f *testing.F) {
	m := image.NewNRGBA(image.Rect(0, 0, 9, 7))
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.Clone(b.Bytes()))
	b.Reset()
	if err := jpeg.Encode(&b, m, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		zone := image.Pt(10, 8)
		p, err := decode(b, zone, nil)
		if err != nil {
			return
		}
		p.draw(make([]byte, zone.X*zone.Y*4), zone.X*4, zone)
		again, err := decode(b, zone, p)
		if err != nil || again != p {
			t.Error("a picture is not read twice")
		}
	})
}
