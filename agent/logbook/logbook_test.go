package logbook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/agent/logbook"
)

func all(t *testing.T, b *logbook.Book) (out []string) {
	t.Helper()
	err := b.Lines(func(line []byte) error {
		if !json.Valid(line) {
			t.Errorf("%s is not JSON", line)
		}
		out = append(out, string(line))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEventsAreKeptOverARestartAndGoToTheLogToo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	var seen bytes.Buffer
	b := logbook.Open(dir)
	log := slog.New(b.Handler(slog.NewTextHandler(&seen, nil))).With("part", "store").WithGroup("g")
	log.Info("bundle taken", "seq", 4)
	log.Debug("not for people")
	if got := all(t, b); len(got) != 1 || !strings.Contains(got[0], `"bundle taken"`) || !strings.Contains(got[0], `"seq":4`) {
		t.Fatalf("kept %q", got)
	}
	if !strings.Contains(seen.String(), "bundle taken") || strings.Contains(seen.String(), "not for people") {
		t.Errorf("people see %s", seen.String())
	}
	again := logbook.Open(dir)
	slog.New(again.Handler(slog.DiscardHandler)).Info("nobody listens")
	if got := all(t, again); len(got) != 1 {
		t.Errorf("after a restart: %q", got)
	}
}

func TestTheRingIsBoundedAndGivesTheNewest(t *testing.T) {
	dir := t.TempDir()
	b := logbook.Open(dir)
	log := slog.New(b.Handler(slog.NewTextHandler(new(bytes.Buffer), nil)))
	pad := strings.Repeat("x", 4000)
	const n = 1500 // 6 MB
	for i := range n {
		log.Info("event", "n", i, "pad", pad)
		if i%40 == 0 {
			if err := b.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := all(t, b)
	if !strings.Contains(got[len(got)-1], fmt.Sprintf(`"n":%d,`, n-1)) || strings.Contains(got[0], `"n":0,`) {
		t.Errorf("from %.60s to %.60s", got[0], got[len(got)-1])
	}
	size := int64(0)
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range names {
		st, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += st.Size()
	}
	if size > 3<<20 || len(names) != 4 {
		t.Errorf("%d bytes in %d files", size, len(names))
	}
}

func TestATornLineIsLeftOutAndAReadOnlyDiskCostsTheLinesAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "log.0.jsonl"), []byte("{\"msg\":\"whole\"}\n{\"msg\":\"to"), 0o600); err != nil {
		t.Fatal(err)
	}
	torn := logbook.Open(dir)
	slog.New(torn.Handler(slog.NewTextHandler(new(bytes.Buffer), nil))).Info("written behind it")
	if got := all(t, torn); len(got) != 1 || !strings.Contains(got[0], "whole") {
		t.Errorf("got %q", got)
	}
	b := logbook.Open(filepath.Join(dir, "log.0.jsonl", "below a file"))
	slog.New(b.Handler(slog.NewTextHandler(new(bytes.Buffer), nil))).Info("event")
	if err := b.Flush(); err == nil {
		t.Error("it says that it was kept")
	}
}
