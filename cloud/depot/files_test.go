package depot_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"vitrine/cloud/depot"
)

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func TestEveryBlobStoreKeepsItsPromises(t *testing.T) {
	for engine, open := range map[string]func(t *testing.T) (b depot.Blobs, reopen func() depot.Blobs){
		"files": func(t *testing.T) (depot.Blobs, func() depot.Blobs) {
			dir := t.TempDir()
			reopen := func() depot.Blobs {
				f, err := depot.OpenFiles(dir, 1<<20)
				if err != nil {
					t.Fatal(err)
				}
				return f
			}
			return reopen(), reopen
		},
	} {
		t.Run(engine, func(t *testing.T) { promises(t, open) })
	}
}

func promises(t *testing.T, open func(t *testing.T) (depot.Blobs, func() depot.Blobs)) {
	content := bytes.Repeat([]byte("vitrine "), 1<<16)
	digest := digestOf(content)
	put := func(b depot.Blobs, digest string, size int, r io.Reader) (bool, error) {
		return b.Put(context.Background(), digest, int64(size), r)
	}
	absent := func(t *testing.T, b depot.Blobs, digest string) {
		t.Helper()
		if _, err := b.Stat(digest); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q is there: %v", digest, err)
		}
		if r, err := b.Open(digest); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q opens: %v, %v", digest, r, err)
		}
	}
	t.Run("a blob is there after a restart, and can be read from anywhere", func(t *testing.T) {
		b, reopen := open(t)
		if fresh, err := put(b, digest, len(content), bytes.NewReader(content)); !fresh || err != nil {
			t.Fatal(fresh, err)
		}
		b = reopen()
		if size, err := b.Stat(digest); size != int64(len(content)) || err != nil {
			t.Fatal(size, err)
		}
		r, err := b.Open(digest)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := r.Seek(-8, io.SeekEnd); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != "vitrine " {
			t.Fatalf("%q, %v", got, err)
		}
	})
	t.Run("what is there is not read again", func(t *testing.T) {
		b, _ := open(t)
		for i, r := range []io.Reader{bytes.NewReader(content), failing{}} {
			if fresh, err := put(b, digest, len(content), r); fresh != (i == 0) || err != nil {
				t.Fatal(i, fresh, err)
			}
		}
	})
	t.Run("an empty blob is a blob", func(t *testing.T) {
		b, _ := open(t)
		if _, err := put(b, digestOf(nil), 0, bytes.NewReader(nil)); err != nil {
			t.Fatal(err)
		}
		if size, err := b.Stat(digestOf(nil)); size != 0 || err != nil {
			t.Fatal(size, err)
		}
	})
	t.Run("other bytes are refused, and leave nothing", func(t *testing.T) {
		b, _ := open(t)
		flipped := bytes.Clone(content)
		flipped[len(flipped)-1] ^= 1
		for name, tc := range map[string]struct {
			r    io.Reader
			want error
		}{
			"one bit flipped": {bytes.NewReader(flipped), depot.ErrDigest},
			"one byte less":   {bytes.NewReader(content[1:]), depot.ErrSize},
			"one byte more":   {io.MultiReader(bytes.NewReader(content), strings.NewReader("x")), depot.ErrSize},
			"without end":     {endless{}, depot.ErrSize},
			"broken off":      {io.MultiReader(bytes.NewReader(content[:100]), failing{}), errBroken},
		} {
			if _, err := put(b, digest, len(content), tc.r); !errors.Is(err, tc.want) {
				t.Errorf("%s: %v", name, err)
			}
			absent(t, b, digest)
		}
		if _, err := put(b, digest, len(content), bytes.NewReader(content)); err != nil {
			t.Error("after that the right ones are refused:", err)
		}
	})
	t.Run("nothing but a digest is a name", func(t *testing.T) {
		b, _ := open(t)
		for _, name := range []string{"", "..", "../relay.db", strings.ToUpper(digest), digest[:63], digest + "0", strings.Repeat("/", 64), "incoming"} {
			absent(t, b, name)
			if _, err := put(b, name, len(content), bytes.NewReader(content)); err == nil {
				t.Errorf("%q was taken", name)
			}
		}
	})
	t.Run("of two who send the same at once one is told to come back", func(t *testing.T) {
		b, _ := open(t)
		in, out := io.Pipe()
		first := make(chan error, 1)
		go func() {
			_, err := put(b, digest, len(content), in)
			first <- err
		}()
		if _, err := out.Write(content[:10]); err != nil { // it is under way
			t.Fatal(err)
		}
		if _, err := put(b, digest, len(content), bytes.NewReader(content)); !errors.Is(err, depot.ErrBusy) {
			t.Error(err)
		}
		if _, err := out.Write(content[10:]); err != nil {
			t.Fatal(err)
		}
		out.Close()
		if err := <-first; err != nil {
			t.Fatal(err)
		}
	})
	t.Run("more than the disk has is refused before it is sent", func(t *testing.T) {
		b, _ := open(t)
		free, err := b.Free()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Put(t.Context(), digest, free, failing{}); !errors.Is(err, depot.ErrFull) {
			t.Fatal(err)
		}
	})
	t.Run("a sender who has gone holds nothing up", func(t *testing.T) {
		b, _ := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.Put(ctx, digest, int64(len(content)), endless{}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if _, err := put(b, digest, len(content), bytes.NewReader(content)); err != nil {
			t.Fatal(err)
		}
	})
}

var errBroken = errors.New("the line is broken")

// failing fails whoever reads of it.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBroken }

// endless never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestWhatWasBeingWrittenAtTheLastKillIsCleared(t *testing.T) {
	dir := t.TempDir()
	if _, err := depot.OpenFiles(dir, 0); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, "incoming", digestOf(nil))
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := depot.OpenFiles(dir, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}
