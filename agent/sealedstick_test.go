package agent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/color"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/agent"
	"vitrine/agent/bundle"
	"vitrine/agent/bundle/bundletest"
	"vitrine/agent/control"
	"vitrine/usb/importer"
	"vitrine/usb/seal"
	"vitrine/usb/writer"
)

// sealedOnto writes a bundle onto an encrypted stick, and says where a file of it lies.
func sealedOnto(t *testing.T, dir string, c bundle.Content, key func(s *seal.Seal) ([]byte, error)) (at func(name string) string) {
	t.Helper()
	s, err := seal.New()
	if err != nil {
		t.Fatal(err)
	}
	file, err := key(s)
	if err != nil {
		t.Fatal(err)
	}
	var files []writer.File
	plain := func(name string, b []byte) writer.File {
		return writer.Plain(name, int64(len(b)), string(bundle.DigestOf(b)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil })
	}
	add := func(name string, b []byte) { files = append(files, writer.Sealed(plain(name, b), s)) }
	for i, r := range c.Roots {
		add(bundle.RootPath(i+1), r)
	}
	d := bundle.DigestOf(c.Envelope)
	add(d.ManifestPath(), c.Envelope)
	for _, b := range c.Manifest.Blobs {
		r, err := c.Open(b.Digest)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		add(b.Digest.BlobPath(), content)
	}
	inner, err := json.Marshal(importer.Index{Format: importer.Format, Manifest: string(d), Roots: len(c.Roots)})
	if err != nil {
		t.Fatal(err)
	}
	index, k := string(bundle.DigestOf(inner)), string(bundle.DigestOf(file))
	add(importer.SealedIndexName(index), inner)
	files = append(files, plain(importer.KeyName(k), file))
	if _, err := writer.Write(t.Context(), writer.Config{Dir: dir, Files: files, Index: importer.Index{Format: importer.Format, Sealed: &importer.Sealed{Keys: []string{k}, Index: index}}}); err != nil {
		t.Fatal(err)
	}
	return func(name string) string { return filepath.Join(dir, "vitrine", s.Path(name)) }
}

func TestAnEncryptedStickIsTakenByItsPlayerAlone(t *testing.T) {
	p, pub := newPort(), bundletest.New(t)
	s := stuck{p, pub, nil}
	s.c, _ = player(t, agent.Config{Dir: filepath.Join(t.TempDir(), "data"), Headless: "640x360", Renderer: renderer(t), Lang: "en", Port: p, StickPassphrase: "correct horse battery"})
	if _, err := s.c.Import(t.Context(), pub.File(t, bundle.Manifest{Seq: 5}, map[string][]byte{"a.png": plain(t, red)}), strings.Join(bundle.Words(pub.Chain[0]), " "), func(control.Step) {}); err != nil {
		t.Fatal(err)
	}
	st, err := s.c.Status(t.Context())
	if err != nil || st.Seal == nil {
		t.Fatalf("the player does not show its key: %+v, %v", st.Seal, err)
	}
	_, stranger, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	to := func(recipient string) func(s *seal.Seal) ([]byte, error) {
		return func(s *seal.Seal) ([]byte, error) { return s.KeyFor([]string{recipient}, "") }
	}
	by := func(passphrase string) func(s *seal.Seal) ([]byte, error) {
		return func(s *seal.Seal) ([]byte, error) { return s.KeyBy(passphrase, "") }
	}
	for _, test := range []struct {
		name, state, said string
		seq               uint64
		color             color.RGBA
		key               func(s *seal.Seal) ([]byte, error)
		spoil             func(b []byte) []byte // of the picture
	}{
		{"for another player", "refused", "encrypted, and not for this player", 6, blue, to(stranger), nil},
		{"by another passphrase", "refused", "encrypted, and not for this player", 6, blue, by("correct horse batterie"), nil},
		{"for it, but damaged", "refused", "a file on this stick is damaged", 6, blue, to(st.Seal.Recipient), func(b []byte) []byte { b[len(b)-9]++; return b }},
		{"for it, but cut short", "refused", "a file on this stick is damaged", 6, blue, to(st.Seal.Recipient), func(b []byte) []byte { return b[:len(b)-1] }},
		{"for it", "taken", "version 6, is here", 6, blue, to(st.Seal.Recipient), nil},
		{"by its passphrase", "taken", "version 7, is here", 7, red, by("correct horse battery"), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			c := s.content(t, test.seq, test.color, nil)
			at := sealedOnto(t, dir, c, test.key)
			if test.spoil != nil {
				path := at(c.Manifest.Blobs[0].Digest.BlobPath())
				b, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				put(t, path, test.spoil(b))
			}
			if state, said := s.said(t, dir); state != test.state || !strings.Contains(said, test.said) {
				t.Errorf("%s: %q, want %s with %q", state, said, test.state, test.said)
			}
		})
	}
	shows(t, s.c, red)
}
