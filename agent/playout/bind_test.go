package playout_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/connect"
	"vitrine/agent/schedule"
	"vitrine/render/scene"
)

// table is a result of several columns.
func table(columns []string, cells ...[]string) connect.Result {
	r := connect.Result{Columns: columns}
	for _, line := range cells {
		row := make([]connect.Value, len(line))
		for i, c := range line {
			row[i] = connect.Value{Kind: connect.Text, Text: c}
		}
		r.Rows = append(r.Rows, row)
	}
	return r
}

// everything is a scene with every kind that has files or rows.
func everything() bundle.Manifest {
	at := scene.Rect{0, 0, 100, 100}
	source := bundle.SourceSpec{Type: "text", Location: bundle.Location{Type: "file", Path: "/nowhere"}}
	long := scene.Duration(time.Hour)
	return bundle.Manifest{
		Sources: map[string]bundle.SourceSpec{"news": source, "sky": source},
		Scenes: map[string]scene.Scene{"all": {For: long, Transition: &scene.Transition{Kind: "fade"},
			Audio: &scene.Bed{Playlist: []scene.Item{{Kind: scene.Audio, Src: "media/bed.mp3"}}, Duck: 30},
			Zones: []scene.Zone{
				{At: at, Playlist: []scene.Item{{Kind: scene.Web, Src: "pages/board/index.html", For: long, StandIn: "media/x.png", Source: "news"}}},
				{At: at, Playlist: []scene.Item{{Kind: scene.Stream, Src: "https://live.example/a.m3u8", For: long, StandIn: "media/x.png"},
					{Kind: scene.Web, Src: "https://web.example/", For: long}, {Kind: scene.Page, Src: "media/menu.pdf", Page: 2, For: long}, {Kind: scene.Animation, Src: "media/a.gif"}}},
				{At: at, Cards: &scene.Cards{Source: "news", Title: "{{.title}}", Note: "{{.price}}", Image: "picture", Pictures: "media"}},
				{At: at, Weather: &scene.Weather{Source: "sky", Label: "day", Sky: "code", High: "max", Rows: 1}},
			}}},
		Schedule: schedule.Schedule{Defaults: schedule.Defaults{Fleet: []string{"all"}}},
	}
}

func allFiles() map[string][]byte {
	files := map[string][]byte{"media/x.png": picture()}
	for _, name := range []string{"pages/board/index.html", "pages/board/css/a.css", "pages/other/b.html", "media/bed.mp3", "media/menu.pdf", "media/a.gif"} {
		files[name] = []byte(name)
	}
	return files
}

func TestEveryKindGetsItsFilesAndRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		p.feeds.set("news", table([]string{"title", "price", "picture"}, []string{"Soup", "4 €", "x.png"}, []string{"", "", "x.png"}, []string{"Bread", "", "none.png"}))
		p.feeds.set("sky", table([]string{"day", "code", "max"}, []string{"Mon", "rain", "7"}, []string{"Tue", "clear", "9"}))
		if _, err := p.store.Ingest(t.Context(), content{p.pub.Content(t, everything(), allFiles())}, nil); err != nil {
			t.Fatal(err)
		}
		p.run()
		sc := p.shown()
		holds := func(path, want string) {
			t.Helper()
			if b, err := os.ReadFile(path); err != nil || string(b) != want {
				t.Errorf("%q holds %.40q, want %q: %v", path, b, want, err)
			}
		}
		if sc.Transition == nil || sc.Transition.Kind != "fade" || sc.Audio == nil || sc.Audio.Duck != 30 {
			t.Fatalf("the scene comes by %+v with sound %+v", sc.Transition, sc.Audio)
		}
		holds(sc.Audio.Playlist[0].Src, "media/bed.mp3")
		page := sc.Zones[0].Playlist[0]
		if page.Src != "index.html" || len(page.Files) != 2 || len(page.Rows) != 3 || page.Rows[0]["price"] != "4 €" {
			t.Fatalf("the page is %+v", page)
		}
		holds(page.Files["index.html"], "pages/board/index.html")
		holds(page.Files["css/a.css"], "pages/board/css/a.css")
		holds(page.StandIn, string(picture()))
		others := sc.Zones[1].Playlist
		if others[0].Src != "https://live.example/a.m3u8" || others[1].Src != "https://web.example/" || len(others[1].Files) != 0 {
			t.Errorf("addresses became %q and %q", others[0].Src, others[1].Src)
		}
		holds(others[0].StandIn, string(picture()))
		holds(others[2].Src, "media/menu.pdf")
		holds(others[3].Src, "media/a.gif")
		cards := sc.Zones[2].Cards.Cells
		if len(cards) != 2 || cards[0][0] != "Soup" || cards[0][1] != "" || cards[0][2] != "4 €" || cards[1][3] != "" || !filepath.IsAbs(cards[0][3]) {
			t.Errorf("the cards are %q", cards)
		}
		if sky := sc.Zones[3].Weather.Cells; len(sky) != 1 || strings.Join(sky[0], "/") != "Mon/rain/7//" {
			t.Errorf("the sky is %q", sky)
		}
	})
}

func TestAPageHearsOfNewRows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		m := everything()
		m.Scenes["all"] = scene.Scene{For: scene.Duration(time.Hour), Zones: m.Scenes["all"].Zones[:1]}
		if _, err := p.store.Ingest(t.Context(), content{p.pub.Content(t, m, allFiles())}, nil); err != nil {
			t.Fatal(err)
		}
		p.run()
		if rows := p.shown().Zones[0].Playlist[0].Rows; len(rows) != 0 {
			t.Fatalf("before there are any it has %v", rows)
		}
		p.seen()
		p.feeds.set("news", table([]string{"title"}, []string{"Soup"}))
		synctest.Wait()
		if log := p.seen(); len(log) == 0 || !strings.HasPrefix(log[0], "?~") {
			t.Errorf("the screen was told %q; want an update", log)
		}
		if rows := p.shown().Zones[0].Playlist[0].Rows; len(rows) != 1 || rows[0]["title"] != "Soup" {
			t.Errorf("its rows are %v", rows)
		}
	})
}

// shown is what the renderer was last told of the scene that is on.
func (p *player) shown() *scene.Scene {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on == nil {
		p.t.Fatal("nothing is on")
	}
	return p.on.Scene
}
