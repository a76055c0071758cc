package cloud_test

import (
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/cloud/api"
)

func TestTheRelaysOwnKeyVouchesForTheNewestOfAStreamForADay(t *testing.T) {
	dir := t.TempDir()
	g := start(t, dir, nil)
	first := g.push(t, "lobby", 1, "one")
	d := g.claimed(t, "Hall")
	now, err := d.Time(t.Context(), nil)
	if err != nil || len(now.Key) != ed25519.PublicKeySize {
		t.Fatalf("the relay names no key: %+v, %v", now, err)
	}
	trust, err := bundle.NewTrust(g.pub.Chain)
	if err != nil {
		t.Fatal(err)
	}
	var last *bundle.Fresh
	ask := func(want api.Pointer) {
		t.Helper()
		b, err := g.admin.Fresh(t.Context(), "lobby")
		if err != nil {
			t.Fatal(err)
		}
		f, err := trust.Fresh(b, now.Key, last)
		if err != nil || f.Seq != want.Seq || string(f.Manifest) != want.Manifest || f.Root != want.Root {
			t.Fatalf("%+v, %v; want %+v", f, err, want)
		}
		if f.Expires.Sub(f.Issued) != 24*time.Hour || time.Since(f.Issued).Abs() > time.Minute {
			t.Errorf("it holds from %s to %s", f.Issued, f.Expires)
		}
		last = f
	}
	ask(first)
	second := g.push(t, "lobby", 2, "two")
	ask(second)
	if _, err := d.Fresh(t.Context(), "canteen"); !api.IsNotFound(err) {
		t.Errorf("a stream that is not there: %v", err)
	}
	stranger, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := g.admin.Fresh(t.Context(), "lobby")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trust.Fresh(b, stranger, nil); !errors.Is(err, bundle.ErrUnsigned) {
		t.Errorf("another relay's key: %v", err)
	}
	if _, err := trust.Manifest(b); err == nil {
		t.Error("the relay's word was taken for a bundle")
	}
	g.stop()
	g = start(t, dir, nil)
	again := g.client(t, nil)
	again.Token = again.Device(d.key, time.Now)
	if b, err = again.Fresh(t.Context(), "lobby"); err != nil {
		t.Fatal(err)
	}
	if f, err := trust.Fresh(b, now.Key, last); err != nil || f.Seq != 2 {
		t.Errorf("after a restart: %+v, %v", f, err)
	}
}
