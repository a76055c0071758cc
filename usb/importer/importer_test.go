package importer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vitrine/usb/importer"
	"vitrine/usb/udisks"
)

// stick is the content of a stick in a folder.
type stick struct {
	dir      string
	manifest string
	blob     string
}

var envelope, content = []byte(`{"payload":"…"}`), bytes.Repeat([]byte("vitrine "), 1000)

// write lays out a small bundle as on a stick.
func write(t *testing.T) stick {
	t.Helper()
	s := stick{t.TempDir(), digest(envelope), digest(content)}
	s.put(t, "root/1.json", []byte("root 1"))
	s.put(t, "root/2.json", []byte("root 2"))
	s.put(t, "m/"+s.manifest+".json", envelope)
	s.put(t, s.path(), content)
	s.put(t, "stick.json", fmt.Appendf(nil, `{"format":"vitrine-stick/1","manifest":%q,"roots":2}`, s.manifest))
	return s
}

func (s stick) path() string { return "b/" + s.blob[:2] + "/" + s.blob }

func (s stick) file(name string) string { return filepath.Join(s.dir, "vitrine", name) }

func (s stick) put(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(s.file(name)), 0o755), os.WriteFile(s.file(name), b, 0o644)); err != nil {
		t.Fatal(err)
	}
}

func digest(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }

func TestABundleOnAStickIsReadByItsHashes(t *testing.T) {
	s := write(t)
	tree, err := importer.Open(s.dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	roots, err := tree.Roots(t.Context())
	if err != nil || len(roots) != 2 || string(roots[0]) != "root 1" || string(roots[1]) != "root 2" {
		t.Errorf("roots %q, %v", roots, err)
	}
	if got, err := tree.Manifest(t.Context()); err != nil || !bytes.Equal(got, envelope) {
		t.Errorf("manifest %q, %v", got, err)
	}
	for _, from := range []int64{0, 3, int64(len(content)), int64(len(content)) + 9} {
		if got, err := blob(t.Context(), tree, s.blob, from); err != nil || !bytes.Equal(got, content[min(from, int64(len(content))):]) {
			t.Errorf("from byte %d: %d bytes, %v", from, len(got), err)
		}
	}
}

func TestPartsOfABlobAreReadAsOne(t *testing.T) {
	const part = 1 << 30
	s := write(t)
	if err := os.Remove(s.file(s.path())); err != nil {
		t.Fatal(err)
	}
	for n, size := range []int64{part, part, 5} { // sparse: they hold next to nothing
		name := fmt.Sprintf("%s.%03d", s.file(s.path()), n)
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt([]byte{byte('a' + n)}, size-1)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := importer.Open(s.dir, 4<<30)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	for from, want := range map[int64]string{
		part - 2:     "\x00a",              // and then a whole part of zeros
		2*part - 1:   "b\x00\x00\x00\x00c", // over the last border
		2 * part:     "\x00\x00\x00\x00c",
		2*part + 4:   "c",
		2*part + 100: "",
	} {
		r, err := tree.Blob(t.Context(), s.blob, from)
		if err != nil {
			t.Errorf("from %d: %v", from, err)
			continue
		}
		got := make([]byte, len(want))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
			t.Errorf("from %d: %q, %v, want %q", from, got, err, want)
		}
		if n, err := r.Read(make([]byte, 1)); from != part-2 && (n != 0 || err != io.EOF) {
			t.Errorf("from %d: %d bytes after the end, %v", from, n, err)
		}
		r.Close()
	}
}

func TestHostileSticksAreRefused(t *testing.T) {
	replace := func(t *testing.T, s stick, name string, make func(path string) error) {
		if err := errors.Join(os.RemoveAll(s.file(name)), make(s.file(name))); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, s stick)
		want  string
	}{
		{"no folder of ours", func(t *testing.T, s stick) { replace(t, s, ".", func(string) error { return nil }) }, "no bundle"},
		{"the folder is a link", func(t *testing.T, s stick) {
			replace(t, s, ".", func(p string) error { return os.Symlink(filepath.Dir(outside), p) })
		}, "symbolic links"},
		{"no index", func(t *testing.T, s stick) { replace(t, s, "stick.json", func(string) error { return nil }) }, "no bundle"},
		{"an index that is a FIFO", func(t *testing.T, s stick) {
			replace(t, s, "stick.json", func(p string) error { return unix.Mkfifo(p, 0o644) })
		}, "not a plain file"},
		{"an index without an end", func(t *testing.T, s stick) { s.put(t, "stick.json", make([]byte, 20_000)) }, "longer than"},
		{"an index of another time", func(t *testing.T, s stick) { s.put(t, "stick.json", []byte(`{"format":"vitrine-stick/9"}`)) }, "update the player"},
		{"an index that names a path", func(t *testing.T, s stick) {
			s.put(t, "stick.json", []byte(`{"format":"vitrine-stick/1","manifest":"../../../../etc/passwd","roots":1}`))
		}, "no SHA-256"},
		{"an index that counts a million roots", func(t *testing.T, s stick) {
			s.put(t, "stick.json", fmt.Appendf(nil, `{"format":"vitrine-stick/1","manifest":%q,"roots":1000000}`, s.manifest))
		}, "1000000 roots"},
		{"a root that is missing", func(t *testing.T, s stick) { replace(t, s, "root/2.json", func(string) error { return nil }) }, "root/2.json is not on the stick"},
		{"a root that is too long", func(t *testing.T, s stick) { s.put(t, "root/2.json", make([]byte, 65<<10)) }, "longer than"},
		{"a manifest that is not the one named", func(t *testing.T, s stick) { s.put(t, "m/"+s.manifest+".json", []byte("{}")) }, "is damaged"},
		{"a blob that is a FIFO", func(t *testing.T, s stick) {
			replace(t, s, s.path(), func(p string) error { return unix.Mkfifo(p, 0o644) })
		}, "not a plain file"},
		{"a blob that is a folder", func(t *testing.T, s stick) {
			replace(t, s, s.path(), func(p string) error { return os.Mkdir(p, 0o755) })
		}, "not a plain file"},
		{"a blob that is a socket or a device", func(t *testing.T, s stick) {
			replace(t, s, s.path(), func(p string) error {
				if os.Getuid() == 0 {
					return unix.Mknod(p, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))) // /dev/zero, without an end
				}
				return unix.Mknod(p, unix.S_IFSOCK|0o666, 0)
			})
		}, "on the stick"},
		{"a blob that is a link to a file outside", func(t *testing.T, s stick) {
			replace(t, s, s.path(), func(p string) error { return os.Symlink(outside, p) })
		}, "symbolic links"},
		{"a folder of blobs that is a link outside", func(t *testing.T, s stick) {
			replace(t, s, "b/"+s.blob[:2], func(p string) error { return os.Symlink(filepath.Dir(outside), p) })
		}, "symbolic links"},
		{"a blob that is missing", func(t *testing.T, s stick) { replace(t, s, s.path(), func(string) error { return nil }) }, "write the stick again"},
		{"a blob larger than the budget", func(t *testing.T, s stick) { s.put(t, s.path(), make([]byte, 2<<20)) }, "may be read"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := write(t)
			test.spoil(t, s)
			if err := all(t.Context(), s); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

// all reads a stick as an import does.
func all(ctx context.Context, s stick) error {
	tree, err := importer.Open(s.dir, 1<<20)
	if err != nil {
		return err
	}
	defer tree.Close()
	if _, err := tree.Roots(ctx); err != nil {
		return err
	}
	if _, err := tree.Manifest(ctx); err != nil {
		return err
	}
	_, err = blob(ctx, tree, s.blob, 0)
	return err
}

func blob(ctx context.Context, tree *importer.Tree, digest string, from int64) ([]byte, error) {
	r, err := tree.Blob(ctx, digest, from)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestBlobsAreAskedForByDigestOnly(t *testing.T) {
	s := write(t)
	tree, err := importer.Open(s.dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.Close()
	for _, name := range []string{"", "..", "../../stick.json", strings.ToUpper(s.blob), s.blob + "0", s.blob[:63] + "/"} {
		if _, err := tree.Blob(t.Context(), name, 0); err == nil {
			t.Errorf("%q was opened", name)
		}
	}
	if _, err := tree.Blob(t.Context(), s.blob, -1); err == nil {
		t.Error("a negative offset was taken")
	}
}

// port is a USB port with a fake hand at it.
type port struct {
	events  chan udisks.Event
	mounted func(udisks.Stick) (string, error)
	mu      sync.Mutex
	left    []string // devices unmounted
}

func (p *port) Events() <-chan udisks.Event { return p.events }
func (p *port) Mount(_ context.Context, s udisks.Stick) (string, error) {
	return p.mounted(s)
}
func (p *port) MountToWrite(_ context.Context, s udisks.Stick) (string, error) {
	p.mu.Lock()
	p.left = append(p.left, "to write "+s.Device)
	p.mu.Unlock()
	return p.mounted(s)
}
func (p *port) Unmount(_ context.Context, s udisks.Stick) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = append(p.left, s.Device)
	return nil
}

// taker hands each import to the test.
type taker struct{ takes chan take }

type take struct {
	ctx   context.Context
	stick udisks.Stick
	tree  *importer.Tree
	end   chan error
}

func (k taker) Take(ctx context.Context, s udisks.Stick, tree *importer.Tree) error {
	t := take{ctx, s, tree, make(chan error)}
	k.takes <- t
	return <-t.end
}

func TestSticksAreImportedOneByOneAndLetGo(t *testing.T) {
	s := write(t)
	p := &port{events: make(chan udisks.Event), mounted: func(udisks.Stick) (string, error) { return s.dir, nil }}
	k := taker{make(chan take)}
	var log bytes.Buffer
	stop := run(t, importer.Config{Sticks: p, Taker: k, Log: slog.New(slog.NewTextHandler(&log, nil))})
	one, two, three := udisks.Stick{Device: "one"}, udisks.Stick{Device: "two"}, udisks.Stick{Device: "three"}
	for _, stick := range []udisks.Stick{one, two, three} {
		p.events <- udisks.Event{Stick: stick}
	}
	first := <-k.takes
	p.events <- udisks.Event{Stick: two, Gone: true} // it never had its turn
	p.events <- udisks.Event{Stick: one, Gone: true}
	<-first.ctx.Done()
	if cause := context.Cause(first.ctx); !errors.Is(cause, importer.ErrGone) {
		t.Errorf("the import of a pulled stick ended because of %v", cause)
	}
	first.end <- errors.New("input/output error")
	second := <-k.takes
	if second.stick != three {
		t.Errorf("%s came after one, want three", second.stick.Device)
	}
	if _, err := blob(second.ctx, second.tree, s.blob, 0); err != nil {
		t.Error(err)
	}
	second.end <- nil
	stop()
	if got := strings.Join(p.left, " "); got != "one three" {
		t.Errorf("unmounted %q, want one and three", got)
	}
	for _, want := range []string{`msg="stick refused" device=one`, "the stick was pulled out", `msg="stick imported" device=three`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, log.String())
		}
	}
}

func TestAnImportEndsWithItsTime(t *testing.T) {
	s := write(t)
	p := &port{events: make(chan udisks.Event), mounted: func(udisks.Stick) (string, error) { return s.dir, nil }}
	k := taker{make(chan take)}
	stop := run(t, importer.Config{Sticks: p, Taker: k, Time: time.Nanosecond, Log: slog.New(slog.DiscardHandler)})
	defer stop()
	p.events <- udisks.Event{Stick: udisks.Stick{Device: "slow"}}
	got := <-k.takes
	_, err := blob(got.ctx, got.tree, s.blob, 0)
	if err == nil || !strings.Contains(err.Error(), "too slow") {
		t.Errorf("read after its time: %v", err)
	}
	got.end <- err
}

func TestAStickThatCannotBeMountedIsLeftAlone(t *testing.T) {
	p := &port{events: make(chan udisks.Event), mounted: func(udisks.Stick) (string, error) { return "", errors.New("without noexec") }}
	log := make(lines, 10)
	stop := run(t, importer.Config{Sticks: p, Taker: taker{}, Log: slog.New(slog.NewTextHandler(log, nil))})
	defer stop()
	p.events <- udisks.Event{Stick: udisks.Stick{Device: "one"}}
	if line := <-log; !strings.Contains(line, "without noexec") {
		t.Errorf("logged %s", line)
	}
	if len(p.left) != 0 {
		t.Errorf("unmounted %v, which was not mounted", p.left)
	}
}

// lines is a log whose lines a test can wait for.
type lines chan string

func (l lines) Write(p []byte) (int, error) { l <- string(p); return len(p), nil }

// run runs an importer until the function it returns is called.
func run(t *testing.T, cfg importer.Config) (stop func()) {
	t.Helper()
	m, err := importer.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	}
}
