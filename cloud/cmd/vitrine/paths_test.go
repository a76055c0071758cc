package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPathThatLeadsNowhereIsToldWithWhatToDoNext(t *testing.T) {
	lobby := lobbyDir(t)
	dir := t.TempDir()
	full, none := filepath.Join(dir, "full"), filepath.Join(dir, "none")
	if err := os.Mkdir(full, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(full, "notes.txt")
	if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	for name, tc := range map[string]struct {
		args      []string
		says, not string
	}{
		"a folder that is not there":         {[]string{"check", none}, `there is no folder ` + none + `: "vitrine new ` + none + `" makes one that works`, "no such file"},
		"an empty folder":                    {[]string{"check", empty}, `"vitrine new ` + empty + `" makes a folder that works`, "not empty"},
		"a folder of other things":           {[]string{"check", full}, "there is no bundle.yaml in " + full + ", and it is not empty: give the bundle's own folder", "vitrine new " + full},
		"a file for a folder":                {[]string{"check", file}, file + " is a file: give the folder that has bundle.yaml in it", "not a directory"},
		"a calendar that is not there":       {[]string{"import", none + ".ics", "--into", lobby}, "there is no file " + none + ".ics: give the path of a calendar (.ics) or a playlist (.m3u, .m3u8)", "no such file"},
		"a bundle that is not one to import": {[]string{"import", none + ".vitrine", "--into", lobby}, `a player takes a built bundle by "vitrine-player import"`, "no such file"},
		"a bundle that is not there":         {[]string{"inspect", none + ".vitrine"}, `there is no bundle at ` + none + `.vitrine: give the path of one that "vitrine build" has written`, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			o := vitrine(t, "", tc.args...)
			if o.code != exitRefused || !strings.Contains(o.errors, tc.says) || strings.Contains(o.errors, tc.not) {
				t.Errorf("exit %d: %s", o.code, o.errors)
			}
		})
	}
}

func TestWhatATerminalWouldObeyIsReplaced(t *testing.T) {
	for text, want := range map[string]string{
		"Lobby left": "Lobby left",
		"Café – 東京 👩\u200d🍳 می\u200cخواهم": "Café – 東京 👩\u200d🍳 می\u200cخواهم",
		"a\x1b[2Jb\x7f\u009b":                                  "a?[2Jb??",
		"\u202a\u202b\u202c\u202d\u202e":                       "?????",
		"\u2066\u2067\u2068\u2069":                             "????",
		"\u200b\u200e\u200f\u061c\ufeff\u00ad\u2060\U000e0041": "????????",
		"one\u2028two\u2029":                                   "one?two?",
	} {
		if got := printable(text); got != want {
			t.Errorf("%+q becomes %+q, want %+q", text, got, want)
		}
	}
}
