package importer_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"testing"

	"vitrine/usb/importer"
	"vitrine/usb/udisks"
)

func TestSmallFilesBesideTheBundleAreReadByName(t *testing.T) {
	s := write(t)
	s.put(t, "stick.json", []byte(`{"format":"vitrine-stick/1","manifest":"","roots":1,"parcels":["settings.json"]}`))
	s.put(t, "parcels/settings.json", []byte("{}"))
	s.put(t, "parcels/large", make([]byte, 4096))
	tree, err := importer.Open(s.dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	if p := tree.Parcels(); len(p) != 1 || p[0] != "settings.json" {
		t.Errorf("parcels %q", p)
	}
	if b, err := tree.File(t.Context(), "parcels/settings.json", 10); err != nil || string(b) != "{}" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := tree.File(t.Context(), "parcels/none", 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("one that is not there: %v", err)
	}
	if _, err := tree.File(t.Context(), "parcels/large", 4095); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("one that is too long: %v", err)
	}
	r, size, err := tree.Stream(t.Context(), "parcels/large", 4000)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if b, err := io.ReadAll(r); err != nil || len(b) != 96 || size != 4096 {
		t.Errorf("%d of %d bytes, %v", len(b), size, err)
	}
	for _, name := range []string{"", "/etc/passwd", "../x", "parcels/../stick.json", ".hidden", "parcels/", "A", "a/b/c/d", "parcels/\x00"} {
		if _, err := tree.File(t.Context(), name, 10); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q was looked for: %v", name, err)
		}
	}
}

func TestAReplyIsWrittenOnceTheImportIsOver(t *testing.T) {
	s := write(t)
	p := &port{events: make(chan udisks.Event), mounted: func(udisks.Stick) (string, error) { return s.dir, nil }}
	k := taker{make(chan take)}
	stop := run(t, importer.Config{Sticks: p, Taker: k, Log: slog.New(slog.DiscardHandler)})
	defer stop()
	text := func(b string) func(context.Context, io.Writer) error {
		return func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, b); return err }
	}
	p.events <- udisks.Event{Stick: udisks.Stick{Device: "one"}}
	got := <-k.takes
	done := make(chan error, 2)
	tell := func(err error) { done <- err }
	s.put(t, "results/lobby.json.part", []byte("left by a cut"))
	for _, r := range []importer.Reply{
		{Name: "results/lobby.json", Size: 5, Fill: text("taken"), Done: tell},
		{Name: "exports/lobby/plays", Size: 5, Fill: text("longer"), Done: tell},
	} {
		if err := got.tree.Reply(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"stick.json", "b/00", "m/x.json", "root/1.json", "w/x", "parcels/x", "../x"} {
		if err := got.tree.Reply(importer.Reply{Name: name}); err == nil {
			t.Errorf("a reply may be called %q", name)
		}
	}
	got.end <- nil
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil || !strings.Contains(err.Error(), "longer") {
		t.Errorf("a reply that outgrew its size: %v", err)
	}
	if b, err := os.ReadFile(s.file("results/lobby.json")); err != nil || string(b) != "taken" {
		t.Errorf("%q, %v", b, err)
	}
	for _, name := range []string{"results/lobby.json.part", "exports/lobby/plays", "exports/lobby/plays.part"} {
		if _, err := os.Lstat(s.file(name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there: %v", name, err)
		}
	}
}

func TestAReplyNeverLeavesTheStick(t *testing.T) {
	s, outside := write(t), t.TempDir()
	if err := os.Symlink(outside, s.file("results")); err != nil {
		t.Fatal(err)
	}
	err := importer.WriteReplies(t.Context(), s.dir, []importer.Reply{{Name: "results/x.json", Size: 1, Fill: func(context.Context, io.Writer) error { return nil }}})
	if err == nil {
		t.Error("written through a link")
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) != 0 {
		t.Errorf("outside are %v, %v", left, err)
	}
}
