package connect_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/agent/bundle"
	"vitrine/agent/connect"
)

// drawn is a small picture of one colour.
func drawn(t *testing.T, c color.Color) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 8, 8))
	for i := range 64 {
		m.Set(i%8, i/8, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPicturesThatRowsNameAreFetchedFromAllowedHostsAlone(t *testing.T) {
	soup := drawn(t, color.White)
	images := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/soup.png":
			out.Write(soup)
		case "/page.png":
			fmt.Fprint(out, "<html>not found</html>")
		case "/long.png":
			out.Write(bytes.Repeat([]byte{0}, 100_000))
		}
	}))
	t.Cleanup(images.Close)
	elsewhere := newWeb(t)
	elsewhere.body = string(soup)
	host := strings.TrimPrefix(images.URL, "http://")
	w := newWeb(t)
	w.body = fmt.Sprintf("dish,photo\nSoup,%[1]s/soup.png\nPage,%[1]s/page.png\nLong,%[1]s/long.png\nElsewhere,%[2]s/soup.png\nFile,file:///etc/passwd\nNone,\n", images.URL, elsewhere.URL)
	spec := bundle.SourceSpec{Type: "delimited", Location: bundle.Location{Type: "http", URL: w.URL},
		Pictures: bundle.Pictures{Columns: []string{"photo"}, Hosts: []string{host}, Bytes: 50_000}}
	dir := t.TempDir()
	pictures, keep := filepath.Join(dir, "pictures"), open(t, dir)
	s, stop := run(t, connect.Config{Keep: keep, Pictures: pictures}, map[string]bundle.SourceSpec{"x": spec})
	picture := func(r connect.Result, row int) string { return r.Picture(r.Plain(row, "photo")) }
	r := until(t, s, "x", func(r connect.Result) bool { return len(r.Rows) == 6 && picture(r, 0) != "" })
	if b, err := os.ReadFile(picture(r, 0)); err != nil || !bytes.Equal(b, soup) {
		t.Errorf("the picture is not what the host has: %v", err)
	}
	for row := 1; row < 6; row++ {
		if file := picture(r, row); file != "" {
			t.Errorf("row %d has the picture %s", row, file)
		}
	}
	stop()
	if elsewhere.asked != 0 {
		t.Error("a host that the bundle does not name was asked")
	}
	images.Close() // after a restart without the network it is still there
	again, err := connect.New(connect.Config{Keep: keep, Pictures: pictures})
	if err != nil {
		t.Fatal(err)
	}
	again.Use(map[string]bundle.SourceSpec{"x": spec}, connect.Home{}, nil)
	if r, _ := again.Result("x"); picture(r, 0) == "" {
		t.Error("after a restart it is gone")
	}
	again.Use(map[string]bundle.SourceSpec{}, connect.Home{}, nil)
	if left, err := os.ReadDir(pictures); err != nil || len(left) != 0 {
		t.Errorf("%d files stay when the source is no longer used: %v", len(left), err)
	}
}
