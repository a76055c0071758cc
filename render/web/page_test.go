package web

import (
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/render/scene"
)

func TestAPageOfTheBundleIsDrawnWithItsFilesAndItsGroundIsClear(t *testing.T) {
	v := open(t, common(t), folder(t, map[string]string{
		"index.html": `<!doctype html><link rel=stylesheet href=css/a.css><div class=a></div><img src="p.svg" style="position:absolute;left:200px;top:0"><script src=a.js></script>`,
		"css/a.css":  `body{margin:0}.a{width:100px;height:100px;background:rgba(255,0,0,.5)}`,
		"p.svg":      `<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50"><rect width="50" height="50" fill="blue"/></svg>`,
		"a.js":       `document.body.insertAdjacentHTML('beforeend','<div style="position:absolute;left:0;top:100px;width:20px;height:20px;background:green"></div>')`,
	}), small).ready()
	v.keep("drawn")
	for at, want := range map[image.Point]struct{ r, g, b, a uint8 }{
		{50, 50}: {0x80, 0, 0, 0x80}, {225, 25}: {0, 0, 0xff, 0xff}, {10, 110}: {0, 0x80, 0, 0xff}, {300, 150}: {0, 0, 0, 0},
	} {
		if got := v.at(at.X, at.Y); got.R != want.r || got.G != want.g || got.B != want.b || got.A != want.a {
			t.Errorf("pixel %v is %v, want %v", at, got, want)
		}
	}
	if !v.Alpha() || v.Size() != small || v.Stalled() || v.Ended() {
		t.Errorf("alpha %v, size %v, stalled %v, ended %v", v.Alpha(), v.Size(), v.Stalled(), v.Ended())
	}
}

func menu(t *testing.T) scene.Item {
	t.Helper()
	item := scene.Item{Src: "index.html", Files: map[string]string{}}
	root := filepath.Join("testdata", "menu")
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			abs, _ := filepath.Abs(path)
			item.Files[strings.TrimPrefix(filepath.ToSlash(path), "testdata/menu/")] = abs
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func TestAnExampleWithoutScriptsShowsRows(t *testing.T) {
	item := menu(t)
	item.Rows = []map[string]string{
		{"day": "Monday", "dish": "Soup of the day", "price": "4,50 €", "picture": "soup.svg", "note": "with <b>bread</b> & butter"},
		{"day": "Monday", "dish": "Omelette", "price": "9,80 €"},
		{"day": "Monday", "dish": `"><img src=x onerror="document.body.style.background='red'">`, "price": "1"},
	}
	v := open(t, common(t), item, image.Pt(900, 600)).ready()
	v.keep("rows")
	before := v.look()
	if got := before.RGBAAt(5, 5); got != none {
		t.Errorf("beside the page is %v, want nothing", got)
	}
	v.Play()
	if got := before.RGBAAt(96, 190); !near(got, color.RGBA{0xf2, 0xd0, 0xa4, 0xff}) {
		t.Errorf("the first dish's picture is %v", got)
	}
	item.Rows = nil
	v.Update(item)
	v.await("a page without rows", func() bool { return v.at(96, 190).R < 0x40 })
	v.keep("empty")
}
