package cloud_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/cloud"
	"vitrine/cloud/api"
)

// rig is a relay that serves, its administrator and a publisher.
type rig struct {
	*cloud.Relay
	dir   string
	base  string
	token string
	admin *api.Client
	trust api.Trust
	pub   *bundletest.Publisher
	stop  func()
}

// start starts a relay in a folder and stops it with the test.
func start(t testing.TB, dir string, change func(*cloud.Config)) *rig {
	t.Helper()
	cfg := cloud.Config{Data: dir, Listen: "127.0.0.1:0", Ops: "127.0.0.1:0", Reserve: 1 << 20, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	if change != nil {
		change(&cfg)
	}
	r, err := cloud.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	token, err := r.Token()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stopped := false
	g := &rig{Relay: r, dir: dir, base: "https://" + r.Addr().String(), token: token, trust: api.Trust{Pin: r.Authority().Pin()}}
	g.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error("relay stopped with:", err)
		}
	}
	t.Cleanup(g.stop)
	g.admin = g.client(t, api.Fixed(token))
	return g
}

func (g *rig) client(t testing.TB, tokens api.Tokens) *api.Client {
	t.Helper()
	h, err := api.NewHTTP(g.trust)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.CloseIdleConnections)
	return &api.Client{Base: g.base, HTTP: h, Token: tokens}
}

// device is a player as far as the relay can see.
type device struct {
	*api.Client
	key ed25519.PrivateKey
	id  string
}

func (g *rig) device(t testing.TB) *device {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &device{Client: g.client(t, nil), key: key}
	d.Token = d.Device(key, time.Now)
	return d
}

// claimed enrols a device and claims it.
func (g *rig) claimed(t testing.TB, name string, groups ...string) *device {
	t.Helper()
	d := g.device(t)
	e, err := d.Enrol(t.Context(), d.key, time.Now(), api.EnrolRequest{Version: "0.1.0", Hostname: "box"})
	if err != nil {
		t.Fatal("enrol:", err)
	}
	p, err := g.admin.Claim(t.Context(), e.UserCode, api.Claim{Name: name, Groups: groups})
	if err != nil {
		t.Fatal("claim:", err)
	}
	got, err := d.Enrolled(t.Context(), e, time.Second)
	if err != nil || got == nil || got.Settings.ID != p.ID {
		t.Fatalf("enrolled: %+v, %v", got, err)
	}
	d.id = p.ID
	return d
}

// push publishes a bundle of one picture and gives where it is.
func (g *rig) push(t testing.TB, stream string, seq uint64, content string) api.Pointer {
	t.Helper()
	c := g.prepare(t, stream, seq, content)
	for _, b := range c.Manifest.Blobs {
		r, err := c.Open(b.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.admin.PutBlob(t.Context(), string(b.Digest), b.Size, r, nil); err != nil {
			t.Fatal("put blob:", err)
		}
	}
	p := pointer(c)
	if _, err := g.admin.MoveHead(t.Context(), stream, 0, api.Head{Seq: seq, Manifest: p.Manifest, Root: p.Root}); err != nil {
		t.Fatal("move head:", err)
	}
	return p
}

// prepare pushes roots and manifest, and nothing else.
func (g *rig) prepare(t testing.TB, stream string, seq uint64, content string) bundle.Content {
	t.Helper()
	if g.pub == nil {
		g.pub = bundletest.New(t)
	}
	c := g.pub.Content(t, bundle.Manifest{Stream: stream, Seq: seq}, map[string][]byte{"media/a.png": []byte(content)})
	for i, root := range g.pub.Chain {
		if err := g.admin.PutRoot(t.Context(), i+1, root); err != nil {
			t.Fatal("put root:", err)
		}
	}
	if err := g.admin.PutManifest(t.Context(), pointer(c).Manifest, c.Envelope); err != nil {
		t.Fatal("put manifest:", err)
	}
	return c
}

func pointer(c bundle.Content) api.Pointer {
	return api.Pointer{Stream: c.Manifest.Stream, Seq: c.Manifest.Seq, Root: c.Manifest.Root, Manifest: string(bundle.DigestOf(c.Envelope))}
}

// beat is a heartbeat of a player that has all but what p says.
func beat(seq uint64, rev uint64, p *api.Pointer) api.Heartbeat {
	h := api.Heartbeat{Boot: "boot", Seq: seq, Now: time.Now(), Version: "0.1.0", Rev: rev, Root: 1, Active: p, Clock: "trusted", Uptime: 60,
		Checks:  map[string]string{"renderer": "ok", "disk": "ok"},
		Metrics: map[string]any{"memory": 94371840, "presented": 1234567, "dropped": 3}}
	if p != nil {
		h.Showing = &api.Showing{Scene: "welcome", Layer: "default", Since: time.Now().Add(-time.Minute), Screen: "on"}
	}
	return h
}

// jpegOf is a picture.
func jpegOf(t testing.TB, c color.Color) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 64, 36))
	for y := range 36 {
		for x := range 64 {
			img.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func contains(err error, part string) bool { return err != nil && strings.Contains(err.Error(), part) }
