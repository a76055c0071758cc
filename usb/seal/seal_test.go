package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"vitrine/usb/seal"
)

// made is a seal, the key of a player that it is for, and its key file.
func made(t testing.TB) (s *seal.Seal, secret string, file []byte) {
	t.Helper()
	secret, recipient, err := seal.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if s, err = seal.New(); err != nil {
		t.Fatal(err)
	}
	if file, err = s.KeyFor([]string{recipient}, "these"); err != nil {
		t.Fatal(err)
	}
	return s, secret, file
}

func TestFilesComeBackFromAnyPlaceAndAreAsLongAsSaid(t *testing.T) {
	s, _, _ := made(t)
	for _, size := range []int{0, 1, 65535, 65536, 65537, 200_000} {
		plain := make([]byte, size)
		for i := range plain {
			plain[i] = byte(rand.Uint32())
		}
		r, err := s.Encrypt(bytes.NewReader(plain))
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := io.ReadAll(r)
		if err != nil || int64(len(sealed)) != s.Size(int64(size)) {
			t.Errorf("%d bytes became %d, said were %d, %v", size, len(sealed), s.Size(int64(size)), err)
		}
		at, n, err := s.DecryptAt(bytes.NewReader(sealed), int64(len(sealed)))
		if err != nil || n != int64(size) {
			t.Fatalf("%d bytes: %d came back, %v", size, n, err)
		}
		for _, from := range []int{0, size / 2, max(0, size-1)} {
			got, err := io.ReadAll(io.NewSectionReader(at, int64(from), n-int64(from)))
			if err != nil || !bytes.Equal(got, plain[from:]) {
				t.Errorf("%d bytes from %d: %d came back, %v", size, from, len(got), err)
			}
		}
		if size > 0 {
			sealed[len(sealed)-5]++
			if _, _, err := s.DecryptAt(bytes.NewReader(sealed), int64(len(sealed))); err == nil {
				t.Errorf("%d bytes: a changed last byte was not seen", size)
			}
		}
	}
}

func TestAKeyFileOpensForItsReadersAlone(t *testing.T) {
	s, secret, file := made(t)
	_, other, _ := made(t)
	var mine, theirs, nobody seal.Opener
	if err := errors.Join(mine.Own(secret), theirs.Own(other), theirs.Passphrase("some other words")); err != nil {
		t.Fatal(err)
	}
	got, readers, err := mine.Open(file)
	if err != nil || readers != "these" || got.Path("b/1") != s.Path("b/1") {
		t.Errorf("for its player: %v, %v", readers, err)
	}
	for name, keys := range map[string]*seal.Opener{"another": &theirs, "nobody": &nobody, "no opener": nil} {
		if _, _, err := keys.Open(file); !errors.Is(err, seal.ErrShut) {
			t.Errorf("for %s: %v", name, err)
		}
	}
	by, err := s.KeyBy("correct horse battery", "these")
	if err != nil {
		t.Fatal(err)
	}
	var said seal.Opener
	if err := said.Passphrase("correct horse battery"); err != nil {
		t.Fatal(err)
	}
	if got, _, err := said.Open(by); err != nil || got.Path("x") != s.Path("x") {
		t.Errorf("by its passphrase: %v", err)
	}
	if _, err := s.KeyFor([]string{"age1nobody"}, ""); err == nil || !strings.Contains(err.Error(), "begins with age1") {
		t.Errorf("for what is no key: %v", err)
	}
}

func TestNamesTellNothingAndKeysAreNotPrinted(t *testing.T) {
	s, _, _ := made(t)
	other, _, _ := made(t)
	if a, b := s.Path("b/ab/cd"), other.Path("b/ab/cd"); a == b || len(a) != len("s/ab/")+64 || strings.Contains(a, "cd/") {
		t.Errorf("the same file is %s on one stick and %s on another", a, b)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.Contains(strings.ToUpper(text), "SECRET") {
		t.Errorf("printed it is %s", text)
	}
	if seal.Readers([]string{"b", "a"}, false) != seal.Readers([]string{"a", "b", "a"}, false) || seal.Readers([]string{"a"}, false) == seal.Readers([]string{"a"}, true) {
		t.Error("readers are not told apart as sets")
	}
}

func FuzzKeyFile(f *testing.F) {
	_, secret, file := made(f)
	var keys seal.Opener
	if err := errors.Join(keys.Own(secret), keys.Passphrase("correct horse battery")); err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add([]byte("age-encryption.org/v1\n-> scrypt AAAA 30\nAAAA\n--- AAAA\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, _, err := keys.Open(b); err == nil && s.Path("x") == "" {
			t.Error("a seal without names")
		}
	})
}
