package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle/folder"
)

// put writes a file for an import.
func put(t testing.TB, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func content(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// ics is a calendar of entries, each the lines of a VEVENT.
func ics(entries ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + "BEGIN:VEVENT\r\n" + strings.Join(entries, "\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

func TestACalendarsEntriesBecomeEventsOfTheFolder(t *testing.T) {
	dir := lobbyDir(t)
	before := content(t, filepath.Join(dir, yaml))
	file := put(t, filepath.Join(t.TempDir(), "house.ics"), ics(
		"UID:1\r\nSUMMARY:Fermé\\, été\r\nDTSTART;VALUE=DATE:20990810\r\nDTEND;VALUE=DATE:20990817",
		"UID:2\r\nSUMMARY:Time\r\nDTSTART;TZID=Europe/Paris:20990105T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY",
		"UID:3\r\nSUMMARY:Long ago\r\nDTSTART;VALUE=DATE:20200101"))
	refuses(t, exitRefused, `house.ics:3: "Fermé, été" is not imported: no scene has its name: give --scene`, "import", file, "--into", dir)
	if content(t, filepath.Join(dir, yaml)) != before {
		t.Error("a refused import has changed the file")
	}
	with := []string{"import", file, "--into", dir, "--scene", "programme", "--priority", "7"}
	printed := right(t, append(with, "--print")...)
	if content(t, filepath.Join(dir, yaml)) != before {
		t.Error("--print has changed the file")
	}
	o := vitrine(t, "", with...)
	if o.code != exitRight || !strings.Contains(o.out, "2 events more") || !strings.Contains(o.errors, "1 event left out, because that is over") {
		t.Fatalf("exit %d: %s%s", o.code, o.out, o.errors)
	}
	after := content(t, filepath.Join(dir, yaml))
	added := strings.TrimPrefix(printed, "events:\n")
	if i := strings.Index(after, added); i < 0 || after[:i]+after[i+len(added):] != before {
		t.Errorf("the file is not what it was with %q in it:\n%s", added, after)
	}
	for at, want := range map[string]string{"2099-08-16T23:59": "scheduled, showing programme", "2099-08-17T03:00": "default", "2099-01-12T08:30": "scheduled, showing programme",
		"2099-01-12T09:00": "default"} {
		if out := right(t, "explain", dir, "--at", at); !strings.Contains(out, want) {
			t.Errorf("at %s: %q; want %q", at, out, want)
		}
	}
	if out := right(t, with...); !strings.Contains(out, "nothing to import") || content(t, filepath.Join(dir, yaml)) != after {
		t.Errorf("the same calendar a second time: %q", out)
	}
	if out := right(t, append(with, "--past", "--print")...); !strings.Contains(out, "# Long ago (house.ics)") || strings.Contains(out, "Fermé") {
		t.Errorf("with --past: %q", out)
	}
}

func TestAnEntryThatCannotBeIsNamedAndTheRestCanBeHad(t *testing.T) {
	dir := lobbyDir(t)
	file := put(t, filepath.Join(t.TempDir(), "x.ics"), ics("UID:1\r\nSUMMARY:time\r\nDTSTART;VALUE=DATE:20990810", "UID:2\r\nSUMMARY:time\r\nDTSTART:20990810T100000\r\nDURATION:PT1H\r\nRRULE:FREQ=HOURLY"))
	refuses(t, exitRefused, `x.ics:8: "time" is not imported: rrule FREQ=HOURLY does not work`, "import", file, "--into", dir)
	refuses(t, exitRefused, "nothing is imported, because 1 of its entries cannot be", "import", file, "--into", dir)
	if out := right(t, "import", file, "--into", dir, "--partly"); !strings.Contains(out, "1 event more") {
		t.Errorf("%q", out)
	}
}

// A calendar comes from strangers: its texts stay in comments, its ids are letters, and no more is in the file than events.
func TestAHostileNameStaysInItsComment(t *testing.T) {
	for _, name := range []string{`x\n  - id: evil\n    items: [time]`, "x\u2028- id: evil", "x\u0085- id: evil", "\t- id: evil", "# ]}\"'", strings.Repeat("é", 5000), "", "../../etc", "\ufeff"} {
		dir := lobbyDir(t)
		file := put(t, filepath.Join(t.TempDir(), "x\n- y.ics"), ics("UID:1\r\nSUMMARY:"+name+"\r\nDTSTART;VALUE=DATE:20990810"))
		right(t, "import", file, "--into", dir, "--scene", "time")
		f, err := folder.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(f.Manifest.Schedule.Events); n != 2 || f.Manifest.Schedule.Events[1].StartDate != "2099-08-10" {
			t.Errorf("%q has made %d events: %+v", name, n, f.Manifest.Schedule.Events)
		}
	}
}

func TestAPlaylistBecomesAScene(t *testing.T) {
	dir := lobbyDir(t)
	put(t, filepath.Join(dir, "media/été, soir.jpg"), content(t, filepath.Join(dir, "media/dusk.jpg")))
	put(t, filepath.Join(dir, "media/clip.ts"), "\x47"+strings.Repeat("\x00", 187)+"\x47"+strings.Repeat("\x00", 187)+"\x47"+strings.Repeat("\x00", 187))
	file := put(t, filepath.Join(dir, "media", "Été 2027.m3u"), "\ufeff#EXTM3U\r\n#EXTINF:12,Dawn\r\ndawn.jpg\r\n#EXTINF:1.5 tvg-id=\"x\",Evening\r\n./été, soir.jpg\r\n\r\n#EXTINF:-1,\r\nmedia\\night.jpg\r\n#EXTINF:33,Film\r\nfile://"+
		filepath.ToSlash(dir)+"/media/clip.ts\r\n")
	right(t, "import", file, "--into", dir, "--for", "9s")
	f, err := folder.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	type item struct {
		src string
		d   time.Duration
	}
	var got []item
	for _, i := range f.Manifest.Scenes["t-2027"].Zones[0].Playlist {
		got = append(got, item{i.Src, time.Duration(i.For)})
	}
	want := []item{{"media/dawn.jpg", 12 * time.Second}, {"media/été, soir.jpg", 1500 * time.Millisecond}, {"media/night.jpg", 9 * time.Second}, {"media/clip.ts", 0}}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("item %d is %v; want %v", i, got[i], want[i])
		}
	}
	refuses(t, exitRefused, "there is a scene t-2027 already", "import", file, "--into", dir)
}

func TestAPlaylistOfChannelsBecomesStreams(t *testing.T) {
	dir := lobbyDir(t)
	file := put(t, filepath.Join(dir, "tv.m3u"), "#EXTM3U\n#EXTINF:-1,One\nudp://@239.0.0.1:5004\n#EXTINF:90,Two\nhttps://tv.example/two/live.m3u8\nsrt://encoder:9000\n")
	right(t, "import", file, "--into", dir, "--for", "5m")
	f, err := folder.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range f.Manifest.Scenes["tv"].Zones[0].Playlist {
		got = append(got, fmt.Sprint(i.Kind, " ", i.Src, " ", time.Duration(i.For)))
	}
	want := "[stream udp://@239.0.0.1:5004 5m0s stream https://tv.example/two/live.m3u8 1m30s stream srt://encoder:9000 5m0s]"
	if fmt.Sprint(got) != want {
		t.Errorf("%v; want %s", got, want)
	}
}

func TestAPlaylistNamesOnlyFilesThatAreInTheFolder(t *testing.T) {
	outside := put(t, filepath.Join(t.TempDir(), "secret.jpg"), "x")
	for _, test := range []struct{ name, text, says string }{
		{"a file that is not there", "dawn2.jpg", "there is no file dawn2.jpg in the folder"},
		{"a file elsewhere", outside, "it is not in the folder: copy it to media/secret.jpg"},
		{"a way out", "../../../../../../etc/passwd", "it is not in the folder"},
		{"a link that leads out", "media/out.jpg", "leads out of the folder"},
		{"an address", "https://example.org/a.mp4", "it is an address"},
		{"a camera with a password", "rtsp://me:pw@camera/1", "which everyone with the bundle could read"},
		{"a stream without a port", "udp://239.0.0.1", "needs a port"},
		{"another machine", "file://server/a.mp4", "not that of a file on this machine"},
		{"a file that no screen shows", "data/news.csv", "data/news.csv is neither a picture nor a video"},
		{"a stream", "#EXT-X-TARGETDURATION:10\na.ts", "HLS"},
		{"nothing", "#EXTM3U\n", "names no file"},
		{"no playlist at all", "\x00\x01\x02", "control characters"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := lobbyDir(t)
			if err := os.Symlink(outside, filepath.Join(dir, "media/out.jpg")); err != nil {
				t.Fatal(err)
			}
			before := content(t, filepath.Join(dir, yaml))
			refuses(t, exitRefused, test.says, "import", put(t, filepath.Join(dir, "x.m3u8"), test.text), "--into", dir)
			if content(t, filepath.Join(dir, yaml)) != before {
				t.Error("the file has changed")
			}
		})
	}
}

func TestAnImportKnowsWrongUse(t *testing.T) {
	dir := lobbyDir(t)
	refuses(t, exitUsage, "--into DIR", "import", "x.ics")
	refuses(t, exitUsage, "not a time zone", "import", "x.ics", "--into", dir, "--zone", "Mars")
	refuses(t, exitRefused, "there is no file", "import", filepath.Join(dir, "none.ics"), "--into", dir)
	refuses(t, exitRefused, "neither a calendar", "import", put(t, filepath.Join(dir, "x.txt"), "hello"), "--into", dir)
	refuses(t, exitUsage, "cannot be a scene's name", "import", put(t, filepath.Join(dir, "x.m3u"), "a.jpg"), "--into", dir, "--scene", "a b")
	edit(t, dir, yaml, "events:\n", "events: &all\n")
	file := put(t, filepath.Join(t.TempDir(), "x.ics"), ics("UID:1\r\nSUMMARY:time\r\nDTSTART;VALUE=DATE:20990810"))
	refuses(t, exitRefused, "take what --print writes", "import", file, "--into", dir)
}

func FuzzReadM3U(f *testing.F) {
	f.Add([]byte("#EXTM3U\n#EXTINF:12,a\na.jpg\r\nb.mp4"))
	f.Add([]byte("\xe9t\xe9.jpg"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tracks, err := readM3U(b)
		if (err == nil) != (len(tracks) > 0) {
			t.Errorf("%d tracks, %v", len(tracks), err)
		}
		for _, one := range tracks {
			if one.name == "" || strings.ContainsAny(one.name, "\r\n\x00") || one.length < 0 || one.length > 24*time.Hour || one.line < 1 {
				t.Errorf("%+v", one)
			}
		}
	})
}
