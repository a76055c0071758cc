package export_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"filippo.io/age"

	"vitrine/agent/export"
	"vitrine/cloud/api"
)

func keys(t testing.TB) (player ed25519.PrivateKey, owner *age.X25519Identity) {
	t.Helper()
	_, player, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if owner, err = age.GenerateX25519Identity(); err != nil {
		t.Fatal(err)
	}
	return player, owner
}

func made(t testing.TB, player ed25519.PrivateKey, to ...*age.X25519Identity) []byte {
	t.Helper()
	var b bytes.Buffer
	var names []string
	for _, k := range to {
		names = append(names, k.Recipient().String())
	}
	w, err := export.NewWriter(&b, names, export.Header{Player: "p1", Name: "Hall", Version: "1.0.0", Made: time.Date(2027, 1, 4, 0, 0, 0, 0, time.UTC)}, player)
	if err != nil {
		t.Fatal(err)
	}
	for n := range uint64(3) {
		if err := w.Add(export.Item{Plays: &api.Proofs{Boot: "b", Plays: []api.Proof{{N: n + 1, Scene: fmt.Sprintf("scene-%d", n)}}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Add(export.Item{Log: json.RawMessage(`{"msg":"started"}`)}); err != nil {
		t.Fatal(err)
	}
	if err := w.Add(export.Item{Picture: &export.Picture{JPEG: make([]byte, 100_000)}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(b []byte, k ...age.Identity) (h export.Header, items []export.Item, err error) {
	h, err = export.Read(bytes.NewReader(b), k, func(_ export.Header, i export.Item) error { items = append(items, i); return nil })
	return h, items, err
}

func TestAnExportIsReadByItsOwnersAlone(t *testing.T) {
	player, owner := keys(t)
	_, second := keys(t)
	_, stranger := keys(t)
	b := made(t, player, owner, second)
	for _, k := range []*age.X25519Identity{owner, second} {
		h, items, err := read(b, k)
		if err != nil || h.Player != "p1" || !bytes.Equal(h.Public, player.Public().(ed25519.PublicKey)) || len(items) != 5 || items[2].Plays.Plays[0].Scene != "scene-2" {
			t.Errorf("%+v, %d items, %v", h, len(items), err)
		}
	}
	if _, _, err := read(b, stranger); !errors.Is(err, export.ErrOthers) {
		t.Errorf("a stranger's key: %v", err)
	}
	if bytes.Contains(b, []byte("scene-1")) || bytes.Contains(b, []byte("Hall")) {
		t.Error("it can be read without a key")
	}
	if _, err := export.NewWriter(&bytes.Buffer{}, nil, export.Header{}, player); err == nil {
		t.Error("an export for nobody was begun")
	}
}

func TestAnExportThatEndsTooEarlyOrWasChangedIsNone(t *testing.T) {
	player, owner := keys(t)
	b := made(t, player, owner)
	for n := 0; n < len(b); n += 97 {
		if _, _, err := read(b[:n], owner); err == nil {
			t.Fatalf("%d of %d bytes are taken", n, len(b))
		}
	}
	if _, _, err := read(b[:len(b)-1], owner); !errors.Is(err, export.ErrHalf) {
		t.Errorf("all but the last byte: %v", err)
	}
	for n := 0; n < len(b); n += 1013 {
		bad := bytes.Clone(b)
		bad[n] ^= 1
		if _, _, err := read(bad, owner); err == nil {
			t.Fatalf("with a bit of byte %d turned it is taken", n)
		}
	}
	if _, _, err := read(append(bytes.Clone(b), 0), owner); err == nil {
		t.Error("a byte more is taken")
	}
}

// Whoever may read an export can encrypt another one to the same key, but not sign it.
func TestAnExportThatThePlayerHasNotSignedIsForged(t *testing.T) {
	player, owner := keys(t)
	whole := plain(t, made(t, player, owner), owner)
	lines := bytes.SplitAfter(whole, []byte("\n"))
	lines = lines[:len(lines)-1]
	for name, forged := range map[string][][]byte{
		"a play changed":    replaced(lines, 1, bytes.Replace(lines[1], []byte("scene-0"), []byte("scene-9"), 1)),
		"a play taken out":  append(append([][]byte{}, lines[:2]...), lines[3:]...),
		"a play put twice":  append(append(append([][]byte{}, lines[:2]...), lines[1]), lines[2:]...),
		"no signature":      lines[:len(lines)-1],
		"another's name":    replaced(lines, 0, bytes.Replace(lines[0], []byte(`"p1"`), []byte(`"p2"`), 1)),
		"lines behind it":   append(append([][]byte{}, lines...), lines[1]),
		"nothing":           nil,
		"not an export":     {[]byte("{\"format\":\"x\"}\n")},
		"half a line ended": append(append([][]byte{}, lines[:3]...), []byte("{\"pla\n")),
	} {
		var b bytes.Buffer
		w, err := age.Encrypt(&b, owner.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range forged {
			if _, err := w.Write(l); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, _, err := read(b.Bytes(), owner); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func replaced(lines [][]byte, n int, with []byte) [][]byte {
	out := append([][]byte{}, lines...)
	out[n] = with
	return out
}

func plain(t testing.TB, b []byte, k age.Identity) []byte {
	t.Helper()
	r, err := age.Decrypt(bytes.NewReader(b), k)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := out.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The fuzzed bytes are what is inside of the encryption: whoever has the recipient can write anything there.
func FuzzWhatIsInsideAnExport(f *testing.F) {
	player, owner := keys(f)
	inside := plain(f, made(f, player, owner), owner)
	f.Add(inside)
	f.Add(inside[:len(inside)/2])
	f.Add([]byte("{\"format\":\"vitrine-export/1\",\"public\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}\n{\"end\":{\"items\":0}}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var sealed bytes.Buffer
		w, err := age.Encrypt(&sealed, owner.Recipient())
		if err == nil {
			_, err = w.Write(b)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		// Each process that fuzzes has keys of its own: the first one's export comes to the others from a player unknown to them.
		h, _, err := read(sealed.Bytes(), owner)
		if err == nil && bytes.Equal(h.Public, player.Public().(ed25519.PublicKey)) && !bytes.Equal(b, inside) {
			t.Fatal("what the player did not write was taken")
		}
	})
}

func FuzzAnExportsFile(f *testing.F) {
	player, owner := keys(f)
	b := made(f, player, owner)
	f.Add(b)
	f.Add(b[:200])
	f.Fuzz(func(t *testing.T, in []byte) {
		if _, _, err := read(in, owner); err == nil && !bytes.Equal(in, b) {
			t.Fatal("taken")
		}
	})
}
