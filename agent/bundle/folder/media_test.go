package folder_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/agent/bundle/folder"
)

func TestAMediumIsJudgedByItsContent(t *testing.T) {
	good := media(t)
	for name, c := range map[string]struct {
		content string
		says    string // "" = taken
	}{
		"a video":                             {good["media/a.mp4"], ""},
		"a fragmented video":                  {good["media/a.mp4"][:24] + box("moof", 32) + box("mdat", 8), ""},
		"an empty file":                       {"", "is empty"},
		"a portal's page":                     {"<!DOCTYPE html><html>sign in</html>", "it is an HTML page"},
		"a text":                              {"hello", "it is a text"},
		"a picture with a video's name":       {good["media/c.png"], "has no length"},
		"an office document":                  {"PK\x03\x04xxxx", "office document"},
		"noise":                               {"\x00\x01\x02\x03\xff\xfe\xfd", "of a kind that is not known"},
		"a video that is cut off":             {good["media/a.mp4"][:150], `it ends before its part "mdat" does`},
		"a video that is cut off in a header": {good["media/a.mp4"][:26], "cut off"},
		"a video without its index":           {good["media/a.mp4"][:24] + box("mdat", 100), "index (moov) is missing"},
		"a video with a box of no length":     {good["media/a.mp4"][:24] + "\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x02", "it ends before"},
		"a picture that is cut off":           {good["media/c.png"][:len(good["media/c.png"])-6], "its end is missing"},
		"a picture without a header":          {"\x89PNG\r\n\x1a\n", "damaged"},
		"a photo that is cut off":             {good["media/b.jpg"][:len(good["media/b.jpg"])-2], "its end is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, example)
			if err := os.WriteFile(filepath.Join(dir, "media/welcome.mp4"), []byte(c.content), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := folder.Load(dir)
			switch {
			case c.says == "" && err != nil:
				t.Error(err)
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
				t.Errorf("%v; want it to say %q", err, c.says)
			}
		})
	}
}

func TestLinksMayNotLeaveTheFolder(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.mp4")
	if err := os.WriteFile(secret, []byte(media(t)["media/a.mp4"]), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ link, says string }{
		"out, absolute": {secret, "leads out of the folder"},
		"out, relative": {"../../" + filepath.Base(filepath.Dir(secret)) + "/secret.mp4", "leads out of the folder"},
		"within":        {"a.mp4", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folderOf(t, example)
			p := filepath.Join(dir, "media/welcome.mp4")
			if err := errors.Join(os.Remove(p), os.Symlink(c.link, p)); err != nil {
				t.Fatal(err)
			}
			_, err := folder.Load(dir)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v; want it to say %q", err, c.says)
			}
		})
	}
}
