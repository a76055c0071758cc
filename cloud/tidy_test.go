package cloud_test

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"vitrine/cloud"
	"vitrine/cloud/api"
)

// later is a relay's clock that a test moves.
type later struct{ by atomic.Int64 }

func (l *later) now() time.Time { return time.Now().Add(time.Duration(l.by.Load())) }

func TestGarbageIsCollectedAndNothingElse(t *testing.T) {
	var clock later
	g := start(t, t.TempDir(), func(c *cloud.Config) { c.Now = clock.now })
	first := g.push(t, "lobby", 1, "the first picture")
	d := g.claimed(t, "Hall", "lobby")
	if _, err := d.Heartbeat(t.Context(), d.id, beat(1, 1, &first), 0); err != nil {
		t.Fatal(err)
	}
	second := g.push(t, "lobby", 2, "the second picture")
	third := g.push(t, "lobby", 3, "the third picture")
	lost := g.prepare(t, "lobby", 9, "pushed by half").Manifest.Blobs[0]
	put := func(content string) string {
		t.Helper()
		b := g.prepare(t, "x", 1, content).Manifest.Blobs[0]
		if err := g.admin.PutBlob(t.Context(), string(b.Digest), b.Size, bytes.NewReader([]byte(content)), nil); err != nil {
			t.Fatal(err)
		}
		return string(b.Digest)
	}
	blob := func(p api.Pointer) string {
		t.Helper()
		envelope, err := g.admin.Manifest(t.Context(), p.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		m, err := g.pub.Trust(t).Manifest(envelope)
		if err != nil {
			t.Fatal(err)
		}
		return string(m.Blobs[0].Digest)
	}
	old, middle, newest, orphan, asked := blob(first), blob(second), blob(third), put("an orphan"), put("one that a push counts on")
	there := func(digest string) bool {
		t.Helper()
		b, err := g.admin.Blob(t.Context(), digest, 0, -1, -1)
		if api.IsNotFound(err) {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		_, err = io.Copy(io.Discard, b)
		return err == nil
	}
	tidy := func(after time.Duration) {
		t.Helper()
		clock.by.Store(int64(after))
		if err := g.Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		clock.by.Store(0)
	}
	tidy(6 * 24 * time.Hour)
	for _, digest := range []string{old, middle, newest, orphan, asked} {
		if !there(digest) {
			t.Errorf("%s went before its time", digest[:12])
		}
	}
	open, err := g.admin.Blob(t.Context(), middle, 0, -1, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	tidy(8 * 24 * time.Hour)
	for digest, want := range map[string]bool{old: true, middle: false, newest: true, orphan: false, asked: false} {
		if there(digest) != want {
			t.Errorf("%s: there is %v, want %v", digest[:12], !want, want)
		}
	}
	if b, err := io.ReadAll(open); err != nil || string(b) != "the second picture" {
		t.Errorf("whoever was reading it got %q, %v", b, err)
	}
	if _, err := g.admin.Manifest(t.Context(), second.Manifest); !api.IsNotFound(err) {
		t.Errorf("the second manifest: %v", err)
	}
	if there(string(lost.Digest)) {
		t.Error("what never came is there")
	}
}

func TestAPushThatAsksKeepsWhatItCountsOn(t *testing.T) {
	dir := t.TempDir()
	var clock later
	g := start(t, dir, func(c *cloud.Config) { c.Now, c.Grace = clock.now, time.Hour })
	c := g.prepare(t, "lobby", 1, "one that a push counts on")
	b := c.Manifest.Blobs[0]
	if err := g.admin.PutBlob(t.Context(), string(b.Digest), b.Size, bytes.NewReader([]byte("one that a push counts on")), nil); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-48 * time.Hour)
	age(t, dir, string(b.Digest), old)
	age(t, dir, pointer(c).Manifest, old)
	if has, _, err := g.admin.HasBlob(t.Context(), string(b.Digest)); !has || err != nil {
		t.Fatal(has, err)
	}
	if err := g.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if has, _, err := g.admin.HasBlob(t.Context(), string(b.Digest)); !has || err != nil {
		t.Errorf("it is gone: %v", err)
	}
	age(t, dir, string(b.Digest), old)
	if err := g.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if has, _, err := g.admin.HasBlob(t.Context(), string(b.Digest)); has || err != nil {
		t.Errorf("nobody wants it and it stays: %v", err)
	}
}

// age makes a blob or manifest look old.
func age(t *testing.T, dir, digest string, at time.Time) {
	t.Helper()
	for _, kind := range []string{"blobs", "manifests"} {
		if err := os.Chtimes(filepath.Join(dir, kind, digest[:2], digest), at, at); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

func TestThePlayersTimeIsSignedByTheRelaysOwnKey(t *testing.T) {
	dir := t.TempDir()
	g := start(t, dir, nil)
	d := g.device(t)
	e, err := d.Enrol(t.Context(), d.key, time.Now(), api.EnrolRequest{Version: "0.1.0"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.admin.Claim(t.Context(), e.UserCode, api.Claim{Name: "Hall", Root: "ab"}); err == nil {
		t.Error("a root that is no digest was taken")
	}
	root := "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	if _, err := g.admin.Claim(t.Context(), e.UserCode, api.Claim{Name: "Hall", Root: root}); err != nil {
		t.Fatal(err)
	}
	got, err := d.Enrolled(t.Context(), e, time.Second)
	if err != nil || got == nil || len(got.Time) != ed25519.PublicKeySize || got.Root != root {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := d.Time(t.Context(), got.Time); err != nil {
		t.Error(err)
	}
	stranger, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Time(t.Context(), stranger); err == nil {
		t.Error("the time of another relay was taken")
	}
	g.stop()
	g = start(t, dir, nil)
	if _, err := g.client(t, nil).Time(t.Context(), got.Time); err != nil {
		t.Errorf("after a restart: %v", err)
	}
}
