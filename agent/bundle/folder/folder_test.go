package folder_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle/folder"
	"vitrine/render/scene"
)

// box is one part of an MP4 file.
func box(name string, size int) string {
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, uint32(size))
	copy(b[4:], name)
	return string(b)
}

// media are small files that are what they say.
func media(t testing.TB) map[string]string {
	t.Helper()
	var p, j bytes.Buffer
	img := image.NewGray(image.Rect(0, 0, 8, 8))
	if err := errors.Join(png.Encode(&p, img), jpeg.Encode(&j, img, nil)); err != nil {
		t.Fatal(err)
	}
	ftyp := box("ftyp", 24)
	return map[string]string{
		"media/a.mp4":       ftyp[:8] + "isom" + ftyp[12:] + box("moov", 64) + box("mdat", 100),
		"media/welcome.mp4": ftyp[:8] + "mp42" + ftyp[12:] + box("mdat", 90) + box("moov", 64),
		"media/b.jpg":       j.String(),
		"media/c.png":       p.String(),
		"data/menus.csv":    "title;price\nSoup;4\n",
		"data/news.txt":     "first\nsecond\n",
		"fonts/x.ttf":       "\x00\x01\x00\x00" + strings.Repeat("x", 100),
	}
}

// folderOf writes a bundle.yaml among the media.
func folderOf(t testing.TB, yaml string) string {
	t.Helper()
	dir := t.TempDir()
	files := media(t)
	files[folder.File] = yaml
	for p, content := range files {
		full := filepath.Join(dir, filepath.FromSlash(p))
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// The example of the architecture's page, with its sources filled in.
const example = `id: lobby            # stable; the serial grows at every build
zone: Europe/Paris
canvas: {width: 1920, height: 1080}
sources:
  menus: {type: delimited, separator: ";", location: {type: bundle, path: data/menus.csv}, limits: {rows: 2000, bytes: 16MiB}}
  news: {type: text, location: {type: bundle, path: data/news.txt}, refresh: {every: 5m, jitter: 20s}, keep: {maxAge: 36h, whenExpired: hide}}
scenes:
  welcome: {media: media/welcome.mp4}      # full screen, its own length
  board:
    for: 20s
    zones:
      - {at: [0, 0, 1280, 972], playlist: [media/a.mp4, {image: media/b.jpg, for: 8s}]}
      - {at: [1280, 0, 640, 972], table: {source: menus, columns: [title, price]}}
      - {at: [0, 972, 1920, 108], ticker: {source: news, text: "{{.text}}"}}
events:
  - id: lunch
    items: [board]
    days: [1, 2, 3, 4, 5]
    windows: [["11:30", "14:00"]]
    weekdayWindows: {6: [["10:00", "12:00"]], 7: []}
    target: {groups: [canteen]}
defaults: {fleet: [welcome]}
fallback: [welcome]
tests:
  - {at: "2027-01-04T12:30", player: {groups: [canteen]}, expect: [board]}
  - {at: "2027-01-04T12:30", expect: [welcome]}
`

func TestTheExampleIsTakenAsItStands(t *testing.T) {
	f, err := folder.Load(folderOf(t, example))
	if err != nil {
		t.Fatal(err)
	}
	m := f.Manifest
	welcome, board := m.Scenes["welcome"], m.Scenes["board"]
	if w := welcome.Zones[0]; w.At != (scene.Rect{0, 0, 1920, 1080}) || w.Playlist[0].Kind != scene.Video || welcome.For != 0 || w.Playlist[0].For != 0 {
		t.Errorf("welcome: %+v; want a video of its own length that fills the canvas", welcome)
	}
	if list := board.Zones[0].Playlist; list[0].Kind != scene.Video || list[1].Kind != scene.Image || time.Duration(list[1].For) != 8*time.Second {
		t.Errorf("playlist: %+v", list)
	}
	if c := board.Zones[1].Table.Columns; len(c) != 2 || c[1].Name != "price" {
		t.Errorf("columns: %+v", c)
	}
	if m.Sources["menus"].Limits.Bytes != 16<<20 {
		t.Errorf("limit of %d bytes; want 16 MiB", m.Sources["menus"].Limits.Bytes)
	}
	if w := m.Schedule.Events[0].WeekdayWindows; len(w) != 2 || w["7"] == nil || len(w["7"]) != 0 {
		t.Errorf("weekday windows: %v; Sunday must be an empty list", w)
	}
	if failed := f.RunTests(); len(failed) > 0 {
		t.Errorf("its tests fail: %v", failed)
	}
	if want := []string{"fonts/x.ttf", "media/c.png"}; !slices.Equal(f.Unused, want) {
		t.Errorf("unused: %v; want %v", f.Unused, want)
	}
}

// with changes one line of the example.
func with(old, new string) string {
	if !strings.Contains(example, old) {
		panic("not in the example: " + old)
	}
	return strings.Replace(example, old, new, 1)
}

func TestEveryFaultHasItsPlaceAndARemedy(t *testing.T) {
	for name, c := range map[string]struct {
		yaml string
		want string // the lines of the error, all of them
	}{
		"a field's name has a typing error": {with("playlist: [media", "playlst: [media"),
			`bundle.yaml:12:33: unknown field "playlst" in a zone; write "playlist"`},
		"a field belongs to nothing": {with("zone: Europe/Paris", "zone: Europe/Paris\nphase: moon"),
			`bundle.yaml:3:1: unknown field "phase" in the bundle; allowed are actions, audio, canvas, dayparts, defaults, events, expires, fallback, id, locale, name, scenes, sources, targets, tests, untrustedClock, workingHours, zone`},
		"a text is where a number must be": {with("width: 1920", `width: "1920"`),
			`bundle.yaml:3:17: this is a text; write a whole number`},
		"a length has no unit": {with("for: 20s", "for: 20"),
			`bundle.yaml:10:10: this is a number; write a length of time such as 20s or 1m30s`},
		"a medium is not there": {with("media/welcome.mp4", "media/welcme.mp4"),
			`bundle.yaml:8:20: there is no file media/welcme.mp4; write media/welcome.mp4`},
		"a medium has another case": {with("media/b.jpg", "media/B.JPG"),
			`bundle.yaml:12:65: there is no file media/B.JPG; write media/b.jpg`},
		"a medium is outside of the folder": {with("media/b.jpg", "../b.jpg"),
			`bundle.yaml:12:65: "../b.jpg" is not a path within the bundle's folder; copy the file into the folder and write its path with /, such as media/a.mp4`},
		"a field is written twice": {with("zone: Europe/Paris", "zone: Europe/Paris\nid: other"),
			`bundle.yaml:3:1: "id" is written twice; it is also in line 1; keep one of them`},
		"a line is indented with a tab": {with("    for: 20s", "\tfor: 20s"),
			`bundle.yaml:10:1: the line is indented with a tab; write spaces, two a level`},
		"a zone names an unknown source": {with("source: menus", "source: menu"),
			`bundle.yaml:13:51: there is no source "menu"; write menus`},
		"an event shows an unknown scene": {with("items: [board]", "items: [bord]"),
			`bundle.yaml:17:13: there is no scene "bord"; write board`},
		"a default is an unknown scene": {with("fleet: [welcome]", "fleet: [hello]"),
			`bundle.yaml:22:20: there is no scene "hello"; the scenes are board, welcome`},
		"a test expects an unknown scene": {with("expect: [board]", "expect: [boards]"),
			`bundle.yaml:25:68: there is no scene "boards"; write board`},
		"a picture has no length": {with("{image: media/b.jpg, for: 8s}", "media/b.jpg"),
			`bundle.yaml:12:57: media/b.jpg is a picture and has no length; write {image: media/b.jpg, for: 8s}`},
		"a scene that is a picture has no length": {with("media: media/welcome.mp4", "media: media/b.jpg"),
			`bundle.yaml:8:3: media/b.jpg is a picture and has no length; write for: 10s in the scene`},
		"nothing gives a scene a length": {with("    for: 20s\n    zones:\n      - {at: [0, 0, 1280, 972], playlist: [media/a.mp4, {image: media/b.jpg, for: 8s}]}", "    zones:"),
			`bundle.yaml:9:3: the scene has no length, and no playlist that could give it one; write for: 20s in it`},
		"a video is said to be a picture": {with("{image: media/b.jpg", "{image: media/a.mp4"),
			`bundle.yaml:12:65: media/a.mp4 is an MP4 video; write video: media/a.mp4`},
		"a zone is outside of the canvas": {with("at: [1280, 0", "at: [1920, 0"),
			`bundle.yaml:13:14: the zone is outside of the canvas, which has 1920 x 1080 pixels; write [x, y, width, height] so that a part of it is inside`},
		"a zone has no height": {with("[0, 972, 1920, 108]", "[0, 972, 1920, 0]"),
			`bundle.yaml:14:14: the zone's width and height are 1920 and 0; write [x, y, width, height], width and height at least 1`},
		"a zone's place has three numbers": {with("[0, 972, 1920, 108]", "[0, 972, 1920]"),
			`bundle.yaml:14:14: there are 3 here; at least 4 are needed`},
		"a zone has no place": {with("{at: [0, 972, 1920, 108], ticker", "{ticker"),
			`bundle.yaml:14:9: a zone needs "at"`},
		"a zone shows nothing": {with(`, ticker: {source: news, text: "{{.text}}"}`, ""),
			`bundle.yaml:14:9: a zone has nothing to show; write one of "playlist", "image", "video", "document", "web", "stream", "cards", "weather", "calendar", "text", "ticker", "clock", "table", "qr", "countdown", "chart", "shape" or "background"`},
		"a zone shows two things": {with(", ticker: {source", ", text: hello, ticker: {source"),
			`bundle.yaml:14:48: the zone has both "text" and "ticker"; make two zones of it, or keep one of them`},
		"a scene is two things": {with("{media: media/welcome.mp4}", "{media: media/welcome.mp4, playlist: [media/a.mp4]}"),
			`bundle.yaml:8:12: a scene has both "media" and "playlist"; keep one of them`},
		"a font is not there": {with(`text: "{{.text}}"`, `text: "{{.text}}", style: {font: fonts/y.ttf}`),
			`bundle.yaml:14:91: there is no file fonts/y.ttf; write fonts/x.ttf`},
		"a font is a picture": {with(`text: "{{.text}}"`, `text: "{{.text}}", style: {font: [Arial, media/c.png]}`),
			`bundle.yaml:14:99: media/c.png is not a font, it is a PNG picture; use a TrueType or OpenType file (.ttf, .otf, .ttc)`},
		"a template is cut off": {with("{{.text}}", "{{.text}"),
			`bundle.yaml:14:64: the text's {{…}} is not right: bad character U+007D '}'; write {{.title}} for the column title, {{if .title}}…{{end}} for when there is one`},
		"a template calls a function": {with("{{.text}}", "{{print .text}}"),
			`bundle.yaml:14:64: the text's {{…}} is not right: {{print .text}} is more than a column; write {{.title}} for the column title, {{if .title}}…{{end}} for when there is one`},
		"a template has no source": {with("source: news, ", ""),
			`bundle.yaml:14:50: the text has {{…}} but the ticker has no source; write source: with the name of one of the sources`},
		"a clock never changes": {with(`ticker: {source: news, text: "{{.text}}"}`, `clock: "HH:mm"`),
			`bundle.yaml:14:42: the clock's format "HH:mm" never changes; write how Monday 2 January 2006, 15:04:05 would look, such as "15:04" or "Monday 2 January"`},
		"a time zone does not exist": {with("zone: Europe/Paris", "zone: Europe/Pari"),
			`bundle.yaml:2:7: "Europe/Pari" is not a time zone; write an IANA name, such as Europe/Paris`},
		"a colour is a word": {with("for: 20s", "for: 20s\n    background: red"),
			`bundle.yaml:11:17: "red" is not as it must be; write a colour such as "#1a2b3c"`},
		"a weekday does not exist": {with("[1, 2, 3, 4, 5]", "[1, 2, 8]"),
			`bundle.yaml:18:18: 8 is too great; the most is 7`},
		"a kind of event is misspelt": {with("items: [board]", "items: [board]\n    kind: emergancy"),
			`bundle.yaml:18:11: "emergancy" is not known here; write "emergency"; allowed are main, interrupt, overlay, takeover, emergency`},
		"a recurrence cannot be read": {with("days: [1, 2, 3, 4, 5]", `rrule: "FREQ=WEEKLY;BYDAY=XX"`),
			`bundle.yaml:18:12: rrule BYDAY=XX does not work at "XX": write weekdays such as MO,FR, or numbered ones such as 1MO,-1FR`},
		"two events have one id": {with("defaults:", "  - {id: lunch, items: [board]}\ndefaults:"),
			`bundle.yaml:22:10: event "lunch" is there twice; the other is in line 16; give it another id`},
		"a source's type is misspelt": {with("type: delimited", "type: delimted"),
			`bundle.yaml:5:17: "delimted" is not known here; write "delimited"; allowed are text, lines-with-dates, delimited, rtf, xlsx, xls, ods, feed, xml, json, access, sql, odbc, ical, caldav, exchange, graph, google, domino, folder, gtfs`},
		"a source's file is not there": {with("data/menus.csv", "data/menu.csv"),
			`bundle.yaml:5:75: there is no file data/menu.csv; write data/menus.csv`},
		"an address has a password": {with("{type: bundle, path: data/news.txt}", "{type: https, url: \"https://me:secret@example.com/x\"}"),
			`bundle.yaml:6:51: the address has a name and a password in it, which everyone with the bundle could read; take them out and write auth: {secret: …} with the name of a secret that the player holds`},
		"a charset is not known": {with("type: text,", "type: text, charset: klingon,"),
			`bundle.yaml:6:31: the charset "klingon" is not known; write utf-8, windows-1252, iso-8859-1 or utf-16le`},
		"a test is on no day": {with("2027-01-04T12:30", "2027-02-30T12:30"),
			`bundle.yaml:25:10: "2027-02-30T12:30" is not a time that exists; write it like "2027-01-04T12:30"`},
		"nothing says when": {"id: x\nscenes:\n  a: {media: media/a.mp4}\n",
			`bundle.yaml:1:1: nothing says when a scene shows; write defaults: {fleet: [a]}`},
		"the file is empty":         {"# nothing\n", `bundle.yaml:1:1: the file is empty; "vitrine new" makes one that works`},
		"the file is a list":        {"- a\n", `bundle.yaml:1:1: this is a list; write a group of fields`},
		"a value is missing":        {"id:\nscenes:\n  a: {media: media/a.mp4}\nfallback: [a]\n", `bundle.yaml:1:4: there is nothing here; write 1 to 64 letters, digits, ".", "_" or "-"`},
		"a second document follows": {"id: x\n---\nid: y\n", `bundle.yaml:3:1: a second document begins; keep one document; take the --- out`},
		"it is not YAML":            {"id: x: y\n", `bundle.yaml:1:5: this is not YAML: mapping value is not allowed in this context; look for a missing colon, quote or bracket, or a wrong indentation, here and in the line above`},
		"it is not UTF-8":           {"id: x\nname: caf\xe9\n", `bundle.yaml:2:10: the file is not UTF-8; save it as UTF-8`},
		"an anchor is not there":    {with("fleet: [welcome]", "fleet: *gone"), `bundle.yaml:22:19: nothing is called &gone`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := folder.Load(folderOf(t, c.yaml))
			if err == nil {
				t.Fatalf("taken; want: %s", c.want)
			}
			if err.Error() != c.want {
				t.Errorf("\n got %s\nwant %s", err, c.want)
			}
		})
	}
}

func TestAllFaultsAreToldAtOnceInOrder(t *testing.T) {
	yaml := strings.NewReplacer("media/b.jpg", "media/x.jpg", "items: [board]", "items: [bord]", "zone: Europe/Paris", "zoneName: Europe/Paris", "for: 20s", "for: soon").Replace(example)
	_, err := folder.Load(folderOf(t, yaml))
	var all folder.Problems
	if !errors.As(err, &all) {
		t.Fatal(err)
	}
	var lines []int
	for _, p := range all {
		lines = append(lines, p.Line)
	}
	if want := []int{2, 10, 12, 17}; !slices.Equal(lines, want) {
		t.Errorf("faults in lines %v; want %v:\n%v", lines, want, err)
	}
}

func TestShortFormsHaveOneMeaning(t *testing.T) {
	f, err := folder.Load(folderOf(t, `id: x
scenes:
  a:
    zones:
      - {at: [0, 0, 100, 100], image: media/c.png, z: 3}
      - {at: [0, 0, 100, 100], playlist: [media/a.mp4], fit: contain, volume: 40}
      - &here {at: [0, 0, 50, 50], text: hello, background: "#AABBCC"}
      - {at: [0, 0, 10, 10], qr: "https://example.com"}
      - {at: [0, 0, 10, 10], background: "#000000"}
  b:
    for: 5s
    zones:
      - <<: *here
        text: {text: other, style: {font: fonts/x.ttf, size: 9}}
      - {at: [0, 0, 100, 100], image: media/c.png}
      - {at: [0, 0, 100, 100], clock: {}}
      - {at: [0, 0, 100, 100], ticker: news}
fallback: [a, b]
`))
	if err != nil {
		t.Fatal(err)
	}
	a, b := f.Manifest.Scenes["a"], f.Manifest.Scenes["b"]
	if len(a.Zones[0].Playlist) != 1 || a.Zones[0].Playlist[0].Kind != scene.Video {
		t.Errorf("the first playlist gives a scene its length, so the video must come before the picture that stays: %+v", a.Zones)
	}
	if v := a.Zones[0].Playlist[0]; v.Fit != scene.Contain || v.Volume != 40 {
		t.Errorf("the zone's fit and volume are not its item's: %+v", v)
	}
	painted := slices.Clone(a.Zones)
	slices.SortStableFunc(painted, func(x, y scene.Zone) int { return x.Z - y.Z })
	if got := painted[len(painted)-1]; len(got.Playlist) != 1 || got.Playlist[0].Kind != scene.Image {
		t.Errorf("the picture with z 3 must still be painted last, not %+v", got)
	}
	if b.Zones[0].Text.Text != "other" || b.Zones[0].At != (scene.Rect{0, 0, 50, 50}) || b.Zones[0].Background != "#aabbcc" {
		t.Errorf("merged zone: %+v", b.Zones[0])
	}
	if b.Zones[0].Text.Style.Font[0] != "fonts/x.ttf" || b.Zones[1].Playlist[0].For != b.For || b.Zones[3].Ticker.Text != "news" {
		t.Errorf("short forms: %+v", b.Zones)
	}
}

func TestAliasesCannotGrowWithoutEnd(t *testing.T) {
	var y strings.Builder
	y.WriteString("id: &a0 x\n")
	for i := range 9 {
		y.WriteString("k" + string(rune('1'+i)) + ": &a" + string(rune('1'+i)) + " [" + strings.TrimSuffix(strings.Repeat("*a"+string(rune('0'+i))+", ", 10), ", ") + "]\n")
	}
	_, err := folder.Load(folderOf(t, y.String()))
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("%v; want it to be too large", err)
	}
}

func FuzzYAML(f *testing.F) {
	f.Add(example)
	f.Add("a: &a [*a]\n")
	dir := folderOf(f, example)
	f.Fuzz(func(t *testing.T, yaml string) {
		if err := os.WriteFile(filepath.Join(dir, folder.File), []byte(yaml), 0o644); err != nil {
			t.Fatal(err)
		}
		loaded, err := folder.Load(dir)
		var problems folder.Problems
		if errors.As(err, &problems) && len(problems) == 0 {
			t.Error("refused without a reason")
		}
		if err == nil {
			loaded.RunTests()
		}
	})
}
