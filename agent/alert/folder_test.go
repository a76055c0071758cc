//go:build unix

package alert_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"vitrine/agent/alert"
)

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("b.xml", wrap(head(map[string]string{"identifier": "b"})))
	write("A.XML", wrap(head(map[string]string{"identifier": "a"})))
	write("note.txt", "not a message")
	write(".hidden.xml", wrap(head(map[string]string{"identifier": "hidden"})))
	write("broken.xml", "<alert>")
	write("huge.xml", wrap(head(nil)+strings.Repeat(" ", 2<<20)))
	outside := filepath.Join(t.TempDir(), "outside.xml")
	if err := os.WriteFile(outside, []byte(wrap(head(map[string]string{"identifier": "outside"}))), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"link.xml":   os.Symlink(outside, filepath.Join(dir, "link.xml")),
		"pipe.xml":   syscall.Mkfifo(filepath.Join(dir, "pipe.xml"), 0o600),
		"folder.xml": os.Mkdir(filepath.Join(dir, "folder.xml"), 0o700),
	} {
		if err != nil {
			t.Fatalf("make %s: %v", name, err)
		}
	}
	found, err := alert.Folder(dir)
	var ids []string
	for _, m := range found {
		ids = append(ids, m.Identifier)
	}
	if got := strings.Join(ids, " "); got != "a b" {
		t.Errorf("read: %q, want \"a b\"", got)
	}
	if err == nil {
		t.Fatal("nothing was said of the files that could not be read")
	}
	for _, name := range []string{"broken.xml", "huge.xml", "link.xml", "pipe.xml", "folder.xml"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("nothing was said of %s: %v", name, err)
		}
	}
	if !strings.Contains(err.Error(), "pipe.xml: it is not a plain file") {
		t.Errorf("a named pipe was opened as if it were a file: %v", err)
	}
	if strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "note.txt") {
		t.Errorf("it reads what is not for it: %v", err)
	}
}

func TestAFolderThatIsNotThere(t *testing.T) {
	if _, err := alert.Folder(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no error")
	}
}
