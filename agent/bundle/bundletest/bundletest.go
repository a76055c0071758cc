// Package bundletest makes signed bundles for tests.
//
//	New(t) ──> Publisher{root key, publisher key, chain} ──Content(manifest, files)──> File | Tree | bundle.Content
//
// What it makes is real: the keys sign, the digests are those of the bytes, and the manifest passes Validate.
package bundletest

import (
	"bytes"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"vitrine/agent/bundle"
	"vitrine/render/scene"
)

// Publisher is a customer's keys.
type Publisher struct {
	Customer string
	Root     bundle.PrivateKey
	Key      bundle.PrivateKey // the publisher's
	Chain    [][]byte          // root envelopes from 1
}

// New makes a customer "acme" with one root key, one publisher key and root 1.
func New(t testing.TB) *Publisher {
	t.Helper()
	p := &Publisher{Customer: "acme", Root: newKey(t), Key: newKey(t)}
	p.NextRoot(t, nil)
	return p
}

// NextRoot adds a version to the chain; change may edit the root before it is signed with the publisher's root key and
// the others given.
func (p *Publisher) NextRoot(t testing.TB, change func(*bundle.Root), others ...bundle.PrivateKey) {
	t.Helper()
	r := &bundle.Root{Format: bundle.FormatRoot, Customer: p.Customer, Version: len(p.Chain) + 1,
		Issued: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	r.Allow(bundle.RoleRoot, "root", p.Root.Public())
	r.Allow(bundle.RolePublisher, "publisher", p.Key.Public())
	if change != nil {
		change(r)
	}
	sealed, err := r.Seal(append([]bundle.PrivateKey{p.Root}, others...)...)
	if err != nil {
		t.Fatalf("seal root %d: %v", r.Version, err)
	}
	p.Chain = append(p.Chain, sealed)
}

// Trust verifies the chain.
func (p *Publisher) Trust(t testing.TB) *bundle.Trust {
	t.Helper()
	trust, err := bundle.NewTrust(p.Chain)
	if err != nil {
		t.Fatalf("trust the test's own chain: %v", err)
	}
	return trust
}

// Slide is a scene of one picture or, with a length of zero, one video that fills a canvas of 1920 x 1080.
func Slide(src string, length time.Duration) scene.Scene {
	item := scene.Item{Kind: scene.Image, Src: src, For: scene.Duration(length)}
	if length == 0 {
		item.Kind = scene.Video
	}
	return scene.Scene{Zones: []scene.Zone{{At: scene.Rect{0, 0, 1920, 1080}, Playlist: []scene.Item{item}}}}
}

// Content makes a signed bundle of these files (by bundle path). What the manifest leaves empty is filled in: stream
// "lobby", serial 1, the newest root, issued on 2 January 2026, a canvas of 1920 x 1080, a scene per picture or video that
// lasts 5 s or its own length, and a fleet default of all scenes in order of their names.
func (p *Publisher) Content(t testing.TB, m bundle.Manifest, files map[string][]byte) bundle.Content {
	t.Helper()
	p.fill(&m, files)
	blobs := map[bundle.Digest][]byte{}
	m.Files, m.Blobs = map[string]bundle.Digest{}, nil
	for _, path := range slices.Sorted(maps.Keys(files)) {
		b, err := bundle.Hash(t.Context(), bytes.NewReader(files[path]), int64(len(files[path])), bundle.MinSegment, nil)
		if err != nil {
			t.Fatalf("hash %s: %v", path, err)
		}
		b.Type = "application/octet-stream"
		m.Files[path] = b.Digest
		if blobs[b.Digest] == nil {
			m.Blobs = append(m.Blobs, b)
		}
		blobs[b.Digest] = files[path]
	}
	slices.SortFunc(m.Blobs, func(a, b bundle.Blob) int { return strings.Compare(string(a.Digest), string(b.Digest)) })
	envelope, err := m.Seal(p.Key)
	if err != nil {
		t.Fatalf("seal manifest: %v", err)
	}
	return bundle.Content{Roots: slices.Clone(p.Chain), Envelope: envelope, Manifest: &m,
		Open: func(d bundle.Digest) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(blobs[d])), nil }}
}

// File writes such a bundle as one file and returns its path.
func (p *Publisher) File(t testing.TB, m bundle.Manifest, files map[string][]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bundle.vitrine")
	if err := bundle.WriteFile(t.Context(), path, p.Content(t, m, files), nil); err != nil {
		t.Fatalf("write bundle: %v", err)
	}
	return path
}

// Tree writes such a bundle as a tree and returns its folder.
func (p *Publisher) Tree(t testing.TB, m bundle.Manifest, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := bundle.WriteTree(t.Context(), dir, p.Content(t, m, files), nil); err != nil {
		t.Fatalf("write bundle: %v", err)
	}
	return dir
}

func (p *Publisher) fill(m *bundle.Manifest, files map[string][]byte) {
	m.Format, m.Customer = bundle.FormatManifest, p.Customer
	if m.Stream == "" {
		m.Stream = "lobby"
	}
	if m.Seq == 0 {
		m.Seq = 1
	}
	if m.Root == 0 {
		m.Root = len(p.Chain)
	}
	if m.Issued.IsZero() {
		m.Issued = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	}
	if m.Canvas == (scene.Size{}) {
		m.Canvas = scene.Size{Width: 1920, Height: 1080}
	}
	if m.Scenes == nil {
		m.Scenes = slides(files)
	}
	if d := m.Schedule.Defaults; len(m.Schedule.Events) == 0 && len(d.Fleet) == 0 && len(d.Group) == 0 && len(d.Device) == 0 {
		m.Schedule.Defaults.Fleet = slices.Sorted(maps.Keys(m.Scenes))
	}
}

// slides makes a scene of each medium, named after its file.
func slides(files map[string][]byte) map[string]scene.Scene {
	scenes := map[string]scene.Scene{}
	for path := range files {
		ext := filepath.Ext(path)
		id := strings.TrimSuffix(filepath.Base(path), ext)
		switch ext {
		case ".png", ".jpg", ".webp", ".gif":
			scenes[id] = Slide(path, 5*time.Second)
		case ".mp4", ".webm", ".mkv":
			scenes[id] = Slide(path, 0)
		}
	}
	return scenes
}

func newKey(t testing.TB) bundle.PrivateKey {
	t.Helper()
	k, err := bundle.GenerateKey()
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	return k
}
