package folder_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle/folder"
	"vitrine/render/scene"
)

// put writes files below a folder.
func put(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for p, content := range files {
		full := filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// The parts of a page's folder, and sounds as they begin.
func extras() map[string]string {
	return map[string]string{
		"web/board/index.html":   "<!DOCTYPE html><html><body>board</body></html>",
		"web/board/css/look.css": "body { margin: 0 }",
		"web/board/data.bin":     "\x00\x01\x02",
		"media/bed.mp3":          "ID3\x04\x00\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 100),
	}
}

const words = `id: x
sources:
  menus: {type: delimited, separator: ";", location: {type: bundle, path: data/menus.csv}}
scenes:
  all:
    for: 30s
    transition: fade
    audio: media/bed.mp3
    zones:
      - at: [0, 0, 100, 100]
        transition: {kind: slide, for: 800ms, toward: up}
        standIn: media/c.png
        web: web/board/index.html
        source: menus
        hosts: [fonts.example.com]
      - at: [0, 0, 100, 100]
        transition: wipe
        playlist:
          - media/a.mp4
          - {image: media/b.jpg, for: 8s, transition: cut}
          - {stream: "udp://@239.0.0.1:5004", for: 1m, standIn: media/c.png, volume: 50}
          - {web: "https://www.example.com/x?y=1", for: 9s}
      - {at: [0, 0, 100, 100], stream: "rtsp://camera.example/1"}
      - {at: [0, 0, 100, 100], clock: {face: hands, cities: [{label: Tokyo, zone: Asia/Tokyo}]}}
      - {at: [0, 0, 100, 100], cards: {source: menus, title: "{{.title}}", image: picture, pictures: media, accent: "#AABBCC"}}
      - {at: [0, 0, 100, 100], weather: {source: menus, label: day, sky: sky, style: {font: fonts/x.ttf}}}
  bed:
    media: media/a.mp4
    audio: {playlist: [media/bed.mp3, {audio: media/bed.mp3, volume: 40}], volume: 60, duck: 10}
fallback: [all, bed]
`

func TestEveryWordBecomesItsItem(t *testing.T) {
	dir := folderOf(t, words)
	put(t, dir, extras())
	f := load(t, dir)
	all := f.Manifest.Scenes["all"]
	if all.Transition == nil || all.Transition.Kind != "fade" || all.Audio == nil || all.Audio.Playlist[0].Kind != scene.Audio || all.Audio.Playlist[0].Volume != 100 {
		t.Errorf("the scene's own: %+v, %+v", all.Transition, all.Audio)
	}
	web := all.Zones[0].Playlist[0]
	if web.Kind != scene.Web || web.For != all.For || web.StandIn != "media/c.png" || web.Source != "menus" || !slices.Equal(web.Hosts, []string{"fonts.example.com"}) {
		t.Errorf("web: %+v", web)
	}
	if tr := web.Transition; tr == nil || tr.Kind != "slide" || tr.Toward != "up" || time.Duration(tr.For) != 800*time.Millisecond {
		t.Errorf("its transition: %+v", web.Transition)
	}
	list := all.Zones[1].Playlist
	if list[0].Transition == nil || list[0].Transition.Kind != "wipe" || list[1].Transition != nil {
		t.Errorf("the zone's transition is its items', but for those with one of their own: %+v", list)
	}
	if s := list[2]; s.Kind != scene.Stream || s.Src != "udp://@239.0.0.1:5004" || s.Volume != 50 || s.StandIn != "media/c.png" {
		t.Errorf("stream: %+v", s)
	}
	if list[3].Kind != scene.Web || all.Zones[2].Playlist[0].Kind != scene.Stream {
		t.Errorf("addresses: %+v, %+v", list[3], all.Zones[2])
	}
	if c := all.Zones[3].Clock; c.Face != "hands" || c.Cities[0].Zone != "Asia/Tokyo" {
		t.Errorf("clock: %+v", c)
	}
	if c := all.Zones[4].Cards; c.Pictures != "media" || c.Accent != "#aabbcc" || f.Manifest.Scenes["all"].Zones[4].Cards.Image != "picture" {
		t.Errorf("cards: %+v", c)
	}
	if w := all.Zones[5].Weather; w.Sky != "sky" || w.Style.Font[0] != "fonts/x.ttf" {
		t.Errorf("weather: %+v", w)
	}
	if b := f.Manifest.Scenes["bed"].Audio; b.Volume != 60 || b.Duck != 10 || b.Playlist[1].Volume != 40 {
		t.Errorf("audio: %+v", b)
	}
	for _, p := range []string{"web/board/index.html", "web/board/css/look.css", "web/board/data.bin", "media/b.jpg", "media/c.png", "media/bed.mp3"} {
		if f.Media[p] == "" {
			t.Errorf("%s is not in the bundle", p)
		}
	}
}

// A player takes what a folder gives, and knows what each item needs.
func TestWhatTheWordsGiveIsTakenByPlayers(t *testing.T) {
	dir := folderOf(t, words)
	put(t, dir, extras())
	f := load(t, dir)
	m := f.Manifest
	hashed := built(t, dir)
	m.Files = hashed.Files
	if err := hashed.Validate(); err != nil {
		t.Fatal(err)
	}
	files := m.PageFiles(m.Scenes["all"].Zones[0].Playlist[0])
	if len(files) != 3 || files["css/look.css"] != "web/board/css/look.css" {
		t.Errorf("the page's files: %v", files)
	}
	if got := m.PageFiles(m.Scenes["all"].Zones[1].Playlist[3]); got != nil {
		t.Errorf("a page of the web has files %v", got)
	}
	needed := m.SceneFiles("all")
	for _, p := range []string{"web/board/data.bin", "media/bed.mp3", "media/c.png", "media/b.jpg", "data/menus.csv", "fonts/x.ttf"} {
		if !slices.Contains(needed, m.Files[p]) {
			t.Errorf("the scene does not need %s", p)
		}
	}
	if got := m.SceneSources("all"); !slices.Equal(got, []string{"menus"}) {
		t.Errorf("its sources: %v", got)
	}
	cards := *m.Scenes["all"].Zones[4].Cards
	for named, want := range map[string]string{"b.jpg": "media/b.jpg", "media/b.jpg": "media/b.jpg", "x.jpg": "", "": "", "../data/menus.csv": ""} {
		if got := m.CardPicture(cards, named); got != want {
			t.Errorf("a row's picture %q is %q; want %q", named, got, want)
		}
	}
}

func TestWhatAZoneCannotHaveIsSaid(t *testing.T) {
	for name, c := range map[string]struct{ zone, want string }{
		"a source beside a ticker":    {"ticker: hello, source: menus", `7:43: a zone has a source of its own only with a page, and this one has "ticker"; write it within ticker:, or take it out`},
		"a transition of a text":      {"text: hello, transition: fade", `7:41: a zone with "text" has no "transition"; take it out`},
		"pages of a playlist":         {"playlist: [media/a.mp4], pages: 2", `7:53: a playlist has no "pages"; write it at the item of the playlist that it is for`},
		"a stand-in of a clock":       {`clock: "15:04", standIn: media/c.png`, `7:44: a zone with "clock" has no "standIn"; take it out`},
		"a city without a zone":       {"clock: {cities: [{label: Paris}]}", `7:45: a city needs "zone"`},
		"a city on the moon":          {"clock: {cities: [{label: Base, zone: Moon/Base}]}", `7:65: "Moon/Base" is not a time zone; write an IANA name, such as Europe/Paris`},
		"cards without a title":       {"cards: {source: menus}", `7:35: cards needs "title"`},
		"cards that call a function":  {`cards: {source: menus, title: "{{len .title}}"}`, `7:58: the text's {{…}} is not right: {{len .title}} is more than a column; write {{.title}} for the column title, {{if .title}}…{{end}} for when there is one`},
		"cards of pictures elsewhere": {`cards: {source: menus, title: x, image: p, pictures: dishes}`, `7:81: there is no picture in the folder dishes; write a folder with PNG, JPEG, WebP, GIF or SVG files, such as media/dishes`},
		"weather of no source":        {"weather: {source: sky, label: day, sky: code}", `7:46: there is no source "sky"; define it under sources: or write one of menus`},
		"weather without a sky":       {"weather: {source: menus, label: day}", `7:37: weather needs "sky"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := folder.Load(folderOf(t, "id: x\nsources: {menus: {type: text, location: {type: bundle, path: data/news.txt}}}\nscenes:\n  a:\n    for: 5s\n    zones:\n      - {at: [0, 0, 9, 9], "+c.zone+"}\nfallback: [a]\n"))
			if err == nil || err.Error() != "bundle.yaml:"+c.want {
				t.Errorf("\n got %v\nwant bundle.yaml:%s", err, c.want)
			}
		})
	}
}

func TestWhatAnItemCannotHaveIsSaid(t *testing.T) {
	for name, c := range map[string]struct{ items, want string }{
		"an address among files":        {`["https://example.com/x"]`, "5:16: https://example.com/x is an address, not a file; write {stream: https://example.com/x, for: 5m} for a live stream, {web: https://example.com/x, for: 30s} for a page"},
		"a page by http":                {`[{web: "http://example.com/x", for: 5s}]`, "5:22: http://example.com/x would come over the network as anybody likes to change it; write https://example.com/x"},
		"a page without a length":       {`[{web: "https://example.com/x"}]`, "5:16: https://example.com/x is a page and has no length; write {web: https://example.com/x, for: 8s}"},
		"a page with a password":        {`[{web: "https://me:pw@example.com/x", for: 5s}]`, "5:22: the address has a name and a password in it, which everyone with the bundle could read; write the address in full, such as https://www.example.com/board"},
		"a stream of a file":            {`[{stream: "file:///etc/passwd", for: 5s}]`, `5:25: "file:///etc/passwd" is not an address that begins with https://, http://, udp://, rtp://, rtsp://, srt://; write the address in full, such as https://example.com/live/index.m3u8, udp://239.0.0.1:5004, rtsp://camera/1 or srt://encoder:9000`},
		"a stream without a port":       {`[{stream: "udp://239.0.0.1", for: 5s}]`, "5:25: an address that begins with udp:// needs a port, such as udp://239.0.0.1:5004; write the address in full, such as https://example.com/live/index.m3u8, udp://239.0.0.1:5004, rtsp://camera/1 or srt://encoder:9000"},
		"a stream without a length":     {`[{stream: "srt://encoder:9000"}]`, "5:16: srt://encoder:9000 is a live stream and has no length; write {stream: srt://encoder:9000, for: 8s}"},
		"pages of a picture":            {`[{image: media/b.jpg, for: 5s, pages: 2}]`, `5:46: only a document has "pages"; take it out`},
		"a stand-in of a video":         {`[{video: media/a.mp4, standIn: media/b.jpg}]`, `5:37: only a page or a stream has "standIn"; take it out`},
		"a stand-in that is a video":    {`[{web: "https://example.com", for: 5s, standIn: media/a.mp4}]`, "5:63: media/a.mp4 is not a picture, it is an MP4 video; use PNG, JPEG, WebP, GIF or SVG"},
		"rows of no source":             {`[{web: "https://example.com", for: 5s, source: menu}]`, `5:62: there is no source "menu"; define it under sources:`},
		"a host that is an address":     {`[{web: "https://example.com", for: 5s, hosts: ["https://x.org"]}]`, `5:62: "https://x.org" is not the name of a host; write it without https:// and without a path, such as www.example.com`},
		"a page beside everything":      {`[{web: index.html, for: 5s}]`, "5:22: index.html lies in the bundle's own folder, and all that is beside a page belongs to it; move it into a folder of its own, such as web/board/index.html"},
		"a sound among pictures":        {`[media/bed.mp3]`, "5:16: media/bed.mp3 is neither a picture nor a video, it is an MP3 file; write audio: media/bed.mp3 in the scene, outside of the playlist"},
		"two media":                     {`[{image: media/b.jpg, video: media/a.mp4, for: 5s}]`, `5:16: a playlist's item has both "image" and "video"; keep one of them`},
		"a transition that is none":     {`[{video: media/a.mp4, transition: explode}]`, `5:49: "explode" is not known here; allowed are cut, fade, slide, wipe`},
		"a transition that takes hours": {`[{video: media/a.mp4, transition: {kind: fade, for: 1h}}]`, "5:67: a transition of 1h0m0s is too long; write 5s at most"},
		"a fade to the left":            {`[{video: media/a.mp4, transition: {kind: fade, toward: left}}]`, "5:62: a fade does not go toward anything; take it out, or write kind: slide"},
		"a length of years":             {`[{image: media/b.jpg, for: 9000h}]`, "5:42: a length of 9000h0m0s is too long; write 744h at most"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, "id: x\nscenes:\n  a:\n    # a playlist\n    playlist: "+c.items+"\nfallback: [a]\n")
			put(t, dir, extras())
			put(t, dir, map[string]string{"index.html": "<html></html>"})
			_, err := folder.Load(dir)
			if err == nil || err.Error() != "bundle.yaml:"+c.want {
				t.Errorf("\n got %v\nwant bundle.yaml:%s", err, c.want)
			}
		})
	}
}
