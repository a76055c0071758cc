package media

import (
	"net/url"
	"testing"
)

func FuzzDrawings(f *testing.F) {
	f.Add([]byte(`<svg width="1" viewBox="0 0 2 3"/>`))
	f.Add([]byte("P6\n1 1\n255\nabc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if size, err := SVGSize(b); err == nil && (size.X < 0 || size.Y < 0 || size.X > 1<<20 || size.Y > 1<<20) {
			t.Errorf("a drawing of %v pixels", size)
		}
		_, _ = readPPM(b)
		IsSVG(b)
	})
}

func FuzzEntries(f *testing.F) {
	base, err := url.Parse("https://example.com/tv/list.m3u")
	if err != nil {
		f.Fatal(err)
	}
	f.Add("#EXTM3U\none.m3u8\nudp://239.0.0.1:1\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range entries(text, base) {
			if u, err := url.Parse(e); err != nil || u.Scheme == "file" || u.Scheme == "" {
				t.Errorf("%q", e)
			}
		}
	})
}
